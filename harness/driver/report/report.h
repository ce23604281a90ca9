/* A report: the document of a run (ftstress-report/1) and how to print it. Every form is made from it. Driver. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct dirent;
struct finding_list;
struct known;
struct known_list;
struct run;

struct report {
    const json_t *document;
    bool colour;
    bool quiet;   /* findings only */
    bool verbose; /* all pairs of statements */
    bool whole;   /* all notes, stacks and frames; the plan and the standard error of each finding */
};

/* Makes the document of a run. Its keys are stable. A new reference; NULL without memory. */
json_t *report_document(const struct run *run);

/* An entry of the list of known findings, or JSON null. A new reference. */
json_t *report_json_known(const struct known *known);

/* All entries, each with the number of findings that it matches; JSON null for NULL. A new reference. */
json_t *report_json_known_list(const struct known_list *list);

/* Is it the folder of a kept finding? For scandir. */
int report_is_kept(const struct dirent *entry);

/* Writes a folder for each finding under `out` (finding.json, plan.yaml, stderr.txt), whole or not at all: one that is
 * not kept loses the command that runs it again. Returns 0 or -errno. */
int report_keep_findings(const struct run *run, json_t *document, const char *out);

/* The same, and report.json. */
int report_keep(const struct run *run, json_t *document, const char *out);

/* Reads which ids findings under `out` have, so that no other finding takes one of them. Returns 0 or -ENOMEM; a folder
 * that cannot be read has none. */
int report_kept(const char *out, struct finding_list *list);

/* Returns the life of the finding that is kept in the file (driver/finding/history.h). A new reference. */
json_t *report_history(const json_t *finding, const char *path);

/* Adds trials to the life of the finding in this folder. Returns 0 or -errno. */
int report_keep_trials(const char *dir, unsigned hit, unsigned of);

/* Finds the file of a kept document, as report_load does. On success *ret_path is the caller's. Returns 0, -ENOENT, or
 * -errno where it cannot be looked for. */
int report_find(const char *out, const char *what, char **ret_path);

/* Loads a kept document. `what` is NULL (the last run under the folder `out`), the id of a finding kept there, the
 * folder of a finding, a folder of findings, or a JSON file of either. One finding makes a report of its own. On
 * success the caller owns *ret_document; on failure `error` is one sentence. Returns 0 or -errno. */
int report_load(const char *out, const char *what, json_t **ret_document, char *error, size_t error_size);
