/* Losses: what grows with the calls, and whether it may be in a container that has a bound. */
#pragma once

#include "driver/finding/curve.h"
#include "driver/leak/judge_leak.h"

/* Fewer new blocks in each call count as none. */
#define TABLE_BLOCKS 0.005

/* One thing that grows. */
struct loss {
    enum series_of of;
    const char *name; /* of a type; or of a site, with its allocator; borrowed */
    enum holder holder;
    const char *path; /* to the holder; borrowed */
    enum growth_verdict verdict;
    double rate, bytes; /* for each call: things, and bytes */
    struct symbol_stack stack;
    char *function, *package; /* that allocated it; or NULL */
    bool is_immortal;         /* immortal objects may hold it */
    bool is_listed;
};

struct losses {
    struct judge *judge;
    struct loss *items;
    size_t n;
};

/* Blocks that become longer with the calls, such as a table's: the number of blocks stays. */
bool loss_is_table(const struct loss *loss);

/* Does one function make both? Then they are one finding. */
bool loss_has_owner_of(const struct loss *one, const struct loss *other);

/* May all that has the owner of this loss be in a container that fills, or that its library trims? */
bool losses_may_fill(const struct losses *losses, const struct loss *like);
