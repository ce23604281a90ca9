/* The scenarios that ftstress knows: plan files in share/scenarios beside its bin folder. Driver. */
#pragma once

#include <stddef.h>

struct scenario_list {
    char **names; /* sorted; NAME of NAME.yaml */
    size_t n;
};

/* The folder of the scenarios. On success *ret_path is the caller's. Returns 0 or -errno. */
int scenario_dir(char **ret_path);

/* On success scenario_list_clear frees the list. Returns 0 or -errno. */
int scenario_list_load(struct scenario_list *list);
void scenario_list_clear(struct scenario_list *list);

/* The plan file of a scenario. On success *ret_path is the caller's. Returns 0, or -ENOENT when there is none. */
int scenario_find(const char *name, char **ret_path);
