#include <stdio.h>

#include "base/clock.h"
#include "driver/sweep/sweep.h"

#define REDRAW (CLOCK_SECOND / 4)

bool sweep_is_over(const struct sweep *sweep)
{
    return atomic_load(&sweep->board->interrupted) || (sweep->deadline && clock_now() >= sweep->deadline);
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
        fprintf(stderr, "\r\e[Ksweep: %u of %zu units, %u calls, %u findings, %.0f s",
                atomic_load(&sweep->board->done), json_array_size(sweep->units),
                atomic_load(&sweep->board->calls), atomic_load(&sweep->board->found),
                clock_seconds(time - sweep->began));
    fflush(stderr);
}
