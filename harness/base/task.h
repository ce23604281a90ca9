/* Files of a thread below /proc. Any thread. */
#pragma once

#include <sys/types.h>

/* The text of /proc/PID/task/TID/NAME. The caller's, or NULL. */
char *task_file(pid_t pid, pid_t tid, const char *name);
