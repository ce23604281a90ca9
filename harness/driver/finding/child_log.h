/* The children of a run, in order, for the timeline of a report. Driver. Owned strings. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "driver/finding/finding.h"
#include "driver/outcome/outcome.h"

struct child_entry {
    const char *member;    /* of the portfolio */
    const char *end;       /* "finished", "Segmentation fault" */
    double began;          /* s since the run began */
    double seconds, start; /* s of its life, and s before its threads ran */
    uint64_t calls;
    char *findings; /* ids of its findings, separated by blanks */
};

struct child_log {
    struct child_entry *items;
    size_t n;
};

/* Adds a child with the findings that were judged from it. `child` counts from 1. Returns 0 or -ENOMEM. */
int child_log_add(struct child_log *log, const struct child_entry *entry, const struct finding_list *findings,
                  unsigned child);
void child_log_clear(struct child_log *log);
