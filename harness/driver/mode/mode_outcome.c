/* A run with --outcome: meetings of the roles over fresh objects. */
#include <errno.h>

#include "core/plan/detector_list.h"
#include "core/plan/perturb.h"
#include "driver/mode/mode.h"

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)
#define OUTSIDE (BIT(CRASH) | BIT(HANG) | BIT(LOG))

static const struct member members[] = {
    {.name = "outcome", .detect = OUTSIDE | BIT(OUTCOME), .unique = OUTSIDE | BIT(OUTCOME)},
    {.name = "stalled", .detect = OUTSIDE | BIT(OUTCOME), .unique = BIT(OUTCOME), .rides = PERTURB_STALL},
    {.name = "delayed",
     .detect = OUTSIDE | BIT(OUTCOME),
     .unique = BIT(OUTCOME),
     .rides = PERTURB_ALLOC | PERTURB_LOCKS},
};

static const struct member_set member_set = {
    .members = members, .n = sizeof members / sizeof *members, .fallback = &members[0]};

static bool is_selected(const struct mode_query *query)
{
    for (size_t i = 0; i < query->n; i++)
        if (query->plans[i].outcome)
            return true;
    return false;
}

static int narrow(struct plan *plans, size_t n, struct sentence *error)
{
    for (size_t i = 0; i < n; i++)
        if (!plans[i].outcome)
            return sentence_fail(-EINVAL, error, "run them one after the other",
                                 "plans with and without outcome do not go together");
    return 0;
}

const struct mode mode_outcome = {
    .name = "outcome",
    .option = "--outcome",
    .members = &member_set,
    .is_selected = is_selected,
    .find_child = mode_find_child,
    .narrow = narrow,
};
