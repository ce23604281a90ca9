#include "driver/scenario_list.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

int scenario_dir(char **ret_path)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return -errno;
    self[n] = '\0';
    for (int up = 0; up < 2; up++)
        *strrchr(self, '/') = '\0';
    return asprintf(ret_path, "%s/share/scenarios", self) < 0 ? -ENOMEM : 0;
}

static int is_plan(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 5 && strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

int scenario_list_load(struct scenario_list *list)
{
    cleanup_free char *dir = NULL;
    struct dirent **entries;
    int error = scenario_dir(&dir);
    if (error)
        return error;
    int n = scandir(dir, &entries, is_plan, alphasort);
    if (n < 0)
        return -errno;
    *list = (struct scenario_list){.names = calloc((size_t)n + 1, sizeof *list->names)};
    for (int i = 0; i < n; i++) {
        if (list->names)
            list->names[list->n++] = strndup(entries[i]->d_name, strlen(entries[i]->d_name) - 5);
        free(entries[i]);
    }
    free(entries);
    return list->names ? 0 : -ENOMEM;
}

void scenario_list_clear(struct scenario_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->names[i]);
    free(list->names);
    *list = (struct scenario_list){0};
}

int scenario_find(const char *name, char **ret_path)
{
    cleanup_free char *dir = NULL;
    char *path;
    if (strchr(name, '/') || scenario_dir(&dir) < 0 || asprintf(&path, "%s/%s.yaml", dir, name) < 0)
        return -ENOENT;
    if (access(path, R_OK) == 0) {
        *ret_path = path;
        return 0;
    }
    free(path);
    return -ENOENT;
}
