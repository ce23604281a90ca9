/* Addresses of a child process to functions: libdwfl over its memory map, and stacks of its threads through ptrace.
 * Driver only, one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct symbol_frame {
    uint64_t address;
    char *function;  /* NULL when the module has no symbol there */
    char *module;    /* path of the file mapped there, NULL when none is */
    char *file;      /* source, NULL without debug information */
    int line;        /* 0 without */
    uint64_t offset; /* from the start of the module in its file's addresses: stable from run to run */
    bool is_inline;  /* a function inlined into the next frame */
};

struct symbol_stack {
    size_t nframes;
    struct symbol_frame *frames; /* innermost first */
};

struct symbol_thread {
    pid_t tid;
    char name[16];
    struct symbol_stack stack;
};

struct symbols;

/* From the text of /proc/PID/maps, which may be of a process that is gone. The files must still be there.
 * On success *ret_symbols is the caller's. Returns 0 or -errno. */
int symbols_open(const char *maps, struct symbols **ret_symbols);
void symbols_close(struct symbols *symbols);

/* Frames for return addresses, innermost first; the first is an exact instruction address when `exact_first`.
 * Inlined functions appear as frames of their own. On success the stack is the caller's, to symbol_stack_free. */
int symbols_stack(struct symbols *symbols, const uint64_t *addresses, size_t n, bool exact_first,
                  struct symbol_stack *ret_stack);
void symbol_stack_free(struct symbol_stack *stack);

/* What variable of a module lies at an address: "lock in libfoo.so", "lock+0x8 in libfoo.so", or without a symbol
 * "libfoo.so+0x4010". *ret_text is the caller's. Returns 0, -ENOENT where no module is, or -ENOMEM. */
int symbols_variable(struct symbols *symbols, uint64_t address, char **ret_text);

/* Stops the process, walks every thread (at most max_threads), lets it go on. The process must be ours to ptrace.
 * On success *ret_threads is the caller's, to symbol_threads_free. Returns 0 or -errno (-EPERM where ptrace is
 * forbidden). */
int symbols_threads(pid_t pid, size_t max_threads, struct symbol_thread **ret_threads, size_t *ret_n);
/* The same of these threads alone; those that are gone are left out. */
int symbols_some_threads(pid_t pid, const pid_t *tids, size_t n, struct symbol_thread **ret_threads,
                         size_t *ret_n);
void symbol_threads_free(struct symbol_thread *threads, size_t n);
