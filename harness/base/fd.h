/* File descriptors: closing by scope, whole writes, whole files. */
#pragma once

#include <stddef.h>
#include <stdlib.h>
#include <sys/types.h>

void fd_close(int *fd);
void fd_free(void *pointer);

#define cleanup_fd __attribute__((cleanup(fd_close)))
#define cleanup_free __attribute__((cleanup(fd_free)))

/* Writes all of it, through interruptions. Async-signal-safe. Returns 0 or -errno. */
int fd_write_all(int fd, const void *data, size_t size);

/* Reads the file to its end; the files of /proc too, which report no size. On success *ret_text is NUL-terminated and
 * the caller's to free. Returns 0 or -errno. */
int fd_read_file(const char *path, char **ret_text, size_t *ret_size);

/* The text of /proc/PID/task/TID/NAME, which is the caller's; NULL: not there. */
char *fd_read_task(pid_t pid, pid_t tid, const char *name);

/* Writes the file under a temporary name beside it (PATH.new) and renames it, so that a full disk leaves the old file.
 * Several processes may write the same file at once: one after the other does, and the last one stays. Writes into an
 * existing device, pipe or link instead. Returns 0 or -errno. */
int fd_write_file(const char *path, const void *data, size_t size);

/* Returns 0 where fd_write_file can write the file, as far as that is known beforehand; else -errno. */
int fd_can_write(const char *path);

/* Moves the descriptor to a high number, below the limit on open files: programs close low ones in passing, and take a
 * number that is free for another file. Returns the new number; the old one where there is no room, or for fd < 0. */
int fd_move_high(int fd);

/* Makes room for all numbers that fd_move_high returns; fd: any open one. While the process has one thread: with
 * several, the kernel waits 10 ms when it must make room. */
void fd_make_room(int fd);

/* Opens a pipe; reads of it do not block. Returns 0 or -errno. */
int fd_pipe(int *ret_read, int *ret_write);

/* The path of NAME in the folder of this program, there or not. The caller's. Returns 0 or -errno. */
int fd_beside(const char *name, char **ret_path);

/* mkdir -p. Returns 0 or -errno. */
int fd_make_dirs(const char *path);
/* Removes what is in the folder, and nothing of another file system. */
void fd_empty_dir(const char *path);
