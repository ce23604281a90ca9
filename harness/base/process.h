/* Starting programs. One thread.
 *
 * Contract. What a program must find different from this process (environment, limits, layout, descriptors) is set
 * between fork and exec: this process does not change, so no start depends on those before it. A program leads a
 * process group of its own, blocks no signal, leaves no core file, and is killed when this process ends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What differs for the program. All zero: nothing. */
struct launch {
    const char *const *environment; /* "NAME=value" is set, "NAME" is unset; ends with NULL; or NULL */
    bool fixed_layout;              /* addresses are not randomised */
    bool no_address_limit;          /* the limit on the address space is lifted as far as it may be */
    uint64_t limit;                 /* ns for a program that answers at once; 0: as the caller has it */
    const char *folder;             /* where it starts; NULL: here */
    uint64_t file_size;             /* bytes of a file that it writes; 0: no limit */
};

/* A descriptor of this process, and its number in the program. */
struct process_fd {
    int own, as;
};

struct process {
    const char *const *argv;        /* argv[0] is a path; ends with NULL */
    const char *const *environment; /* as in a launch, and applied before it; or NULL */
    const struct launch *launch;    /* or NULL */
    const struct process_fd *fds;   /* those with own < 0 are left out; descriptor 0 is /dev/null otherwise */
    size_t nfds;
};

/* Starts the program. Returns its process id, or -errno, also where the program cannot be executed. */
pid_t process_start(const struct process *process);

/* Returns a descriptor that is readable when the child has ended, also where its pipes were closed before. The
 * caller's; -1 where the kernel has none. */
int process_watch(pid_t pid);

/* Can a program have a layout that is not randomised? A process that ends at once tries it. */
bool process_can_fix_layout(void);
