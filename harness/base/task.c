#include "base/task.h"

#include <stdio.h>

#include "base/fd.h"

char *task_file(pid_t pid, pid_t tid, const char *name)
{
    char path[64], *text = NULL;
    snprintf(path, sizeof path, "/proc/%d/task/%d/%s", (int)pid, (int)tid, name);
    return fd_read_file(path, &text, NULL) < 0 ? NULL : text;
}
