/* The passes' names, the end of a sweep, and its line of progress. */
#include <stdio.h>

#include "base/clock.h"
#include "driver/sweep/sweep.h"

#define REDRAW (CLOCK_SECOND / 4)

const char *sweep_pass_name(enum sweep_pass pass)
{
    static const char *const names[SWEEP_PASSES] = {
        [PASS_FIRST] = "first",         [PASS_FAILURES] = "failures", [PASS_FORMS] = "forms",
        [PASS_SEQUENCES] = "sequences", [PASS_THREADS] = "threads",   [PASS_KNOWN] = "known",
    };
    return names[pass];
}

uint64_t sweep_end(const struct sweep *sweep)
{
    return sweep->until && (!sweep->deadline || sweep->until < sweep->deadline) ? sweep->until
                                                                                : sweep->deadline;
}

bool sweep_is_over(const struct sweep *sweep)
{
    uint64_t end = sweep_end(sweep);
    return atomic_load(&sweep->board->interrupted) || (end && clock_now() >= end);
}

void sweep_draw(void *context, const struct board_totals *now)
{
    struct sweep *sweep = context;
    uint64_t time = clock_now();
    (void)now;
    if (!sweep->shows || time - sweep->drawn < REDRAW)
        return;
    sweep->drawn = time;
    if (sweep->signals)
        fprintf(stderr, "\r\e[Kfuzz: %u rounds, %u plans in the corpus, %u calls, %u findings, %.0f s",
                atomic_load(&sweep->board->done), atomic_load(&sweep->board->kept),
                atomic_load(&sweep->board->calls), atomic_load(&sweep->board->found),
                clock_seconds(time - sweep->began));
    else
        fprintf(stderr, "\r\e[Ksweep: pass %d of %d, %u of %zu turns, %u calls, %u findings, %.0f s",
                sweep->pass + 1, SWEEP_PASSES, atomic_load(&sweep->board->done),
                SWEEP_PASSES * json_array_size(sweep->units), atomic_load(&sweep->board->calls),
                atomic_load(&sweep->board->found), clock_seconds(time - sweep->began));
    fflush(stderr);
}
