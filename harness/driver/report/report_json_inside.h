/* The parts of the document of a report. Driver. All functions return new references; JSON null stands for nothing. */
#pragma once

#include <jansson.h>
#include <time.h>

#include "driver/finding/run.h"

/* If the text is not UTF-8, each byte that is not ASCII becomes "?". */
json_t *report_json_text(const char *text);
json_t *report_json_texts(char *const *texts, size_t n);
/* In UTC; archives and CI servers sort reports by date. */
json_t *report_json_date(time_t time);

json_t *report_json_finding(const struct finding *finding);
json_t *report_json_verification(const struct verification *found);
json_t *report_json_compared(const struct run *run);
json_t *report_json_pairs(const struct run *run);
json_t *report_json_outcomes(const struct run *run);
json_t *report_json_memcheck(const struct memcheck *memcheck);
