/* A report: the document of a run (ftstress-report/1), from which every form is made. Driver. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct run;

struct report {
    const json_t *document;
    bool colour;
    bool quiet;   /* findings only */
    bool verbose; /* all pairs of statements */
    bool whole;   /* all notes, stacks and frames; the plan and the standard error of each finding */
};

/* Keys are stable. A new reference; NULL without memory. */
json_t *report_document(const struct run *run);

/* Writes a folder for each finding under `out` (finding.json, plan.yaml, stderr.txt), and report.json. Returns 0 or
 * -errno. */
int report_keep(const struct run *run, const json_t *document, const char *out);

/* Loads a document. `what` is NULL (the last run under the folder `out`), the id of a finding kept there, a finding's
 * folder, a folder of findings, or a JSON file of either. A finding comes as a report of it alone. On success
 * *ret_document is the caller's; else `error` is one sentence. Returns 0 or -errno. */
int report_load(const char *out, const char *what, json_t **ret_document, char *error, size_t error_size);
