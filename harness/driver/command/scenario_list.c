#include "driver/command/scenario_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/list.h"

#define FOLDER "../share/scenarios"

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

int scenario_list(char ***ret_names, size_t *ret_n)
{
    cleanup_free char *dir = NULL;
    struct dirent **entries;
    int error = fd_beside(FOLDER, &dir);
    if (error)
        return error;
    /* cppcheck-suppress nullPointer ; glibc takes NULL for no order */
    int n = scandir(dir, &entries, is_plan, NULL);
    if (n < 0)
        return -errno;
    *ret_names = NULL;
    *ret_n = 0;
    for (int i = 0; i < n; i++) {
        char *name = strndup(entries[i]->d_name, strlen(entries[i]->d_name) - 5);
        error = strings_take(ret_names, ret_n, name) < 0 ? -ENOMEM : error;
        free(entries[i]);
    }
    free(entries);
    if (*ret_n > 1)
        qsort(*ret_names, *ret_n, sizeof **ret_names, compare);
    return error;
}

int scenario_find(const char *name, char **ret_path)
{
    cleanup_free char *dir = NULL, *path = NULL;
    if (strchr(name, '/') || fd_beside(FOLDER, &dir) < 0 || asprintf(&path, "%s/%s.yaml", dir, name) < 0 ||
        access(path, R_OK) < 0)
        return -ENOENT;
    *ret_path = path;
    path = NULL;
    return 0;
}
