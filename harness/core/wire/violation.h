/* A report of the guard: one broken rule, the block it concerns, and how it was found. Plain data; on the wire as
 * RECORD_HEAP. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/wire/record.h"

#define VIOLATION_BYTES 48
#define VIOLATION_FRAMES 16

#define BLOCK_NOBODY UINT16_MAX       /* worker number of any other thread, and outside the statements */
#define BLOCK_SERIAL (UINT16_MAX - 1) /* of the serial pass */

/* The call that allocated a block. */
enum block_kind { BLOCK_MALLOC, BLOCK_NEW, BLOCK_NEW_ARRAY, BLOCK_RAW, BLOCK_ARRAY, BLOCK_KINDS };

/* The array in a block; all zero: not known. */
struct block_array {
    char type; /* NumPy's kind: 'f', 'i', … */
    uint8_t itemsize;
    uint8_t ndim;
    uint8_t rows; /* length of the first of two dimensions; 0: too long to store */
};

enum violation_kind {
    VIOLATION_AFTER,       /* bytes behind the block's end were written */
    VIOLATION_BEFORE,      /* bytes before its start were written */
    VIOLATION_FREED_WRITE, /* bytes of it were written after it was freed */
    VIOLATION_STRAY,       /* bytes that belong to no block were written; no block is near */
    VIOLATION_READ_AFTER,  /* the first three, read: only found where pages are inaccessible */
    VIOLATION_READ_BEFORE,
    VIOLATION_FREED_READ,
    VIOLATION_DOUBLE_FREE,
    VIOLATION_INTERIOR_FREE, /* offset: of the pointer from the block's start */
    VIOLATION_FOREIGN_FREE,  /* there is no block, only the address */
    VIOLATION_MISMATCH,      /* for example new[] with delete */
    VIOLATION_KINDS
};

enum violation_found {
    FOUND_FREE,  /* when the block was freed */
    FOUND_REUSE, /* before its slot was used again */
    FOUND_CALL,  /* at the next heap call of the thread that made it */
    FOUND_SCAN,  /* by the checker */
    FOUND_CRASH, /* by the scan at a crash */
    FOUND_TRAP,  /* by a fault of the instruction itself */
    FOUND_WAYS
};

struct violation {
    enum violation_kind kind;
    enum violation_found found;
    uint64_t address; /* of the block, or of the pointer that was freed */
    size_t size;
    enum block_kind block;
    struct block_array array;
    int64_t offset; /* of the first damaged byte from the block's start */
    size_t length;  /* from the first damaged byte to the last */
    uint32_t sequence, iteration;
    uint16_t step, worker, free_worker;
    uint64_t round; /* the last one that the checker finished */
    uint64_t alloc_site, free_site;
    unsigned nalloc, nfree, nfound; /* stacks, innermost frame first; the site alone if no stack was kept */
    unsigned nbytes;                /* of `bytes`, which are there now */
    unsigned char bytes[VIOLATION_BYTES];
    uint64_t alloc[VIOLATION_FRAMES], free[VIOLATION_FRAMES], here[VIOLATION_FRAMES];
};

/* Async-signal-safe. */
void violation_to_record(const struct violation *violation, struct record *record);
void violation_from_record(const struct record *record, struct violation *violation);

/* Puts numbers of a corrupt sender into range. */
void violation_check(struct violation *violation);

/* "wrote 8 bytes past the end of a float64 (10,)". */
void violation_say(const struct violation *violation, char *text, size_t size);
/* "a float64 (10,)", "an array of 80 bytes", "a block of 24 bytes". */
void violation_say_block(const struct violation *violation, char *text, size_t size);
