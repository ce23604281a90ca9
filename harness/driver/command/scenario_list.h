/* The scenarios that ftstress knows: plan files in share/scenarios beside its bin folder. Driver. */
#pragma once

#include <stddef.h>

/* Makes a sorted list of NAME of each NAME.yaml, which the caller frees with strings_free. Returns 0 or -errno. */
int scenario_list(char ***ret_names, size_t *ret_n);

/* The plan file of a scenario. On success *ret_path is the caller's. Returns 0, or -ENOENT when there is none. */
int scenario_find(const char *name, char **ret_path);
