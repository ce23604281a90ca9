/* What the tests of the guard on one thread share. Included after cmocka.h. */
#pragma once

#include "heap/memory/block.h"
#include "guarded.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
/* In a sanitizer build each call costs more. */
#define LESS(n) (GUARDED_SANITIZER ? (n) / 5 : (n))
#define DEFAULTS ((struct guard_settings){0})

/* Makes other blocks the last ones: the next call then does not check the earlier blocks. */
static inline void make_others(void)
{
    for (int i = 0; i < 4; i++)
        make_at(24, 0x9900);
}

static inline void scan(void)
{
    checker_scan(FOUND_SCAN);
}

static inline void must_be_silent(void)
{
    scan();
    MUST_EQUAL(nreports, 0);
}

/* Blocks of one size, in the order of their addresses. */
struct row {
    char *at[4096];
    unsigned n;
};

static inline int compare(const void *a, const void *b)
{
    const char *left = *(char *const *)a, *right = *(char *const *)b;
    return left < right ? -1 : left > right;
}

static inline void make_row(struct row *row, unsigned n, size_t size)
{
    row->n = n;
    for (unsigned i = 0; i < n; i++)
        row->at[i] = make_at(size, 0x3000 + i);
    qsort(row->at, n, sizeof *row->at, compare);
}

static inline size_t slot_size_of(const char *at)
{
    return region_find(at)->slot_size;
}

/* The first block of the row with `n` others of its span behind it. */
static inline unsigned with_neighbours(const struct row *row, unsigned n)
{
    for (unsigned i = 1; i + n < row->n; i++)
        if (region_find(row->at[i - 1]) == region_find(row->at[i + n]) &&
            (size_t)(row->at[i + n] - row->at[i]) == n * slot_size_of(row->at[i]))
            return i;
    guarded_fail(__FILE__, __LINE__, "no neighbours");
}

static inline void use(size_t size)
{
    char *at = make(size);
    MUST(((uintptr_t)at & 15) == 0);
    MUST(guard_owns(at));
    MUST_EQUAL(guard_size(at), size);
    memset(at, 0x5a, size);
    drop(at);
    MUST_EQUAL(guard_size(at), 0);
}

/* Makes and frees blocks like this one until its slot is used again. Returns their number. */
static inline unsigned wait_for_slot(const char *at, size_t size)
{
    for (unsigned i = 0; i < 100000; i++) {
        char *next = make_at(size, 0x6600);
        if (next == at)
            return i;
        drop(next);
    }
    guarded_fail(__FILE__, __LINE__, "the slot came back");
}
