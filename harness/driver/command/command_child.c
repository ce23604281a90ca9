/* The child programs beside this one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/wire/landmarks.h"
#include "driver/command/command.h"

int command_child_path(char **ret_path)
{
    cleanup_free char *dir = NULL;
    int error = fd_program_dir(&dir);
    if (error)
        return error;
    if (asprintf(ret_path, "%s/" CHILD_PROGRAM, dir) < 0)
        return -ENOMEM;
    if (access(*ret_path, X_OK) == 0)
        return 0;
    free(*ret_path);
    *ret_path = NULL;
    return -ENOENT;
}

void command_child_of_abi(const char *abi, char **path)
{
    char *other;
    if (asprintf(&other, "%s-%s", *path, abi) < 0)
        return;
    if (access(other, X_OK) == 0) {
        char *own = *path;
        *path = other;
        other = own;
    }
    free(other);
}
