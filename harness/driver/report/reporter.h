/* The forms of a report, one row each. Driver. */
#pragma once

#include <stdio.h>

#include "driver/report/report.h"

/* X(name, description): `name` is a value of --as and the end of reporter_NAME(report, out), which returns 0 or
 * -ENOMEM. A write error shows when out is closed. */
#define REPORTERS(X)                                                                                         \
    X(text, "for the terminal")                                                                              \
    X(json, "ftstress-report/1, for programs")                                                               \
    X(junit, "JUnit XML, for the test page of a CI server")                                                  \
    X(sarif, "SARIF 2.1.0, for code scanners and editors")                                                   \
    X(html, "one page that needs nothing else, for people")                                                  \
    X(github, "Markdown, for a bug report")

struct reporter {
    const char *name;
    const char *about; /* one line */
    int (*write)(const struct report *report, FILE *out);
};

extern const struct reporter reporters[];
extern const size_t reporter_count;

const struct reporter *reporter_find(const char *name);

/* Makes the whole text, without control characters. On success the caller frees *ret_text. Returns 0 or -ENOMEM. */
int reporter_render(const struct reporter *reporter, const struct report *report, char **ret_text);

#define REPORTER_DECLARE(name, about) int reporter_##name(const struct report *report, FILE *out);
REPORTERS(REPORTER_DECLARE)
