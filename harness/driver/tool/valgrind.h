/* Valgrind, which a child runs under: is it there, and how it is called. Driver, one thread. */
#pragma once

#include "base/sentence.h"
#include "core/plan/tool.h"

#define VALGRIND_ARGUMENTS 20
#define VALGRIND_VERSION 64

struct valgrind {
    char *program;
    char version[VALGRIND_VERSION]; /* "3.19.0" */
    char *ours, *users;             /* arguments that name files of suppressions; the second may be NULL */
    const char *argv[VALGRIND_ARGUMENTS + 1]; /* what comes before the child's own; ends with NULL */
};

/* Shows that it starts this child with these suppressions. `user` is a file of them in Valgrind's own form, or NULL. On
 * success *valgrind is the caller's. Returns 0, -ENOENT where it is not installed, or another -errno. */
int valgrind_prepare(struct valgrind *valgrind, const char *child, const char *user, struct sentence *error);
void valgrind_clear(struct valgrind *valgrind);
