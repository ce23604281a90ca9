/* Reports of several runs or shards of a sweep as one. Driver. All functions work on documents (ftstress-report/1). */
#pragma once

#include <jansson.h>

/* Adds the findings of a report. One that is there, by its signature, is counted up; of a new one, the number of its
 * trials becomes that in the list of all. Returns how many were new. */
unsigned merge_add_findings(const json_t *report, json_t *findings, json_t *verifications);

/* Adds a report to the union, which begins as an empty object. */
void merge_add(json_t *all, const json_t *report);

/* Adds what the union lacks to its notes: shards that are missing, reports that could not test. */
void merge_finish(json_t *all);

/* Makes a report of a sweep that was killed, from the results of its units and the findings that it kept under `out`. A
 * new reference; NULL: it left nothing. */
json_t *merge_rest(const char *out);

/* Copies the kept findings of a report from its folder to another one. Returns 0 or -errno. */
int merge_copy_findings(const json_t *report, const char *from, const char *to);
