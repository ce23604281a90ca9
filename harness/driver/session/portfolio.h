/* The portfolio: the children that one run is made of. No single child can carry every detector: a checker changes
 * layout and timing, and a bare process crashes as users see it. A serial pass comes first, then concurrent members
 * in turn. Before that, in the opening, members that find most races have a short turn each: many bugs show in the
 * first milliseconds, and each child begins with some calls on one thread. Later turns of a member are longer than its
 * first one. Driver. Plain data. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/plan/plan.h"
#include "driver/mode/mode.h"
#include "driver/session/bandit.h"

struct portfolio {
    const struct plan *plan;
    const struct member_set *set;
    uint64_t deadline; /* clock_now(); 0: none, each member runs once for the plan's iterations */
    unsigned started;  /* children so far */
    unsigned next;     /* member that is next */
    bool met;          /* a child with the plan's threads was among them, */
    bool had_serial;   /* and a serial pass */
    double start; /* shortest time in s from the start of a child until its threads run; 0: not known yet */
    struct {
        unsigned turns; /* so far, with those that were left out */
        bool is_open;   /* the last child has one of them */
        double start,
            spent; /* s that the first child took beside its turn, and that all took; 0: not known yet */
    } opening;
    uint64_t last_time; /* of the last child */
    const char *focus;  /* sites for an extra child, or NULL */
    struct bandit bandit;
    size_t last;  /* member of the last child */
    bool learned; /* a member found something */
};

void portfolio_init(struct portfolio *portfolio, const struct plan *plan, const struct member_set *set);

/* Can no member that the plan names run its calls, with its threads, detectors and perturbations? */
bool portfolio_is_empty(const struct portfolio *portfolio);

/* Makes the next child the guard's, with the blocks of these sites between inaccessible pages. The text must live until
 * then. Does nothing where the plan has a focus of its own or no guard. */
void portfolio_focus(struct portfolio *portfolio, const char *sites);

/* Adds what the last child found, and the seconds that it took: after a turn of each member, those that find more in a
 * second have more turns. If starts take long, the opening ends early. */
void portfolio_learn(struct portfolio *portfolio, unsigned found, double seconds);

/* Lists in run->no_turn the members that the plan needs and that made no call, by the run's log from this entry on. */
void portfolio_list_no_turn(const struct portfolio *portfolio, struct run *run, size_t from);

/* Fills *child (a shallow copy of the run's plan with its own threads, time, iterations and detectors; not to be
 * cleared) and the member's name. Returns false when the run is over. */
bool portfolio_next(struct portfolio *portfolio, struct plan *child, const char **ret_name);
