/* Notes memory that seems to grow with the calls, by the totals of an ordinary child. It is a hint and no finding: it
 * must be silent where memory only settles, so that it takes steady growth of some size. */
#include "driver/leak/judge_leak.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire/counted.h"
#include "driver/finding/curve.h"

#define HEAD "memory seems to grow: "
#define PAGE 4096

/* Growth of less in all counts as none. mimalloc and malloc keep a few blocks for each thread that are free. */
static const struct {
    enum series_of of;
    int64_t unit, least;
    const char *what;
} rows[] = {
    {SERIES_PYTHON_BLOCKS, 1, 64, "blocks of CPython's allocators"},
    {SERIES_NATIVE_BYTES, JUDGE_BYTES_UNIT, 16 << 10, "bytes of malloc"},
    {SERIES_RESIDENT_BYTES, PAGE, 4 << 20, "bytes of resident memory"},
};

static bool has_hint(const struct note_list *notes)
{
    for (size_t i = 0; i < notes->n; i++)
        if (strncmp(notes->items[i], HEAD, strlen(HEAD)) == 0)
            return true;
    return false;
}

/* Returns the growth in each call, or 0. */
static double rate_of(const struct judge *judge, size_t row)
{
    struct curve curve = judge_series_curve(judge, COUNTED_CALLS, rows[row].of, NULL);
    struct curve_look look = curve_look(&curve, rows[row].unit);
    if (look.shape != CURVE_STEADY || look.rate <= 0)
        return 0;
    int64_t grown = curve.values[curve.n - 1] - curve.values[COUNTED_WARM_UP];
    return grown >= rows[row].least ? look.rate : 0;
}

/* Does each window add its share? Allocators keep pages of the most that was ever in use at once, so that resident
 * memory grows for a while with garbage that is freed in time. */
static bool is_exact(const struct judge *judge, enum series_of of, double rate)
{
    struct curve curve = judge_series_curve(judge, COUNTED_CALLS, of, NULL);
    for (unsigned i = COUNTED_WARM_UP + 1; i < curve.n; i++) {
        double wanted = rate * (double)(curve.calls[i] - curve.calls[i - 1]);
        if (fabs((double)(curve.values[i] - curve.values[i - 1]) - wanted) > wanted / 8)
            return false;
    }
    return true;
}

/* Notes whether the child had windows enough for a verdict: its calls may be few, or may change what they share. */
static void note_look(const struct judge *judge)
{
    struct curve curve = judge_series_curve(judge, COUNTED_CALLS, SERIES_PYTHON_BLOCKS, NULL);
    judge->run->hints = true;
    judge->run->hinted |=
        judge->outcome->facts.changes != CHANGES_SEEN && curve_look(&curve, 1).shape != CURVE_SHORT;
}

/* Resident memory alone is a hint only where each iteration takes whole pages, as by mmap: an allocator's memory shows
 * in the other totals. */
void judge_hint(struct judge *judge)
{
    struct judge_list list = {.gap = ", ", .max = SIZE_MAX};
    double times = judge_per_iteration(judge);
    if (!(judge->plan->detect & DETECTOR_BIT(DETECTOR_HINT)))
        return;
    note_look(judge);
    if (judge->outcome->facts.changes == CHANGES_SEEN || has_hint(&judge->run->notes))
        return;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double rate = rate_of(judge, i);
        bool counts = rows[i].of != SERIES_RESIDENT_BYTES || list.n > 0 ||
                      (rate * times >= PAGE && is_exact(judge, rows[i].of, rate));
        if (rate > 0 && counts)
            judge_list_add(&list, rate * times < 0.01 ? "%.1g %s" : "%.2f %s", rate * times, rows[i].what);
    }
    char *text = judge_list_end(&list);
    if (text)
        note_add(&judge->run->notes,
                 HEAD
                 "%s in each %s; no finding: run it with --detect growth to see what grows, and where it is "
                 "allocated",
                 text, times > 1 ? "iteration" : "call");
    free(text);
}
