/* Valgrind, which a child runs under: is it there, and how it is called. Driver, one thread. */
#pragma once

#include <limits.h>

#include "base/sentence.h"

struct valgrind {
    char version[64]; /* "3.19.0" */
    char program[PATH_MAX];
    char ours[PATH_MAX + 32], users[PATH_MAX + 32]; /* arguments that name files of suppressions */
    const char *argv[20];                           /* what comes before the child's own; ends with NULL */
};

/* Fills *valgrind, which must stay in its place, and shows that Valgrind starts this child with these suppressions.
 * `user` is a file of them in Valgrind's own form, or NULL. Returns 0, -ENOENT where it is not installed, or another
 * -errno. */
int valgrind_prepare(struct valgrind *valgrind, const char *child, const char *user, struct sentence *error);
