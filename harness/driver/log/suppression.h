/* Suppressions: known races, each with a link, the versions that have it, and a reason. Driver, one thread.
 *
 * A file has ThreadSanitizer's form, TYPE:PATTERN; comments add the rest. They hold for the lines below them, up to the
 * next blank line or comment:
 *
 *   # link: https://github.com/python/cpython/issues/124878
 *   # version: CPython 3.13
 *   # A daemon thread races with the end of the interpreter.
 *   race:free_threadstate
 *
 * race matches any frame of either access, race_top the innermost only, thread and mutex the stack of their creation. A
 * pattern matches part of a function, a source file or a module; * matches any text, ^ and $ the ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/sentence.h"
#include "driver/log/tsan_report.h"

struct suppression {
    char *type, *pattern;
    enum tsan_role role; /* of the parts of a report that it matches */
    char *link, *version, *why;
    char *where; /* "file:line" */
    bool theirs; /* from a list with defaults, such as CPython's */
    unsigned hits;
};

struct suppression_list {
    struct suppression *items;
    size_t n;
};

/* Values that a file may leave out; a file must state those that are NULL here. */
struct suppression_defaults {
    const char *link, *version, *why;
};

/* Adds the rules of a file. On failure *error has file and line. Returns 0 or -errno. */
int suppression_load(const char *path, const struct suppression_defaults *defaults,
                     struct suppression_list *list, struct sentence *error);

/* The first rule that matches, or NULL. */
struct suppression *suppression_find(const struct suppression_list *list, const struct tsan_report *report);

bool suppression_matches(const char *pattern, const char *text);

void suppression_list_clear(struct suppression_list *list);
