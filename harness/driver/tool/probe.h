/* Facts about an interpreter and a child, by running them before the run. Driver, one thread. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/process.h"
#include "base/sentence.h"

#define PROBE_ABI_SIZE 16

/* An interpreter. The strings belong to the probe. */
struct probe {
    char *executable;         /* absolute; a venv's own python: the value of `ftstress-child --python` */
    char *prefix;             /* sys.prefix: the venv, where it is one */
    char *library;            /* the file with the interpreter's code: libpython, or the program itself */
    char version[32];         /* "3.13.5" */
    char abi[PROBE_ABI_SIZE]; /* "3.13t" */
    bool free_threaded;       /* built so */
    bool gil_now;             /* the GIL is on at start, in the environment that a child inherits */
};

/* Runs `python`: an interpreter, a venv, or a name on PATH. `launch` may be NULL. On success *ret_probe is the
 * caller's, to probe_clear. Returns 0, or with *error: -ENOENT when there is none; -ENOEXEC when it is no CPython or
 * does not work; -ETIMEDOUT. */
int probe_interpreter(const char *python, const struct launch *launch, struct probe *ret_probe,
                      struct sentence *error);
void probe_clear(struct probe *probe);

/* Fills in an interpreter without a run of it, if it is the file that a free-threaded child embeds: the child knows its
 * ABI. Prefix, library and version stay empty. Returns false where only a run can show it. */
bool probe_own(const char *python, const char *child_python, const char *child_abi, struct probe *ret_probe);

/* Runs ftstress-child for the ABI that it was built for; *ret_python (the caller's) is the interpreter that it embeds.
 * Errors as above. */
int probe_child(const char *child, const struct launch *launch, char ret_abi[PROBE_ABI_SIZE],
                char **ret_python, struct sentence *error);

/* Returns the interpreter that is meant: `python`, or else that of the active venv, or else the child's own.
 * Borrowed. */
const char *probe_choose(const char *python, const char *child_python);

/* Can a child of this ABI run as this interpreter? Returns 0, or -ENOEXEC with *error. */
int probe_check_abi(const struct probe *probe, const char *child_abi, struct sentence *error);

/* Finds a program on PATH. Returns false when it is not there. */
bool probe_find_program(const char *name, char path[PATH_MAX]);

/* Finds a program in the folder of this one. On success *ret_path is the caller's. Returns 0 or -errno. */
int probe_find_beside(const char *name, char **ret_path);

/* Replaces *path of a child by that of the child beside it that was built for this ABI, where there is one. */
void probe_child_of_abi(const char *abi, char **path);
