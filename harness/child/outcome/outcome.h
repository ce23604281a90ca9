/* A run with outcomes, key `outcome` of a plan: meetings of the roles over fresh objects. What the statements give one
 * after the other, in all orders, is allowed; any other outcome is a finding.
 *
 * Contract. Child main, attached, in place of run_plan.
 */
#pragma once

#include "child/run/run.h"

/* Returns STATUS_CLEAN, or another exit status after sending the reason. */
int outcome_run(struct run *run);
