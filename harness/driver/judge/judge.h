/* From what a child left behind to findings: what it was, where, and whose. Driver. */
#pragma once

#include <stdbool.h>

#include "core/plan/detector_list.h"
#include "driver/outcome/outcome.h"
#include "driver/finding/run.h"

/* Adds what this child shows, and moves stacks out of its outcome. `child` counts from 1. Returns how many findings are
 * new. */
unsigned judge_outcome(struct run *run, const struct plan *plan, struct outcome *outcome, unsigned child);

/* Does a sentence that the child left behind say why it ended, and a wanted detector hear it? */
bool judge_hears(const struct plan *plan, const struct outcome *outcome);

/* The detector of the plan that tells of a child's death, whatever it was that killed it; DETECTOR_COUNT: none. */
enum detector_id judge_witness(const struct plan *plan, const struct outcome *outcome);

/* Does the outcome show a failure? `users`: an error of the statements' own counts, too. */
bool judge_shows_failure(const struct plan *plan, struct outcome *outcome,
                         const struct suppression_list *rules, bool users);
