/* The progress line of a run: calls, rate, overlap, findings, time left. On a terminal only. Driver. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/wire/board.h"

struct progress {
    bool on, shown;
    const char *name;
    const char *member;
    uint64_t began, deadline, drawn;
    struct board_totals before; /* of children that ended */
    unsigned findings;
};

void progress_init(struct progress *progress, bool on, const char *name, uint64_t deadline);

/* The tick of a job; `context` is the progress. Draws at most a few times a second. `now` counts the running child. */
void progress_draw(void *context, const struct board_totals *now);

/* Adds the counts of a child that ended. */
void progress_child_done(struct progress *progress, const struct board_totals *totals);

/* Removes the line, so that other text can be printed. */
void progress_clear(struct progress *progress);
