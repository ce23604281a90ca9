/* Orders: all ways to run the statements of the roles one after the other. Each is run on fresh objects, and its
 * outcome is allowed. Child main, attached. */
#pragma once

#include "child/outcome/observe.h"

#define ORDERS_MAX 720

struct order {
    uint8_t roles[ROLES_MAX * ROLE_STEPS_MAX]; /* role of each next statement */
    uint64_t parts[OUTCOME_PARTS];             /* its outcome, from its first run */
    bool known;                                /* there was one */
};

struct orders {
    struct run *run;
    struct observer *observer;
    struct outcome_table *table;
    struct order *items;
    size_t n;
    unsigned length;    /* statements in an order */
    uint64_t arrays;    /* a hash of the shared arrays before any statement */
    bool writes_arrays; /* some order changed them */
    bool changes;       /* a part has turned out to differ between runs of one order */
    uint64_t stirs;     /* of memory, so that results that depend on addresses differ */
};

/* Lists the orders. On failure `error` is one sentence. Returns 0 or -E2BIG. */
int orders_init(struct orders *orders, char *error, size_t size);
void orders_clear(struct orders *orders);

/* Runs every order, each on as many sets as make up `sets` together and at least once, in reverse with `reverse`; adds
 * the outcomes to the table. A part that differs from the first run of the same order is left out from then on:
 * `changes` is set, and the orders must be forgotten. Returns false after sending why the plan cannot go on. */
bool orders_run(struct orders *orders, bool reverse, unsigned sets);

/* Forgets the outcomes, and empties the table. */
void orders_forget(struct orders *orders);
