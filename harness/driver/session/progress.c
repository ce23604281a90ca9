#include "driver/session/progress.h"

#include <stdio.h>

#include "base/clock.h"

#define REDRAW (CLOCK_SECOND / 4)

void progress_init(struct progress *progress, bool on, const char *name, uint64_t deadline)
{
    *progress =
        (struct progress){.on = on, .name = name, .member = "", .began = clock_now(), .deadline = deadline};
}

/* 1234567 as "1.2 M". */
static void print_count(double count, char text[static 16])
{
    static const char units[] = " kMGT";
    int unit = 0;
    while (count >= 1000 && units[unit + 1]) {
        count /= 1000;
        unit++;
    }
    snprintf(text, 16, unit ? "%.1f %c" : "%.0f", count, units[unit]);
}

void progress_draw(void *context, const struct board_totals *now)
{
    struct progress *progress = context;
    uint64_t time = clock_now();
    if (!progress->on || time - progress->drawn < REDRAW)
        return;
    progress->drawn = time;
    progress->shown = true;
    char calls[16], rate[16], rest[32] = "";
    uint64_t total = progress->before.calls + now->calls + progress->before.serial + now->serial;
    uint64_t sampled = progress->before.sampled + now->sampled;
    uint64_t overlapped = progress->before.overlapped + now->overlapped;
    print_count((double)total, calls);
    print_count((double)total / (clock_seconds(time - progress->began) + 1e-9), rate);
    if (progress->deadline)
        snprintf(rest, sizeof rest, "  %.0f s left",
                 progress->deadline > time ? clock_seconds(progress->deadline - time) : 0.0);
    fprintf(stderr, "\r\e[K%.24s: %s calls  %s/s  overlap %.0f %%  %u finding%s  [%s]%s", progress->name,
            calls, rate, sampled ? 100.0 * (double)overlapped / (double)sampled : 0.0, progress->findings,
            progress->findings == 1 ? "" : "s", progress->member, rest);
    fflush(stderr);
}

void progress_child_done(struct progress *progress, const struct board_totals *totals)
{
    progress->before.calls += totals->calls;
    progress->before.serial += totals->serial;
    progress->before.sampled += totals->sampled;
    progress->before.overlapped += totals->overlapped;
}

void progress_clear(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\e[K", stderr);
    progress->shown = false;
    fflush(stderr);
}
