/* Compares the blocks that runs of two lengths leave under Valgrind: blocks that stay once, that grow with the calls,
 * or with the new ones. A third run confirms growth: a table that doubles now and then grows between two lengths, too.
 * Driver; pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/plan/plan.h"
#include "core/wire/counted.h"
#include "driver/finding/curve.h"

#define MEMCHECK_LENGTHS 3

/* Kinds of memcheck's leak check. */
enum memcheck_kind {
    MEMCHECK_DEFINITELY,
    MEMCHECK_INDIRECTLY,
    MEMCHECK_POSSIBLY,
    MEMCHECK_REACHABLE,
    MEMCHECK_KINDS
};
extern const char *const memcheck_kind_names[MEMCHECK_KINDS]; /* "definitely", ... */

/* Where a block was allocated: in a call of the steps, in one of the plan's `new`, or elsewhere. */
enum memcheck_arm {
    MEMCHECK_CALLS = COUNTED_CALLS,
    MEMCHECK_NEW = COUNTED_NEW,
    MEMCHECK_BESIDE,
    MEMCHECK_ARMS
};

struct memcheck_sum {
    int64_t bytes, blocks;
};

/* Blocks that one function allocated in one variant. */
struct memcheck_site {
    enum memcheck_arm arm;
    char *function, *package; /* NULL: Python code or the interpreter */
    struct memcheck_sum sums[MEMCHECK_LENGTHS][MEMCHECK_KINDS];
    uint64_t *ips; /* stack of the most bytes in the last run that has any, innermost first */
    size_t nips;
    uint64_t most;
    int statement; /* of that stack: number among the plan's; -1: not known */
};

struct memcheck_length {
    uint64_t calls[2];   /* that were made of the steps and of `new` */
    uint64_t threads;    /* that made them */
    unsigned statements; /* in an iteration of a thread */
    int64_t code;        /* bytes of code that the new calls had compiled */
    struct memcheck_sum sums[MEMCHECK_ARMS][MEMCHECK_KINDS];
};

/* Runs of increasing lengths; or the one run of a child, until it is taken. */
struct memcheck {
    bool on;                   /* the run is under Valgrind */
    bool has_new, has_release; /* of the plan */
    unsigned n;                /* lengths that were run to their end */
    struct memcheck_length lengths[MEMCHECK_LENGTHS];
    struct memcheck_site *sites;
    size_t nsites;
};

/* Adds blocks of one run to its table. */
void memcheck_add_total(struct memcheck *run, enum memcheck_arm arm, enum memcheck_kind kind,
                        struct memcheck_sum sum);
/* Adds them to the site of the function that allocated them, too. Copies the names. Returns the site, or NULL without
 * memory. */
struct memcheck_site *memcheck_add(struct memcheck *run, enum memcheck_arm arm, enum memcheck_kind kind,
                                   const char *function, const char *package, struct memcheck_sum sum);
/* Adds a run that came to its end as the next length. Takes its stacks over. */
void memcheck_take(struct memcheck *memcheck, struct memcheck *run);
void memcheck_clear(struct memcheck *memcheck);

/* In each call of the variant that decides. */
struct memcheck_rate {
    double bytes, blocks;
};

/* Decides by the lengths so far whether a site grows. */
enum growth_verdict memcheck_judge(const struct memcheck *memcheck, const struct memcheck_site *site,
                                   struct memcheck_rate *ret_rate);
/* Returns the rate of a kind. Blocks beside the variants count with the calls. */
struct memcheck_rate memcheck_rate(const struct memcheck *memcheck, enum memcheck_arm arm,
                                   enum memcheck_kind kind);
/* Returns the bytes of code that each new call compiles. */
double memcheck_code(const struct memcheck *memcheck);

/* Returns true where no growth waits for a third run. */
bool memcheck_is_settled(const struct memcheck *memcheck);
/* Computes the iterations of each thread in the next run; 0: as time allows. Returns false where no run is needed. */
bool memcheck_next(const struct memcheck *memcheck, uint64_t ret_lengths[2]);
/* Returns why the run cannot be called clean, or NULL. */
const char *memcheck_why_not_clean(const struct memcheck *memcheck);
