#include "driver/minimize/measure.h"

#include <math.h>

#include "base/clock.h"
#include "core/plan/detector_list.h"

/* Failures that measure the rate of a plan, and children at most. */
#define HITS 10
#define CHILDREN_MAX 200
/* Failures that are enough after this share of the time. */
#define HITS_LEAST 3
#define EARLY_SHARE 4
/* A shortened plan has this number of times the time of its latest failure, and these seconds. */
#define LATEST_TIMES 6
#define TIME_LEAST 0.2
#define DATED_LEAST 2
/* The time of a plan is rounded up to this. */
#define TIME_UNIT (100 * UINT64_C(1000000))

static void add_to_measured(struct measured *measured, const struct tester_result *result)
{
    bool dated = result->fails && result->seconds_to_hit > 0;
    measured->rate.of++;
    measured->rate.hit += result->fails;
    measured->rate.seconds += result->seconds;
    measured->dated += dated;
    measured->latest = dated ? fmax(measured->latest, result->seconds_to_hit) : measured->latest;
    measured->idle += dated ? 0 : result->seconds;
}

/* A plan that fails rarely has fewer failures to be measured by. */
static bool is_measured(const struct rate *rate, uint64_t began, uint64_t deadline)
{
    return rate->hit >= HITS || rate->of >= CHILDREN_MAX ||
           (rate->hit >= HITS_LEAST && clock_now() - began > (deadline - began) / EARLY_SHARE);
}

void measure_plan(struct tester *tester, const struct plan *plan, const struct likeness *like,
                  uint64_t deadline, struct measured *ret)
{
    struct tester_result result;
    struct measured measured = {0};
    const struct rate *rate = &measured.rate;
    uint64_t began = clock_now();
    size_t tag;
    bool others = false;
    while (!tester->interrupted && clock_now() < deadline) {
        while (!is_measured(rate, began, deadline) && tester->running < tester->jobs &&
               tester->running < HITS - rate->hit && rate->of + tester->running < CHILDREN_MAX &&
               tester_start(tester, plan, like, others, 0) == 0)
            ;
        if (tester->running == 0)
            break;
        if (!tester_wait(tester, deadline, &result, &tag))
            continue;
        if (!result.ran)
            break;
        others |= result.others;
        add_to_measured(&measured, &result);
    }
    tester_stop(tester, TESTER_ALL);
    *ret = measured;
}

double measure_shorten(const struct measured *measured, struct plan *plan)
{
    const struct rate *rate = &measured->rate;
    double time = LATEST_TIMES * measured->latest + TIME_LEAST, saved = clock_seconds(plan->time) - time;
    plan->time = (plan->time + TIME_UNIT - 1) / TIME_UNIT * TIME_UNIT;
    if (measured->dated < DATED_LEAST || plan->detect & DETECTOR_COUNTERS || saved < time / 2)
        return rate_per_second(rate);
    uint64_t shorter = (uint64_t)(time * (double)CLOCK_SECOND);
    plan->time = (shorter + TIME_UNIT - 1) / TIME_UNIT * TIME_UNIT;
    return measured->dated / (rate->seconds - fmin((rate->of - measured->dated) * saved, measured->idle / 2));
}
