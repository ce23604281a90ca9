/* What the arms and the meter of overlap say, for a person and for programs. Driver. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "driver/report/report.h"

/* For a person, on out. Nothing where nothing was found out. */
void report_print_verification(const struct run *run, FILE *out);
/* Every pair of statements with -v; without, those that never met. */
void report_print_pairs(const struct run *run, FILE *out);

/* New references; JSON null where there is nothing. */
json_t *report_json_verification(const struct verification *found);
json_t *report_json_pairs(const struct run *run);
