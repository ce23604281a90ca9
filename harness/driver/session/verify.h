/* Verification: trials of each finding in fresh children, with the unchanged plan and with one change at a time. They
 * show how often it fails, from which sharing level on, with the GIL on, and without which call. Findings of several
 * statements have trials apart, each without the statements of the others; those that are gone then have trials
 * together, with all statements. Driver, one thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "driver/job/job.h"
#include "driver/finding/run.h"

/* Runs trials until the deadline (clock_now()). With one thread, or only findings that one thread shows, there are
 * none. The run gets the results, and its findings point to them. */
void verify_run(struct run *run, const struct plan *plan, const struct job_settings *settings,
                uint64_t deadline);
