#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void fd_free(void *pointer)
{
    free(*(void **)pointer);
}

int fd_write_all(int fd, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

int fd_read_file(const char *path, char **ret_text, size_t *ret_size)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    char *text = NULL;
    size_t size = 0, room = 0;
    ssize_t n;
    do {
        if (room - size < 2) {
            room = room ? 2 * room : 16384;
            char *grown = realloc(text, room);
            if (!grown) {
                free(text);
                return -ENOMEM;
            }
            text = grown;
        }
        n = read(fd, text + size, room - size - 1);
        size += n > 0 ? (size_t)n : 0;
    } while (n > 0 || (n < 0 && errno == EINTR));
    if (n < 0) {
        int error = -errno;
        free(text);
        return error;
    }
    text[size] = '\0';
    *ret_text = text;
    if (ret_size)
        *ret_size = size;
    return 0;
}

char *fd_read_task(pid_t pid, pid_t tid, const char *name)
{
    char path[64], *text = NULL;
    snprintf(path, sizeof path, "/proc/%d/task/%d/%s", (int)pid, (int)tid, name);
    return fd_read_file(path, &text, NULL) < 0 ? NULL : text;
}

/* A device, a pipe or a link: renaming a file over it would replace it. */
static bool is_special(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0 && !S_ISREG(info.st_mode);
}

static int write_into(const char *path, const void *data, size_t size)
{
    cleanup_fd int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    return fd < 0 ? -errno : fd_write_all(fd, data, size);
}

int fd_write_file(const char *path, const void *data, size_t size)
{
    char temporary[PATH_MAX];
    if (is_special(path))
        return write_into(path, data, size);
    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary)
        return -ENAMETOOLONG;
    cleanup_fd int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return -errno;
    int error = fd_write_all(fd, data, size);
    if (!error && fsync(fd) < 0 && errno != EINVAL)
        error = -errno;
    if (!error && rename(temporary, path) < 0)
        error = -errno;
    if (error)
        unlink(temporary);
    return error;
}

int fd_program_dir(char **ret_dir)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return -errno;
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    *ret_dir = strdup(self);
    return *ret_dir ? 0 : -ENOMEM;
}

int fd_make_dirs(const char *path)
{
    char partial[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof partial)
        return -ENAMETOOLONG;
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(partial, path, i);
        partial[i] = '\0';
        if (mkdir(partial, 0777) < 0 && errno != EEXIST)
            return -errno;
    }
    return 0;
}
