/* Functions, inlined frames and source lines of addresses in a child, through libdwfl; stacks of its threads, through
 * ptrace. Driver, one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct symbol_frame {
    uint64_t address;
    char *function;  /* NULL without a symbol there */
    char *module;    /* path of the file mapped there, or NULL */
    char *file;      /* source, NULL without debug information */
    int line;        /* 0 without */
    uint64_t offset; /* address in the module's file: the same in every run */
    bool is_inline;  /* inlined into the next frame */
    bool is_weak;    /* the linker chose one of several definitions, as for templates and inline functions */
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

/* `maps` is the text of /proc/PID/maps; the process may be gone, the files must exist. On success *ret_symbols is the
 * caller's. Returns 0 or -errno. */
int symbols_open(const char *maps, struct symbols **ret_symbols);
void symbols_close(struct symbols *symbols);

/* Addresses are return addresses, innermost first; with `exact_first` the first is an instruction's. Inlined functions
 * get frames of their own. On success the stack is the caller's, to symbol_stack_free. */
int symbols_stack(struct symbols *symbols, const uint64_t *addresses, size_t n, bool exact_first,
                  struct symbol_stack *ret_stack);
void symbol_stack_free(struct symbol_stack *stack);

/* Returns true for a thread at this address that is in a system call: it is at that instruction, or behind it. */
bool symbols_is_call(struct symbols *symbols, uint64_t address);

/* Names the variable of a module at an address: "lock in libfoo.so", "lock+0x8 in libfoo.so", or without a symbol
 * "libfoo.so+0x4010". *ret_text is the caller's. Returns 0, -ENOENT outside of modules, or -ENOMEM. */
int symbols_variable(struct symbols *symbols, uint64_t address, char **ret_text);

/* Stops the process, unwinds its threads and resumes it. `tids`: n of them, without those that are gone; NULL: all of
 * the process, at most n. On success *ret_threads is the caller's, to symbol_threads_free. Returns 0 or -errno (-EPERM
 * where ptrace is forbidden). */
int symbols_threads(pid_t pid, const pid_t *tids, size_t n, struct symbol_thread **ret_threads,
                    size_t *ret_n);
void symbol_threads_free(struct symbol_thread *threads, size_t n);
