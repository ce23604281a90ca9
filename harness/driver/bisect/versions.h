/* Versions of a package, and venvs with one of them: pip lists and installs them from the index that it is configured
 * for, as wheels only. Driver, one thread. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/sentence.h"
#include "driver/mode/mode.h"

struct version_list {
    char **items; /* those with a wheel for the interpreter, the oldest first */
    size_t n;
    char **without; /* those without one */
    size_t nwithout;
};

/* Returns 0, or -EIO with *error. The caller clears the list in any case. */
int versions_find(const struct mode_run *mode, const char *package, struct version_list *ret,
                  struct sentence *error);
void versions_clear(struct version_list *list);

/* Returns the position of a version, or the list's n. */
size_t versions_at(const struct version_list *list, const char *version);

/* Makes or reuses a venv with this version, and with the others of the environment ("name": "version"). On success
 * *ret_python is the caller's. Returns 0, or -EIO with *error: why it cannot be installed. */
int versions_install(const struct mode_run *mode, const char *package, const char *version,
                     const json_t *environment, char **ret_python, struct sentence *error);
