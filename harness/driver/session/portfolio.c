#include "driver/session/portfolio.h"

#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "core/plan/detector_list.h"
#include "core/plan/perturb.h"

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)
/* A slice is long against the imports of a child, and short enough that every member has a turn. */
#define SLICE_MIN (1500 * UINT64_C(1000000))
#define SHARE_MIN (500 * UINT64_C(1000000))
#define SLICE_MAX (30 * CLOCK_SECOND)
#define SLICES 6
#define SERIAL_MAX (2 * CLOCK_SECOND)
/* A later turn of a member is this multiple of the one before. */
#define GROWTH 3
/* Turns of the opening take a small part of the time each, that of the serial pass a part of this, and all of them a
 * larger one, with the starts of children. */
#define OPENING_TURN 30
#define OPENING_TURN_MIN (200 * UINT64_C(1000000))
#define OPENING_TURN_MAX (400 * UINT64_C(1000000))
#define OPENING_SHARE 4
#define OPENING_SERIAL 10
/* First uses have this number of turns at once: they learn before their first race, and start processes one by one. */
#define OPENING_FIRST 2
/* If fewer members than this are outside of the opening, all have their turns soon without it. */
#define OPENING_OTHERS 4
/* s that a start most likely takes, as long as none is known. */
#define START_LIKELY 0.1
/* The serial pass of the opening is the only one if a start takes this part of the time. */
#define START_LONG 10

void portfolio_init(struct portfolio *portfolio, const struct plan *plan, const struct member_set *set)
{
    *portfolio =
        (struct portfolio){.plan = plan, .set = set, .deadline = plan->time ? clock_now() + plan->time : 0};
    bandit_init(&portfolio->bandit, plan->seed);
}

/* The plan's perturbations and the member's. */
static uint32_t perturb_of(const struct plan *plan, const struct member *member)
{
    if (member->serial || member->once || plan->threads == 1)
        return 0;
    if (plan->perturb & PERTURB_OFF)
        return PERTURB_OFF;
    uint32_t perturb = member->perturb | (plan->perturb ? plan->perturb : member->rides);
    /* Where threads stall, the tripwire is around the calls on one thread only. */
    bool needs_tripwire = member->unique & BIT(TRIPWIRE) && !(member->perturb & PERTURB_STALL);
    return needs_tripwire ? perturb & ~(uint32_t)PERTURB_STALL : perturb;
}

/* The detectors of the list that work with these perturbations. */
static uint32_t working(uint32_t detect, uint32_t perturb)
{
    return perturb & PERTURB_FIRST ? detect & PERTURB_FIRST_DETECTORS : detect;
}

static bool is_wanted(const struct portfolio *portfolio, const struct member *member)
{
    const struct plan *plan = portfolio->plan;
    if (!member_has_turns(portfolio->set, member, plan) || (plan->perturb & PERTURB_OFF && member->perturb))
        return false;
    if (plan->threads == 1)
        return member->alone && plan->detect & (member->serial ? member->detect : member->unique);
    /* A native step has no serial part. */
    if (member->serial && plan->native)
        return false;
    if (member->serial && portfolio->had_serial &&
        portfolio->opening.start * START_LONG > clock_seconds(plan->time))
        return false;
    return working(plan->detect & member->unique, perturb_of(plan, member));
}

static unsigned count_wanted(const struct portfolio *portfolio, unsigned from)
{
    unsigned n = 0;
    for (unsigned i = from; i < portfolio->set->n; i++)
        n += is_wanted(portfolio, &portfolio->set->members[i]);
    return n;
}

bool portfolio_is_empty(const struct portfolio *portfolio)
{
    unsigned wanted = 0;
    for (unsigned i = 0; i < portfolio->set->n; i++) {
        const struct member *member = &portfolio->set->members[i];
        wanted += is_wanted(portfolio, member) && (!member->serial || portfolio->plan->threads == 1);
    }
    return member_are_named(portfolio->set, portfolio->plan) && wanted == 0;
}

static uint64_t time_left(const struct portfolio *portfolio)
{
    uint64_t now = clock_now();
    if (!portfolio->deadline)
        return UINT64_MAX;
    return portfolio->deadline > now ? portfolio->deadline - now : 0;
}

/* Did no child have the plan's threads yet? */
static bool threads_wait(const struct portfolio *portfolio)
{
    return portfolio->plan->threads > 1 && !portfolio->met;
}

/* Is the time of the run long enough for a turn of each member? */
static bool is_for_all(const struct portfolio *portfolio)
{
    return portfolio->plan->time / (1 + count_wanted(portfolio, 0)) >= SHARE_MIN;
}

static uint64_t fit_slice(const struct portfolio *portfolio, uint64_t slice, uint64_t rest, uint64_t share)
{
    /* Members without a turn yet get an equal share, where that is long enough. */
    if (rest == 0 || (share < rest && (share >= SHARE_MIN || is_for_all(portfolio))))
        return slice < share ? slice : share > SHARE_MIN / 2 ? share : SHARE_MIN / 2;
    /* This child takes a rest that is too short for another one. */
    return rest < slice + SLICE_MIN / 2 ? rest : slice;
}

/* Returns the length of a turn of the opening, without the start of the child. */
static uint64_t opening_turn(const struct plan *plan, const struct member *member)
{
    uint64_t turn = plan->time / OPENING_TURN;
    turn = turn < OPENING_TURN_MIN ? OPENING_TURN_MIN : turn > OPENING_TURN_MAX ? OPENING_TURN_MAX : turn;
    if (member->perturb & PERTURB_FIRST)
        turn *= OPENING_FIRST;
    return member->serial ? turn / OPENING_SERIAL : turn;
}

/* The first turns are short, so that all members have one soon. */
static uint64_t longest_slice(const struct portfolio *portfolio)
{
    uint64_t slice = SLICE_MIN, most = portfolio->plan->time / SLICES;
    for (size_t at = portfolio->next; at > portfolio->set->n && slice < most; at -= portfolio->set->n)
        slice *= GROWTH;
    return most < SLICE_MIN ? SLICE_MIN : slice < most ? slice : most;
}

static uint64_t choose_time(const struct portfolio *portfolio, const struct member *member)
{
    const struct plan *plan = portfolio->plan;
    if (!portfolio->deadline)
        return 0;
    uint64_t rest = time_left(portfolio), slice = longest_slice(portfolio);
    uint64_t start = (uint64_t)(portfolio->start * (double)CLOCK_SECOND);
    if (portfolio->opening.is_open) {
        double known = portfolio->start > 0           ? portfolio->start
                       : portfolio->opening.spent > 0 ? portfolio->opening.start
                                                      : START_LIKELY;
        return opening_turn(plan, member) + (uint64_t)(known * (double)CLOCK_SECOND);
    }
    bool owed = member->once || (!member->serial && threads_wait(portfolio));
    if (owed && rest < plan->time / 3)
        rest = plan->time / 3 + start;
    uint64_t share = rest / (1 + count_wanted(portfolio, portfolio->next));
    if (plan->threads == 1)
        return share;
    if (member->once)
        slice = count_wanted(portfolio, 0) > 1 ? plan->time / 3 : rest;
    else if (member->serial)
        slice = plan->time / 10 < SERIAL_MAX ? plan->time / 10 : SERIAL_MAX;
    /* Without a detector, a second child would do the same as the first. */
    if (portfolio->set->n > 0 && count_wanted(portfolio, 0) == 0)
        slice = rest;
    /* At least half of it is for the threads. */
    if (!member->serial && slice < 2 * start)
        slice = 2 * start;
    if (slice > SLICE_MAX && !member->once) /* the only turn of a member may be long */
        slice = SLICE_MAX;
    return fit_slice(portfolio, slice, rest, share);
}

/* Did it make calls as the plan wants them, or find something? */
static bool had_turn(const struct member *member, const struct child_entry *entry, const struct plan *plan)
{
    return strcmp(entry->member, member->name) == 0 && (entry->calls > 0 || entry->unfit || entry->findings ||
                                                        member->serial || member->once || plan->threads == 1);
}

void portfolio_list_no_turn(const struct portfolio *portfolio, struct run *run, size_t from)
{
    for (size_t i = 0; i < portfolio->set->n; i++) {
        const struct member *member = &portfolio->set->members[i];
        bool had = !is_wanted(portfolio, member);
        for (size_t k = from; k < run->log.n; k++)
            had |= had_turn(member, &run->log.items[k], portfolio->plan);
        for (size_t k = 0; k < run->nno_turn; k++)
            had |= strcmp(run->no_turn[k], member->name) == 0;
        if (!had)
            strings_add(&run->no_turn, &run->nno_turn, member->name);
    }
}

void portfolio_focus(struct portfolio *portfolio, const char *sites)
{
    if (!portfolio->plan->focus && portfolio->set->focus &&
        member_has_turns(portfolio->set, portfolio->set->focus, portfolio->plan) &&
        working(portfolio->plan->detect, portfolio->plan->perturb) & BIT(GUARD))
        portfolio->focus = sites;
}

static void fill_plan(struct portfolio *portfolio, const struct member *member, struct plan *child)
{
    const struct plan *plan = portfolio->plan;
    *child = *plan;
    child->perturb = perturb_of(plan, member);
    bool opens = portfolio->opening.is_open || member_are_named(portfolio->set, plan);
    uint32_t detect = member->detect | (opens ? member->opens_with : 0);
    child->detect = working(plan->detect & detect, child->perturb);
    child->members = portfolio->set->is_named ? (char *)member->name : NULL;
    child->time = portfolio->last_time = choose_time(portfolio, member);
    if (member->serial)
        child->threads = 1;
    if (member->serial && !portfolio->deadline && !plan->iterations)
        child->iterations = 200;
    portfolio->met = portfolio->met || child->threads > 1;
    portfolio->had_serial = portfolio->had_serial || member->serial;
    child->draw = (plan->draw + portfolio->started++) & INT64_MAX;
}

/* Returns a member by what the members found so far, or the set's n. */
static size_t choose_learned(struct portfolio *portfolio)
{
    bool wanted[BANDIT_CHOICES_MAX];
    size_t n = portfolio->set->n < BANDIT_CHOICES_MAX ? portfolio->set->n : BANDIT_CHOICES_MAX;
    for (size_t i = 0; i < n; i++) {
        const struct member *member = &portfolio->set->members[i];
        wanted[i] = is_wanted(portfolio, member) && !member->serial && !member->once;
    }
    size_t at = bandit_choose(&portfolio->bandit, wanted, n);
    return at < n ? at : portfolio->set->n;
}

static void learn_opening(struct portfolio *portfolio, double seconds)
{
    double start = seconds - clock_seconds(portfolio->last_time);
    if (portfolio->opening.spent == 0 && start > 0)
        portfolio->opening.start = start;
    portfolio->opening.spent += seconds;
}

void portfolio_learn(struct portfolio *portfolio, unsigned found, double seconds)
{
    if (portfolio->opening.is_open)
        learn_opening(portfolio, seconds);
    bandit_reward(&portfolio->bandit, portfolio->last, found, seconds);
    portfolio->learned |= found > 0;
}

static bool has_opening(const struct portfolio *portfolio)
{
    const struct plan *plan = portfolio->plan;
    unsigned others = 0;
    for (size_t i = 0; i < portfolio->set->n; i++)
        others += !portfolio->set->members[i].opening && is_wanted(portfolio, &portfolio->set->members[i]);
    return portfolio->deadline && !plan->iterations && plan->threads > 1 && others >= OPENING_OTHERS &&
           is_for_all(portfolio);
}

/* Returns the member with this place in the opening, or NULL. */
static const struct member *find_opening(const struct portfolio *portfolio, unsigned place)
{
    const struct member_set *set = portfolio->set;
    for (size_t i = 0; i < set->n; i++)
        if (set->members[i].opening == place)
            return is_wanted(portfolio, &set->members[i]) ? &set->members[i] : NULL;
    return NULL;
}

static bool has_time_to_open(const struct portfolio *portfolio, const struct member *member)
{
    double turn = clock_seconds(opening_turn(portfolio->plan, member)) + portfolio->opening.start;
    return portfolio->opening.spent + turn <= clock_seconds(portfolio->plan->time) / OPENING_SHARE;
}

/* Returns the next member of the opening, or NULL when it is over. */
static const struct member *next_opening(struct portfolio *portfolio)
{
    const struct member *member = NULL;
    size_t n = portfolio->set->n;
    while (!member && portfolio->opening.turns < n && has_opening(portfolio))
        member = find_opening(portfolio, ++portfolio->opening.turns);
    if (member && !has_time_to_open(portfolio, member))
        member = NULL;
    if (!member)
        portfolio->opening.turns = (unsigned)n;
    else
        portfolio->last = (size_t)(member - portfolio->set->members);
    portfolio->opening.is_open = member;
    return member;
}

/* Returns the next member that has a turn, or NULL. */
static const struct member *next_member(struct portfolio *portfolio)
{
    const struct plan *plan = portfolio->plan;
    const struct member_set *set = portfolio->set;
    const size_t n = set->n;
    const struct member *opening = next_opening(portfolio);
    if (opening)
        return opening;
    bool once = !portfolio->deadline || plan->threads == 1 || plan->iterations;
    if (n == 0 || count_wanted(portfolio, 0) == 0)
        return portfolio->next++ == 0 || !once ? set->fallback : NULL;
    for (size_t tried = 0; tried < n; tried++) {
        size_t turn = portfolio->next++;
        if (turn >= n && once)
            return NULL;
        size_t at = turn >= n && portfolio->learned ? choose_learned(portfolio) : turn % n;
        if (at == n)
            return NULL;
        const struct member *member = &set->members[at];
        portfolio->last = at;
        if (is_wanted(portfolio, member) && (turn < n || !(member->serial || member->once)))
            return member;
    }
    return NULL;
}

/* Threads, and members with one turn that come after the serial pass, have a turn even when the imports of the first
 * child took all of the time. Where starts and ends of children took more than their shares, members without a turn yet
 * have a short one, for a quarter of the time. */
static bool is_owed(const struct portfolio *portfolio)
{
    const struct member_set *set = portfolio->set;
    bool owed = portfolio->started > 0 && threads_wait(portfolio);
    bool late = portfolio->plan->threads > 1 && is_for_all(portfolio) &&
                clock_now() < portfolio->deadline + portfolio->plan->time / 4;
    for (size_t i = portfolio->next; portfolio->started > 0 && i < set->n; i++)
        owed |= (set->members[i].once || late) && is_wanted(portfolio, &set->members[i]);
    return owed;
}

bool portfolio_next(struct portfolio *portfolio, struct plan *child, const char **ret_name)
{
    /* After the first pass of one thread the rest may be too short to start another child. */
    bool short_rest =
        portfolio->plan->threads == 1 && portfolio->started > 0 && time_left(portfolio) < SLICE_MIN / 3;
    if ((time_left(portfolio) == 0 || short_rest) && !is_owed(portfolio))
        return false;
    char *focus = (char *)portfolio->focus;
    portfolio->opening.is_open = false;
    const struct member *member = focus ? portfolio->set->focus : next_member(portfolio);
    if (!member)
        return false;
    fill_plan(portfolio, member, child);
    if (focus) {
        child->focus = focus;
        portfolio->last = BANDIT_CHOICES_MAX; /* no member's turn */
    }
    portfolio->focus = NULL;
    *ret_name = focus ? "focus" : member->name;
    return true;
}
