#include "driver/minimize/measure.h"

#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "core/plan/detector_list.h"

/* Failures that measure the rate of a plan, and children at most. */
#define HITS 10
#define CHILDREN_MAX 200
/* Failures that are enough after this share of the time. */
#define HITS_LEAST 3
#define EARLY_SHARE 4
/* A shortened plan has this multiple of the time of a failure and these seconds more. Where n failures have a time, the
 * multiple is 1 + this / n: the next one may come later than a few, but hardly than many. */
#define LATER 5.0
#define TIME_LEAST 0.05
#define DATED_LEAST 2
/* A plan is made shorter where at least this share of its time goes. */
#define WORTH_SHARE 3
/* The time of a plan is rounded up to this. */
#define TIME_UNIT (50 * UINT64_C(1000000))

/* A shortened plan without a failure in this number of times the seconds that the first one took is too short. */
#define TOO_SHORT_TIMES 20

/* A rare failure takes minutes to measure. */
#define SAY_EVERY (15 * CLOCK_SECOND)

static void add_time(struct measured *measured, double time)
{
    unsigned i = measured->dated++;
    for (; i > 0 && measured->times[i - 1] > time; i--)
        measured->times[i] = measured->times[i - 1];
    measured->times[i] = time;
}

static void add_to_measured(struct measured *measured, const struct tester_result *result)
{
    measured->rate.of++;
    measured->rate.hit += result->fails;
    measured->rate.seconds += result->seconds;
    measured->start = result->start;
    if (result->fails && result->seconds_to_hit > 0 && measured->dated < MEASURED_TIMES)
        add_time(measured, result->seconds_to_hit);
    else
        measured->idle += result->seconds;
}

/* A plan that fails rarely has fewer failures to be measured by. */
static bool is_measured(const struct rate *rate, uint64_t began, uint64_t deadline)
{
    return rate->hit >= HITS || rate->of >= CHILDREN_MAX ||
           (rate->hit >= HITS_LEAST && clock_now() - began > (deadline - began) / EARLY_SHARE);
}

/* Returns the time in s of a plan in which the first n failures would have come. */
static double time_of(const struct measured *measured, unsigned n)
{
    return (1 + LATER / measured->dated) * measured->times[n - 1] + TIME_LEAST;
}

/* Returns how many of the failures, the early ones, to wait for: that many give the most failures a second. It is at
 * least half of them, as a few may be early by chance. A child without a failure lasts for the whole time. */
static unsigned choose_failures(const struct measured *measured)
{
    unsigned best = (measured->dated + 1) / 2;
    for (unsigned n = best + 1; n <= measured->dated; n++)
        if (n * (measured->start + time_of(measured, best)) >=
            best * (measured->start + time_of(measured, n)))
            best = n;
    return best;
}

/* Returns what the plan needs for these failures. */
static uint64_t enough_time(const struct measured *measured)
{
    uint64_t time = (uint64_t)(time_of(measured, choose_failures(measured)) * (double)CLOCK_SECOND);
    return (time + TIME_UNIT - 1) / TIME_UNIT * TIME_UNIT;
}

static bool may_shorten(const struct measured *measured, const struct plan *plan)
{
    return measured->dated > 0 && !(plan->detect & DETECTOR_COUNTERS) &&
           enough_time(measured) <= plan->time - plan->time / WORTH_SHARE;
}

static void say_progress(const struct tester *tester, const struct rate *rate, uint64_t *said)
{
    if (tester->quiet || clock_now() - *said < SAY_EVERY)
        return;
    *said = clock_now();
    fprintf(stderr, "ftstress: measuring the plan: it fails in %u of %u fresh children so far\n", rate->hit,
            rate->of);
}

/* The plan before it was made shorter after its first failure. */
struct whole {
    uint64_t time;  /* or 0: it was not */
    double seconds; /* of its children */
    bool kept;      /* the shorter one does not fail */
};

/* Makes the plan shorter after an early failure, and whole again where it does not fail then. Returns true where the
 * measuring begins anew. */
static bool change_time(const struct measured *measured, struct plan *plan, struct whole *whole)
{
    const struct rate *rate = &measured->rate;
    if (rate->hit == 1 && !whole->kept && may_shorten(measured, plan)) {
        *whole = (struct whole){.time = plan->time, .seconds = rate->seconds};
        plan->time = enough_time(measured);
        return true;
    }
    if (rate->hit > 0 || whole->kept || whole->time == 0 || rate->seconds < TOO_SHORT_TIMES * whole->seconds)
        return false;
    plan->time = whole->time;
    return whole->kept = true;
}

void measure_plan(struct tester *tester, struct plan *plan, const struct likeness *like, uint64_t deadline,
                  struct measured *ret)
{
    struct tester_result result;
    struct measured measured = {0};
    struct whole whole = {0};
    const struct rate *rate = &measured.rate;
    uint64_t began = clock_now(), said = began;
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
        say_progress(tester, rate, &said);
        if (change_time(&measured, plan, &whole)) {
            measured = (struct measured){0};
            tester_stop(tester, TESTER_ALL);
        }
    }
    tester_stop(tester, TESTER_ALL);
    *ret = measured;
}

double measure_shorten(const struct measured *measured, struct plan *plan)
{
    const struct rate *rate = &measured->rate;
    plan->time = (plan->time + TIME_UNIT - 1) / TIME_UNIT * TIME_UNIT;
    if (measured->dated < DATED_LEAST || !may_shorten(measured, plan))
        return rate_per_second(rate);
    double saved = clock_seconds(plan->time - enough_time(measured));
    unsigned early = choose_failures(measured);
    plan->time = enough_time(measured);
    return early / (rate->seconds - fmin((rate->of - early) * saved, measured->idle / 2));
}
