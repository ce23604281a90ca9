/* The report of a sweep: the results of its units in one document. */
#pragma once

#include "driver/sweep/sweep.h"

/* Fills the run with sums, and decides its status. Removes the state of a complete sweep. A new reference, or NULL
 * without memory. */
json_t *sweep_report(struct sweep *sweep, struct run *run);

/* The same of one result, in the form of unit_document. */
json_t *sweep_report_result(const struct sweep *sweep, struct run *run, const json_t *result);
