/* The parts of the document of a report. Driver. All functions return new references; JSON null stands for nothing. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <time.h>

#include "driver/finding/run.h"

/* If the text is not UTF-8, each byte that is not ASCII becomes "?". */
json_t *report_json_text(const char *text);
json_t *report_json_texts(char *const *texts, size_t n);
/* In UTC; archives and CI servers sort reports by date. */
json_t *report_json_date(time_t time);

json_t *report_json_finding(const struct finding *finding);
json_t *report_json_known(const struct known *known);
json_t *report_json_verification(const struct verification *found);
/* The life of the finding that is kept in `dir`, with this run; `own_trials`: its trials showed no other finding. */
json_t *report_history_next(const char *dir, const json_t *finding, const char *date, bool own_trials);
/* Writes a file as --json does. Returns 0 or -errno. */
int report_write_json(const char *dir, const char *name, const json_t *json);
json_t *report_json_compared(const struct run *run);
json_t *report_json_pairs(const struct run *run);
json_t *report_json_outcomes(const struct run *run);
json_t *report_json_memcheck(const struct memcheck *memcheck);
