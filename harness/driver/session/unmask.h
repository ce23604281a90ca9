/* Un-masking: a finding that ends each child hides other bugs. After a few such children, the rest of the run leaves
 * out the statement that ends them and others that make the same call, as long as one is left. Driver. Plain data. */
#pragma once

#include "driver/outcome/outcome.h"
#include "driver/finding/run.h"

struct unmask_count {
    char *statement;
    unsigned ended; /* children in a row that it ended, since a statement was left out last */
};

struct unmask {
    struct plan plan; /* the plan of the run without some statements; a shallow copy */
    char *out[PLAN_STEPS_MAX + 1];
    struct unmask_count counts[BOARD_STATEMENTS];
    unsigned ncounts;
    char *masking; /* id of the finding because of which a statement was left out last, or NULL */
    size_t nbefore;
};

void unmask_init(struct unmask *unmask, const struct plan *plan);
void unmask_clear(struct unmask *unmask);

/* Learns from each child after it was judged. Marks findings that are new since a statement was left out. Returns true
 * where one more statement is left out from now on. */
bool unmask_learn(struct unmask *unmask, struct run *run, const struct outcome *outcome);
