/* What Valgrind's memcheck writes as XML, as data. Driver, one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memcheck_frame {
    uint64_t ip; /* of the instruction, not of where it returns to */
    const char *function, *module,
        *file; /* as the ELF file has the name; NULL where memcheck does not know */
    int line;
};

/* What is said, and the stack below it. Inlined functions have frames of their own, with the same ip. */
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
    uint64_t bytes, blocks;                     /* of a leak, without what these blocks refer to */
    struct memcheck_part parts[MEMCHECK_PARTS]; /* the error itself, then where the block is from */
    size_t nparts;                              /* at least 1 */
};

struct memcheck_log {
    struct memcheck_error *errors;
    size_t n;
    bool whole;    /* it has an end: a process that is killed leaves none, and no leaks */
    void *strings; /* owner of all texts */
};

/* Reads what there is of the text; a text that is cut anywhere gives what comes before. On success *log is the
 * caller's. Returns 0, -EPROTO where it is nothing that memcheck writes, or -ENOMEM. */
int memcheck_log_read(const char *text, size_t size, struct memcheck_log *log);
void memcheck_log_clear(struct memcheck_log *log);
