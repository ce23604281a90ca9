/* How a run is reported: as text, as JSON, and on disk. Driver. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "driver/finding/run.h"

/* For a person, on out. */
void report_text(const struct run *run, FILE *out, bool colour, bool quiet);

/* Stable keys, ftstress-report/1. On success *ret_text is the caller's. Returns 0 or -ENOMEM. */
int report_json(const struct run *run, char **ret_text);

/* A folder for each finding under `out`: finding.json, plan.yaml, stderr.txt; and the whole as report.json. Returns
 * 0 or -errno. */
int report_keep(const struct run *run, const char *out);
