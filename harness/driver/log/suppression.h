/* Suppressions: races that are known, each with a link, the versions that have it, and a sentence why. Driver, one
 * thread.
 *
 * A file is ThreadSanitizer's own form, TYPE:PATTERN, with comments that say the rest. They hold for the lines below
 * them, up to the next blank line or comment:
 *
 *   # link: https://github.com/python/cpython/issues/124878
 *   # version: CPython 3.13
 *   # A daemon thread races with the end of the interpreter.
 *   race:free_threadstate
 *
 * race matches any frame of either access, race_top the innermost alone, thread and mutex where one was made. A pattern
 * is part of a function, a source file or a module; * stands for anything, ^ and $ for the ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/sentence.h"
#include "driver/log/tsan_report.h"

struct suppression {
    char *type, *pattern;
    char *link, *version, *why;
    char *where; /* "file:line" */
    bool theirs; /* of a list with defaults */
    unsigned hits;
};

struct suppression_list {
    struct suppression *items;
    size_t n;
};

/* What a file may leave unsaid; NULL fields may not. */
struct suppression_defaults {
    const char *link, *version, *why;
};

/* Adds what the file has. On failure *error has file and line. Returns 0 or -errno. */
int suppression_load(const char *path, const struct suppression_defaults *defaults,
                     struct suppression_list *list, struct sentence *error);

/* The first that matches, or NULL. */
struct suppression *suppression_find(const struct suppression_list *list, const struct tsan_report *report);

/* One pattern against one text. */
bool suppression_matches(const char *pattern, const char *text);

void suppression_list_clear(struct suppression_list *list);
