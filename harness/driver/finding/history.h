/* The life of a kept finding: what all runs that saw it add up to. It is the key `history` of its finding.json:
 * {"first", "last", "runs", "count", "hit", "of"}, the dates of the first and the last run that saw it, the number of
 * runs, how often they saw it, and its trials. Plain data. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

/* Returns the life of a finding that was kept at this date. An older ftstress kept none: then it is that of one run
 * without trials, because these may be of another finding. A new reference. */
json_t *history_of(const json_t *finding, const char *date);

/* Adds a run to the life before it, or begins one at NULL. `own_trials`: the trials showed no other finding. Takes
 * `before` over. A new reference. */
json_t *history_next(json_t *before, const json_t *finding, const char *date, bool own_trials);

void history_add_trials(json_t *history, long long hit, long long of);
