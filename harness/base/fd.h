/* File descriptors: closing by scope, whole writes, whole files. */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <sys/types.h>

void fd_close(int *fd);
void fd_free(void *pointer);

#define cleanup_fd __attribute__((cleanup(fd_close)))
#define cleanup_free __attribute__((cleanup(fd_free)))

/* The descriptor, which its scope closes no longer. */
static inline int fd_steal(int *fd)
{
    int stolen = *fd;
    *fd = -1;
    return stolen;
}

/* Writes all of it, through interruptions. Async-signal-safe. Returns 0 or -errno. */
int fd_write_all(int fd, const void *data, size_t size);

/* Reads the file to its end. On success *ret_text is NUL-terminated and the caller's to free.
 * Works on /proc files, whose size is not known beforehand. Returns 0 or -errno. */
int fd_read_file(const char *path, char **ret_text, size_t *ret_size);

/* Writes the file under a temporary name beside it, then renames: a full disk leaves the old file.
 * What is there and no regular file (a device, a pipe, a link) is written into. Returns 0 or -errno. */
int fd_write_file(const char *path, const void *data, size_t size);

/* The folder in which this program lies. On success *ret_dir is the caller's. Returns 0 or -errno. */
int fd_program_dir(char **ret_dir);

/* mkdir -p. Returns 0 or -errno. */
int fd_make_dirs(const char *path);
