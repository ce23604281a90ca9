/* The forms of a report, one row each: for a person, for CI, for a code scanner, for a tracker. Driver.
 *
 * They work from the JSON of a run, so that a report of yesterday, of another machine or of a merge can be rendered.
 */
#pragma once

#include <jansson.h>
#include <stdio.h>

struct reporter {
    const char *name;
    const char *about; /* one line */
    /* Returns 0 or -ENOMEM. What cannot be written shows when out is closed. */
    int (*write)(const json_t *report, FILE *out);
};

extern const struct reporter reporters[];
extern const size_t reporter_count;

const struct reporter *reporter_find(const char *name);

/* The whole text. On success *ret_text is the caller's. Returns 0 or -ENOMEM. */
int reporter_render(const struct reporter *reporter, const json_t *report, char **ret_text);

int reporter_text(const json_t *report, FILE *out);
int reporter_json(const json_t *report, FILE *out);
int reporter_junit(const json_t *report, FILE *out);
int reporter_sarif(const json_t *report, FILE *out);
int reporter_html(const json_t *report, FILE *out);
int reporter_github(const json_t *report, FILE *out);

/* All frames of all stacks, the plan and the child's last words too: `ftstress show`. */
int reporter_text_whole(const json_t *report, FILE *out);
