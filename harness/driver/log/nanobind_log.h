/* Parser of the leak report that nanobind 1.9 to 3.x prints at exit. Free-threaded builds print none. Pure. Driver. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Further types are counted, not named. */
#define NANOBIND_TYPES_MAX 64

struct nanobind_type {
    char *name;     /* as in the report: bare or with its module */
    unsigned count; /* lines that name it; some versions stop early */
};

/* The sum of all reports in a text: extensions that share a set of records share a report. The four counts are those of
 * the headers. */
struct nanobind_report {
    uint64_t instances, keep_alives, types, functions;
    struct nanobind_type named[NANOBIND_TYPES_MAX]; /* the types of instances, most frequent first */
    unsigned nnamed;
    unsigned listed; /* lines of instances */
    char *module;    /* top-level module of the first type named with one, or NULL */
};

/* Returns false when the text (or NULL) has no report. Else *ret_report is the caller's, to nanobind_report_clear. */
bool nanobind_report_parse(const char *text, struct nanobind_report *ret_report);
void nanobind_report_clear(struct nanobind_report *report);

/* "183 instances (164 PyTreeDef, …), 6 keep_alive records, 12 types, 216 functions". The caller's, or NULL without
 * memory. */
char *nanobind_report_sentence(const struct nanobind_report *report);
