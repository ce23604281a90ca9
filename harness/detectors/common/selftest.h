/* Checks what this program assumes about the CPython that it embeds: each row of the table is one assumption, and the
 * interpreter shows at run time whether it holds. A false one would make detectors read wrong memory.
 *
 * Contract. Child main, attached, after Python's start. The rows that hook allocators need that no other thread has a
 * thread state; else they count as not checked. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "detectors/common/pyversion.h"

#define SELFTEST_TEXT 160

/* What a row looks at. */
struct selftest {
    const struct pyobject_layout *layout;
    /* One clause, such as "a list has 48 bytes, not 40"; "" where the assumption holds. */
    char fault[SELFTEST_TEXT];
};

/* Checks all rows. With `out` it prints a line for each: "ok", "FALSE" or "skip", its name, and a sentence or the
 * fault. Otherwise it stops at the first fault. Returns the name of the first row with a fault, which `test` has then,
 * or NULL. */
const char *selftest_run(struct selftest *test, FILE *out);

/* Writes the fault. Returns false. */
bool selftest_fail(struct selftest *test, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Rows: each returns false with a fault. */
typedef bool selftest_row(struct selftest *test);
selftest_row selftest_version, selftest_objects, selftest_references, selftest_owners;
selftest_row selftest_domains, selftest_blocks, selftest_lists;
selftest_row selftest_states, selftest_frames, selftest_sections;
