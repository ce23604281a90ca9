#include "driver/command/scenario_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/list.h"

int scenario_dir(char **ret_path)
{
    return fd_beside("../share/scenarios", ret_path);
}

static int is_plan(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 5 && strcmp(entry->d_name + length - 5, ".yaml") == 0;
}

/* By the name without .yaml, so that "strided" comes before "strided-ufunc". */
static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int scenario_list_load(struct scenario_list *list)
{
    cleanup_free char *dir = NULL;
    struct dirent **entries;
    int error = scenario_dir(&dir);
    if (error)
        return error;
    /* cppcheck-suppress nullPointer ; glibc takes NULL for no order */
    int n = scandir(dir, &entries, is_plan, NULL);
    if (n < 0)
        return -errno;
    *list = (struct scenario_list){0};
    for (int i = 0; i < n; i++) {
        char *name = strndup(entries[i]->d_name, strlen(entries[i]->d_name) - 5);
        error = strings_take(&list->names, &list->n, name) < 0 ? -ENOMEM : error;
        free(entries[i]);
    }
    free(entries);
    if (list->n > 1)
        qsort(list->names, list->n, sizeof *list->names, compare);
    return error;
}

void scenario_list_clear(struct scenario_list *list)
{
    strings_free(list->names, list->n);
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
