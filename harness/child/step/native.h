/* Scenarios in C outside of ftstress's tree: libraries that a plan names by their path. Child main, attached. */
#pragma once

#include <stddef.h>

#include <ftstress/scenario.h>

/* Loads a library, which stays loaded. On failure returns NULL, and `error` is one sentence. */
const struct ft_scenario *native_load(const char *path, char *error, size_t size);
