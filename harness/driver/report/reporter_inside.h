/* The parts of the text form and of the Markdown form. Driver. */
#pragma once

#include "driver/report/reporter.h"

struct text_style {
    const char *strong, *bad, *dim, *off;
};

struct text {
    const struct report *report;
    const struct text_style *style;
    FILE *out;
    const char *before; /* each line of a stack */
};

extern const struct text_style text_plain;

/* Writes each line of `lines` after `before`. */
void text_lines(const char *before, const char *lines, FILE *out);

/* Writes at most `most` native frames, and the Python frames except `statement`. */
void text_stack(const struct text *text, const json_t *stack, const char *statement, size_t most);

int text_finding(const struct text *text, const json_t *finding);

/* reporter_text_sweep.c: prints the table of a sweep, if the report is of one. */
void text_sweep(const struct text *text);

/* Writes the bug report of a finding in Markdown. Returns 0 or -ENOMEM. */
int github_finding(const struct report *report, const json_t *finding, FILE *out);
void github_environment(const json_t *environment, FILE *out);
