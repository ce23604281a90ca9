/* Verification: a finding is run again in fresh children, as it was and with one thing changed at a time, so that the
 * report can say how often it happens, under which sharing, whether the GIL cures it, and which call it cannot do
 * without. Findings of several statements are run again apart, each without the statements of the others. Driver, one
 * thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "driver/job/job.h"
#include "driver/finding/run.h"

/* Runs the arms until the deadline (clock_now()); arms that it does not get to have no trials. Nothing is run where
 * there is nothing to verify: one thread, or only findings that one thread shows. On success the report has what was
 * found out, and its findings point to it. Returns 0 or -errno. */
int verify_run(struct run *run, const struct plan *plan, const struct job_settings *settings,
               uint64_t deadline);
