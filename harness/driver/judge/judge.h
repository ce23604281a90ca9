/* Judges: they make findings, with evidence, of the outcome of a child. Driver. */
#pragma once

#include <stdbool.h>

#include "core/plan/detector_list.h"
#include "driver/outcome/outcome.h"
#include "driver/finding/run.h"

/* Adds what this child shows, and moves stacks out of its outcome. `child` counts from 1. Returns how many findings are
 * new. */
unsigned judge_outcome(struct run *run, const struct plan *plan, struct outcome *outcome, unsigned child);

/* Returns true where a wanted detector finds the reason of the child's end in its log. */
bool judge_reads_reason(const struct plan *plan, const struct outcome *outcome);

/* Returns the detector of the plan that reports any crash of this child; DETECTOR_COUNT: none. */
enum detector_id judge_witness(const struct plan *plan, const struct outcome *outcome);

/* Which failures count. */
struct judge_filter {
    const struct suppression_list *rules;
    bool users;                /* an error of the user, too */
    const char *const *except; /* not those in these statements */
    unsigned nexcept;
};

/* Returns true where the outcome shows a failure that counts. */
bool judge_shows_failure(const struct plan *plan, struct outcome *outcome, const struct judge_filter *filter);
