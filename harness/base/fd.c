#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* The kernel's table of a process has a row for each number below the highest one; a fork copies it. */
#define FD_TOP (1 << 14)
#define FD_SHARE 4 /* one part of this number of parts is for high numbers */

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
    for (const char *at = data; size > 0;) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno != EINTR)
            return -errno;
        at += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int fd_read_file(const char *path, char **ret_text, size_t *ret_size)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    cleanup_free char *text = NULL;
    size_t size = 0, room = 0;
    if (fd < 0)
        return -errno;
    for (ssize_t n = 1; n != 0;) {
        if (room - size < 2) {
            room = room ? 2 * room : 16384;
            char *grown = realloc(text, room);
            if (!grown)
                return -ENOMEM;
            text = grown;
        }
        n = read(fd, text + size, room - size - 1);
        if (n < 0 && errno != EINTR)
            return -errno;
        size += n > 0 ? (size_t)n : 0;
    }
    text[size] = '\0';
    *ret_text = text;
    text = NULL;
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

/* Names the file to write to: another one, which replaces this one when it is complete. Renaming it over a device, a
 * pipe or a link would replace these, so they are written to themselves. Returns 0 or -ENAMETOOLONG. */
static int name_written(const char *path, char temporary[PATH_MAX], bool *ret_special)
{
    struct stat info;
    *ret_special = lstat(path, &info) == 0 && !S_ISREG(info.st_mode);
    return snprintf(temporary, PATH_MAX, "%s%s", path, *ret_special ? "" : ".new") >= PATH_MAX ? -ENAMETOOLONG
                                                                                               : 0;
}

/* Takes the temporary file for this process alone, also one that a killed process left: two workers of a sweep may keep
 * the same finding at once. Returns a descriptor that holds the lock until it is closed, or -errno. */
static int take_temporary(const char *temporary)
{
    for (;;) {
        struct stat own, named;
        int fd = open(temporary, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0)
            return -errno;
        while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
            ; /* a file system without locks has none */
        /* The process that had the lock may have renamed or removed the file meanwhile. */
        if (fstat(fd, &own) == 0 && stat(temporary, &named) == 0 && own.st_ino == named.st_ino &&
            own.st_dev == named.st_dev)
            return fd;
        close(fd);
    }
}

static int write_special(const char *path, const void *data, size_t size)
{
    cleanup_fd int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    return fd < 0 ? -errno : fd_write_all(fd, data, size);
}

int fd_write_file(const char *path, const void *data, size_t size)
{
    char temporary[PATH_MAX];
    bool special;
    if (name_written(path, temporary, &special) < 0)
        return -ENAMETOOLONG;
    if (special)
        return write_special(path, data, size);
    cleanup_fd int fd = take_temporary(temporary);
    if (fd < 0)
        return fd;
    int error = ftruncate(fd, 0) < 0 ? -errno : fd_write_all(fd, data, size);
    if (!error && fsync(fd) < 0 && errno != EINVAL)
        error = -errno;
    if (!error && rename(temporary, path) < 0)
        error = -errno;
    if (error)
        unlink(temporary);
    return error;
}

int fd_can_write(const char *path)
{
    char temporary[PATH_MAX];
    struct stat info;
    bool special;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return -EISDIR;
    if (name_written(path, temporary, &special) < 0)
        return -ENAMETOOLONG;
    if (special)
        return access(path, W_OK) < 0 ? -errno : 0;
    cleanup_fd int fd = take_temporary(temporary);
    if (fd < 0)
        return fd;
    return unlink(temporary) < 0 ? -errno : 0;
}

static int top_number(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < FD_TOP ? (int)limit.rlim_cur : FD_TOP;
}

void fd_make_room(int fd)
{
    int last = fcntl(fd, F_DUPFD_CLOEXEC, top_number() - 1);
    fd_close(&last);
}

int fd_move_high(int fd)
{
    int top = top_number();
    int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, top - top / FD_SHARE);
    if (high < 0 || high < fd) {
        fd_close(&high);
        return fd;
    }
    close(fd);
    return high;
}

int fd_pipe(int *ret_read, int *ret_write)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    *ret_read = ends[0];
    *ret_write = ends[1];
    return 0;
}

int fd_beside(const char *name, char **ret_path)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return -errno;
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    return asprintf(ret_path, "%s/%s", self, name) < 0 ? -ENOMEM : 0;
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

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *at)
{
    (void)info;
    (void)kind;
    return at->level > 0 ? remove(path) : 0;
}

void fd_empty_dir(const char *path)
{
    nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
