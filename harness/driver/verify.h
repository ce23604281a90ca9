/* Verification: a finding is run again in fresh children, as it was and with one thing changed at a time, so that the
 * report can say how often it happens, under which sharing, whether the GIL cures it, and which call it cannot do
 * without. Driver, one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "driver/job.h"
#include "driver/report.h"

/* Runs the arms until the deadline (clock_now()); arms that it does not get to have no trials. Nothing is run where
 * there is nothing to verify: one thread, or only findings that one thread shows. On success *ret_verification is the
 * caller's, or NULL. Returns 0 or -errno. */
int verify_run(const struct report *report, const struct plan *plan, const struct job_settings *settings,
               uint64_t deadline, struct verification **ret_verification);

/* What the ladder says of the findings: the lowest rung that fails. */
void verify_apply(const struct verification *verification, struct report *report);
