#include "driver/finding/curve.h"

#include <math.h>
#include <stdlib.h>

#include "core/wire/counted.h"

/* A rate below one in this number of calls may be chance. */
#define RARE 1000
/* Growth of a few units in all may be chance. */
#define UNITS_LEAST 8
/* Difference of windows from the common rate at most, as a part of it. */
#define SCATTER 0.35
/* Irregular growth, as by a race: every window grows by this number of units at least, the longer ones more. */
#define IRREGULAR_UNITS 24

const char *const growth_verdict_names[GROWTH_VERDICTS] = {
    [GROWTH_NONE] = "none",        [GROWTH_NOISE] = "allocator-noise",
    [GROWTH_ONE_OFF] = "one-off",  [GROWTH_FLOOR] = "process-lifetime-floor",
    [GROWTH_CACHE] = "cache-held", [GROWTH_UNBOUNDED] = "unbounded-cache",
    [GROWTH_JIT] = "jit-growth",   [GROWTH_RETAINED] = "retained-per-key",
    [GROWTH_LEAK] = "leak",
};

/* The windows that count. */
struct windows {
    unsigned n;
    double calls[CURVE_POINTS], changes[CURVE_POINTS];
    double all_calls, all_changes;
    unsigned up, down; /* that changed by a unit or more */
};

static struct windows windows_of(const struct curve *curve, int64_t unit)
{
    struct windows windows = {0};
    for (unsigned i = COUNTED_WARM_UP + 1; i < curve->n && i < CURVE_POINTS; i++) {
        int64_t change = curve->values[i] - curve->values[i - 1];
        double calls = (double)(curve->calls[i] - curve->calls[i - 1]);
        windows.calls[windows.n] = calls;
        windows.changes[windows.n++] = (double)change;
        windows.all_calls += calls;
        windows.all_changes += (double)change;
        windows.up += change >= unit;
        windows.down += change <= -unit;
    }
    return windows;
}

static int compare(const void *a, const void *b)
{
    double one = *(const double *)a, other = *(const double *)b;
    return (one > other) - (one < other);
}

double curve_median(double *values, unsigned n)
{
    if (n == 0)
        return 0;
    qsort(values, n, sizeof *values, compare);
    return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

/* Returns growth per call in long windows divided by that in short ones: 1 for growth with calls, 1/2 for growth with
 * windows. */
static double long_against_short(const struct windows *windows)
{
    double middle = windows->all_calls / windows->n, calls[2] = {0}, changes[2] = {0};
    for (unsigned i = 0; i < windows->n; i++) {
        calls[windows->calls[i] > middle] += windows->calls[i];
        changes[windows->calls[i] > middle] += windows->changes[i];
    }
    if (calls[0] == 0 || calls[1] == 0 || changes[0] == 0)
        return 1;
    return (changes[1] / calls[1]) / (changes[0] / calls[0]);
}

static bool is_even(const struct windows *windows, double rate)
{
    double off[CURVE_POINTS] = {0};
    for (unsigned i = 0; i < windows->n; i++)
        off[i] = fabs(windows->changes[i] - rate * windows->calls[i]);
    double typical = curve_median(off, windows->n), whole = fabs(windows->all_changes) / windows->n;
    return typical <= SCATTER * whole;
}

static bool is_steady(const struct windows *windows, int64_t unit, double *ret_rate)
{
    double rates[CURVE_POINTS] = {0}, least = UNITS_LEAST * (double)unit;
    for (unsigned i = 0; i < windows->n; i++)
        rates[i] = windows->changes[i] / fmax(windows->calls[i], 1);
    double rate = curve_median(rates, windows->n), grown = fabs(windows->all_changes);
    unsigned with = windows->all_changes > 0 ? windows->up : windows->down;
    unsigned against = windows->all_changes > 0 ? windows->down : windows->up;
    double ratio = long_against_short(windows);
    if (grown < least || grown * RARE < windows->all_calls * (double)unit)
        return false;
    bool even = with + 1 >= windows->n && against == 0 && is_even(windows, rate) && ratio > 0.7;
    bool irregular = with == windows->n && grown >= IRREGULAR_UNITS * (double)unit && ratio > 0.7;
    *ret_rate = even ? rate : windows->all_changes / windows->all_calls;
    return even || irregular;
}

struct curve_look curve_look(const struct curve *curve, int64_t unit)
{
    struct curve_look look = {.shape = CURVE_SHORT};
    struct windows windows = windows_of(curve, unit);
    if (windows.n < 3 || windows.all_calls <= 0)
        return look;
    if (is_steady(&windows, unit, &look.rate)) {
        look.shape = CURVE_STEADY;
        return look;
    }
    look.rate = 0;
    if (windows.down > 0 || windows.up > 1)
        look.shape = CURVE_NOISE;
    else if (windows.up == 1 || curve->values[curve->n - 1] - curve->values[0] >= unit)
        look.shape = CURVE_ONE_OFF;
    else
        look.shape = CURVE_FLAT;
    return look;
}

static bool grows(const struct curve *curve, int64_t unit, double *ret_rate)
{
    *ret_rate = curve_look(curve, unit).rate;
    return *ret_rate > 0;
}

enum growth_verdict growth_judge(const struct growth_arms *arms, int64_t unit, double *ret_rate)
{
    double rate, kept;
    if (grows(&arms->calls, unit, ret_rate))
        return GROWTH_LEAK;
    if (grows(&arms->fresh, unit, ret_rate)) {
        bool stays = grows(&arms->released, unit, &kept);
        if (grows(&arms->code, 1, &rate) && !(stays && !grows(&arms->code_released, 1, &rate)))
            return GROWTH_JIT;
        *ret_rate = stays ? kept : *ret_rate;
        return stays ? GROWTH_RETAINED : GROWTH_UNBOUNDED;
    }
    *ret_rate = 0;
    if (arms->has_release && arms->held - arms->before >= unit)
        return arms->left - arms->before < unit ? GROWTH_CACHE : GROWTH_FLOOR;
    enum curve_shape shape = curve_look(&arms->calls, unit).shape;
    return shape == CURVE_NOISE ? GROWTH_NOISE : shape == CURVE_ONE_OFF ? GROWTH_ONE_OFF : GROWTH_NONE;
}
