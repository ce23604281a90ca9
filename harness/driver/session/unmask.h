/* Un-masking: a finding that ends children again and again hides what lies behind it. After a few such children, the
 * rest of the run leaves out the statement that ends them and others that make the same call, as long as one is left;
 * what is found then lay behind it. Driver. Plain data.
 */
#pragma once

#include "driver/outcome/outcome.h"
#include "driver/finding/run.h"

struct unmask_count {
    char *statement;
    unsigned ended; /* children in a row of this run, since a statement was left out last */
};

struct unmask {
    struct plan plan; /* the run's, with more left out; a shallow copy */
    char *out[PLAN_STEPS_MAX + 1];
    struct unmask_count counts[BOARD_STATEMENTS];
    unsigned ncounts;
    char *masking; /* id of the finding that the last one was left out for, or NULL */
    size_t nbefore;
};

void unmask_init(struct unmask *unmask, const struct plan *plan);
void unmask_clear(struct unmask *unmask);

/* After each child was judged. What is new since a statement was left out is marked. Returns true when one more
 * statement is left out from now on. */
bool unmask_learn(struct unmask *unmask, struct run *run, const struct outcome *outcome);
