/* Asking an interpreter about itself, before any child is started: by running it. Driver, one thread. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sentence.h"

#define PROBE_ABI_SIZE 16

/* What an interpreter says. The strings belong to the probe. */
struct probe {
    char *executable;         /* absolute; a venv's own python: what `ftstress-child --python` takes */
    char *prefix;             /* sys.prefix: the venv, when it is one */
    char *library;            /* the file with the interpreter's code: libpython, or the program itself */
    char version[32];         /* "3.13.5" */
    char abi[PROBE_ABI_SIZE]; /* "3.13t" */
    bool free_threaded;       /* built so */
    bool gil_now;             /* on at start, in the environment that a child inherits */
};

/* How long an interpreter or a child may take to answer, in ns. 20 s; tests shorten it. */
extern uint64_t probe_limit;

/* Asks `python`: an interpreter, a venv, or a name that is looked up on PATH. On success *ret_probe is the
 * caller's, to probe_clear. On failure *error says why. Returns 0; -ENOENT when
 * there is none; -ENOEXEC when it is no CPython or does not work; -ETIMEDOUT; another -errno when nothing can
 * be started. */
int probe_interpreter(const char *python, struct probe *ret_probe, struct sentence *error);
void probe_clear(struct probe *probe);

/* Asks ftstress-child what it was built for; *ret_python (the caller's) is the interpreter it embeds. As
 * above. */
int probe_child(const char *child, char ret_abi[PROBE_ABI_SIZE], char **ret_python, struct sentence *error);

/* Which interpreter is meant: the one asked for, else that of the active venv, else the child's own.
 * Borrowed. */
const char *probe_choose(const char *python, const char *child_python);

/* Looks for it on PATH. Returns false when it is not there. */
bool probe_find_program(const char *name, char path[PATH_MAX]);

/* Can a child of this ABI run as this interpreter? Returns 0 or -ENOEXEC. */
int probe_check_abi(const struct probe *probe, const char *child_abi, struct sentence *error);

/* A program to run with nothing on its standard input. */
struct probe_job {
    char *const *argv; /* argv[0] is a path */
    uint64_t limit;    /* ns */
    int error;         /* 0 when it came to its end, -ETIMEDOUT, -errno when it could not be started */
    int status;        /* as from waitpid */
    char *out, *err;   /* what it wrote; the caller's, to probe_job_clear; NULL when it was not started */
};

/* Runs them, a few at a time, until all have ended. What they leave behind in their process group is killed.
 */
void probe_run(struct probe_job *jobs, size_t n);
void probe_job_clear(struct probe_job *job);

/* What follows "ftstress<TAB>KEY<TAB>" on a line of its own: programs answer among whatever else is printed.
 * Returns the caller's copy, or NULL. */
char *probe_value(const char *text, const char *key);

/* Why a job gave no answer, as a clause: "it exits with status 2 and says: …". */
void probe_reason(const struct probe_job *job, char *text, size_t size);
