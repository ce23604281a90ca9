/* States of findings against a baseline: NEW, KNOWN, REGRESSED, and FIXED for entries that are gone. Driver.
 *
 * All functions work on the document of a report (ftstress-report/1); its key `known` has the entries. FIXED is a
 * claim: it needs children of this run that could show the finding, and enough of them. */
#pragma once

#include <jansson.h>

struct known_list;

/* Sets `known` and `state` of findings of a sweep: several processes found them. */
void baseline_mark(json_t *findings, struct known_list *list);

/* Sets `now` and `why` of the entries of the baseline, and adds notes about those that were not seen. */
void baseline_judge(json_t *document);

/* Makes the baseline for the next run. On success *ret_text is the caller's. Returns 0 or -errno. */
int baseline_print(const json_t *document, char **ret_text);
