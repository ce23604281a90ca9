/* Parser of the XML that Valgrind's memcheck writes. Driver, one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memcheck_frame {
    uint64_t ip;                          /* address of the instruction, no return address */
    const char *function, *module, *file; /* function: as in the ELF file. NULL: not known */
    int line;
};

/* A sentence and its stack. Inlined functions have frames of their own, with the same ip. */
struct memcheck_part {
    const char *text;
    struct memcheck_frame *frames; /* innermost first */
    size_t nframes;
};

#define MEMCHECK_PARTS 4

struct memcheck_error {
    const char *kind; /* "InvalidRead", "Leak_DefinitelyLost" */
    uint64_t unique;
    unsigned count;                             /* times it was seen */
    uint64_t bytes, blocks;                     /* of a leak, without indirect ones */
    struct memcheck_part parts[MEMCHECK_PARTS]; /* the error itself, then the block's origin */
    size_t nparts;                              /* at least 1 */
};

struct memcheck_log {
    struct memcheck_error *errors;
    size_t n;
    bool whole;    /* the document has an end; without it (the process was killed) leaks are missing */
    void *strings; /* owner of all texts */
};

/* Reads the text, which may be cut off anywhere. On success *log is the caller's. Returns 0, -EPROTO when it is no
 * output of memcheck, or -ENOMEM. */
int memcheck_log_read(const char *text, size_t size, struct memcheck_log *log);
void memcheck_log_clear(struct memcheck_log *log);
