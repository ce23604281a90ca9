/* A run without special tools, in a free-threaded interpreter. */
#include "core/plan/detector_list.h"
#include "core/plan/perturb.h"
#include "core/wire/landmarks.h"
#include "base/remedy.h"
#include "core/wire/status.h"
#include "driver/mode/mode.h"

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)
#define OUTSIDE (BIT(CRASH) | BIT(HANG) | BIT(LOG))
#define INSIDE (BIT(EXCEPTION) | BIT(INVARIANT))
#define GUARD_MEMBER 3

/* What rides along: `bare` stays as users run it, and the tripwire needs one thread. */
#define POINTS (PERTURB_DELAY | PERTURB_ALLOC | PERTURB_LOCKS)

static const struct member members[] = {
    {.name = "serial",
     .serial = true,
     .alone = true,
     .detect = OUTSIDE | INSIDE | BIT(TRIPWIRE) | BIT(ARENA),
     .unique = INSIDE | BIT(TRIPWIRE),
     .opening = 3},
    {.name = "counting",
     .alone = true,
     .once = true,
     .detect = OUTSIDE | DETECTOR_COUNTERS,
     .unique = DETECTOR_COUNTERS},
    {.name = "tripwire", .detect = OUTSIDE | INSIDE | BIT(DIVERGE) | BIT(TRIPWIRE), .unique = BIT(TRIPWIRE)},
    {.name = "guard",
     .alone = true,
     .detect = OUTSIDE | BIT(EXCEPTION) | BIT(DIVERGE) | BIT(GUARD),
     .unique = BIT(GUARD),
     .rides = POINTS},
    {.name = "bare",
     .detect = OUTSIDE | BIT(EXCEPTION) | BIT(DIVERGE) | BIT(ARENA) | BIT(HINT),
     .unique = OUTSIDE | BIT(EXCEPTION) | BIT(ARENA) | BIT(HINT)},
    {.name = "watch",
     .detect = OUTSIDE | BIT(EXCEPTION) | BIT(DIVERGE) | BIT(WATCH),
     .unique = BIT(WATCH),
     .perturb = PERTURB_STALL,
     .opening = 1,
     /* They name the block that a stalled thread damages, before a crash, and a write to an input by one thread. */
     .opens_with = BIT(GUARD) | BIT(TRIPWIRE)},
    {.name = "watched",
     .detect = OUTSIDE | INSIDE | BIT(DIVERGE),
     .unique = BIT(DIVERGE) | BIT(INVARIANT),
     .rides = POINTS},
    {.name = "lockstep",
     .detect = OUTSIDE | BIT(EXCEPTION) | BIT(DIVERGE),
     .unique = BIT(CRASH) | BIT(EXCEPTION) | BIT(DIVERGE),
     .perturb = PERTURB_LOCKSTEP | PERTURB_FRESH,
     .rides = POINTS & ~PERTURB_DELAY,
     .opening = 4}, /* a delay before the first use would part those who met */
    {.name = "first",
     .detect = PERTURB_FIRST_DETECTORS,
     .unique = BIT(CRASH) | BIT(EXCEPTION) | BIT(DIVERGE),
     .perturb = PERTURB_FIRST | PERTURB_STALL,
     .rides = POINTS,
     .opening = 2},
    {.name = "pyheap",
     .alone = true,
     .detect = OUTSIDE | BIT(EXCEPTION) | BIT(DIVERGE) | BIT(PYHEAP) | BIT(HINT),
     .unique = BIT(PYHEAP) | BIT(HINT),
     .rides = POINTS},
    {.name = "collect",
     .detect = OUTSIDE | BIT(EXCEPTION) | BIT(DIVERGE),
     .unique = BIT(CRASH) | BIT(HANG),
     .perturb = PERTURB_COLLECT},
};

static const struct member fallback = {.name = "bare", .alone = true, .detect = OUTSIDE};

const struct member_set mode_plain_members = {.members = members,
                                              .n = sizeof members / sizeof *members,
                                              .is_named = true,
                                              .focus = &members[GUARD_MEMBER],
                                              .fallback = &fallback};

int mode_find_child(struct mode_run *run, struct sentence *error)
{
    if (probe_find_beside(CHILD_PROGRAM, &run->child) == 0)
        return 0;
    return sentence_fail(STATUS_HARNESS, error, REMEDY_BUILD, "ftstress-child is not beside this program");
}

static bool is_selected(const struct mode_query *query)
{
    (void)query;
    return true;
}

const struct mode mode_plain = {
    .name = "plain",
    .forks = true,
    .members = &mode_plain_members,
    .is_selected = is_selected,
    .find_child = mode_find_child,
};
