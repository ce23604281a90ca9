#include "driver/portfolio.h"

#include "base/clock.h"
#include "core/detector_list.h"

#define OUTSIDE (DETECTOR_BIT(DETECTOR_CRASH) | DETECTOR_BIT(DETECTOR_HANG) | DETECTOR_BIT(DETECTOR_LOG))
#define INSIDE (DETECTOR_BIT(DETECTOR_EXCEPTION) | DETECTOR_BIT(DETECTOR_INVARIANT))
#define TRIPWIRE DETECTOR_BIT(DETECTOR_TRIPWIRE)

/* A slice is long enough for the imports to be worth it, and short enough that every member has its turn. */
#define SLICE_MIN (1500 * UINT64_C(1000000))
#define SLICE_MAX (30 * CLOCK_SECOND)
#define SLICES 6
#define SERIAL_MAX (2 * CLOCK_SECOND)

static const struct member {
    const char *name;
    bool serial;
    uint32_t detect;
    uint32_t unique; /* worth a child only when one of these is asked for; 0: always */
} members[] = {
    {.name = "serial", .serial = true, .detect = OUTSIDE | INSIDE | TRIPWIRE, .unique = INSIDE | TRIPWIRE},
    {.name = "tripwire", .detect = OUTSIDE | INSIDE | TRIPWIRE, .unique = TRIPWIRE},
    {.name = "bare", .detect = OUTSIDE | DETECTOR_BIT(DETECTOR_EXCEPTION)},
    {.name = "watched", .detect = OUTSIDE | INSIDE, .unique = DETECTOR_BIT(DETECTOR_INVARIANT)},
};
#define MEMBERS (sizeof members / sizeof *members)

void portfolio_init(struct portfolio *portfolio, const struct plan *plan)
{
    *portfolio = (struct portfolio){.plan = plan, .deadline = plan->time ? clock_now() + plan->time : 0};
}

static bool is_wanted(const struct portfolio *portfolio, const struct member *member)
{
    const struct plan *plan = portfolio->plan;
    /* The serial pass is all there is of a run with one thread; a native step has no serial half of its own to show. */
    if (plan->threads == 1)
        return member->serial;
    if (member->serial && plan->native)
        return false;
    return !member->unique || (plan->detect & member->unique);
}

static uint64_t left(const struct portfolio *portfolio)
{
    uint64_t now = clock_now();
    if (!portfolio->deadline)
        return UINT64_MAX;
    return portfolio->deadline > now ? portfolio->deadline - now : 0;
}

static uint64_t slice_of(const struct portfolio *portfolio, const struct member *member)
{
    const struct plan *plan = portfolio->plan;
    if (!portfolio->deadline)
        return 0;
    uint64_t rest = left(portfolio), slice = plan->time / SLICES;
    if (plan->threads == 1)
        return rest;
    if (member->serial)
        slice = plan->time / 10 < SERIAL_MAX ? plan->time / 10 : SERIAL_MAX;
    else if (slice < SLICE_MIN)
        slice = SLICE_MIN;
    if (slice > SLICE_MAX)
        slice = SLICE_MAX;
    /* A rest too short for another child is given to this one. */
    return rest < slice + SLICE_MIN / 2 ? rest : slice;
}

bool portfolio_next(struct portfolio *portfolio, struct plan *child, const char **ret_name)
{
    const struct plan *plan = portfolio->plan;
    while (left(portfolio) > 0) {
        unsigned turn = portfolio->next++;
        if (turn >= MEMBERS && (!portfolio->deadline || plan->threads == 1 || plan->iterations))
            return false;
        /* The serial pass has its turn once. */
        const struct member *member = &members[turn % MEMBERS];
        if (!is_wanted(portfolio, member) || (member->serial && turn >= MEMBERS))
            continue;
        *child = *plan;
        child->detect = plan->detect & member->detect;
        child->time = slice_of(portfolio, member);
        if (member->serial)
            child->threads = 1;
        if (member->serial && !portfolio->deadline && !plan->iterations)
            child->iterations = 200;
        *ret_name = member->name;
        portfolio->started++;
        return true;
    }
    return false;
}
