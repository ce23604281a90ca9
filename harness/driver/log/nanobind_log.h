/* The report that nanobind prints at exit of what is still alive, in the forms of its versions 1.9 to 3.x.
 * Free-threaded builds of nanobind have none. Pure. Driver. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More are counted, not named. */
#define NANOBIND_TYPES_MAX 64

struct nanobind_type {
    char *name;     /* as the report has it: bare or with its module */
    unsigned count; /* of the lines that name it, which stop early in some versions */
};

/* Of all the reports in one text: there is one for each set of records that extensions share. The four counts are those
 * of the headers, whatever the lines below them say. */
struct nanobind_report {
    uint64_t instances, keep_alives, types, functions;
    struct nanobind_type named[NANOBIND_TYPES_MAX]; /* the types of instances, most frequent first */
    unsigned nnamed;
    unsigned listed; /* lines of instances */
    char *module;    /* top-level one of the first type that is named with its module, or NULL */
};

/* On success *ret_report is the caller's, to nanobind_report_clear. Returns whether there was one in the text (NULL is
 * none). */
bool nanobind_report_parse(const char *text, struct nanobind_report *ret_report);
void nanobind_report_clear(struct nanobind_report *run);

/* "183 instances (164 PyTreeDef, …), 6 keep_alive records, 12 types, 216 functions". The caller's, or NULL without
 * memory. */
char *nanobind_report_sentence(const struct nanobind_report *run);
