/* A member of the portfolio: a kind of child that a run of one mode is made of. Driver. Plain data. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sentence.h"
#include "core/plan/plan.h"

struct member {
    const char *name;
    bool serial;         /* one thread, and one turn */
    bool alone;          /* useful for a plan of one thread, too */
    bool once;           /* one turn is enough: the schedule does not change its results */
    uint32_t detect;     /* detectors that work in it */
    uint32_t unique;     /* it has a turn only when the plan has one of these detectors */
    uint32_t perturb;    /* bits of enum perturb that are its purpose; those of the plan come beside them */
    uint32_t rides;      /* further bits, where the plan has none */
    unsigned opening;    /* its place in the opening, from 1; 0: it has no turn there */
    uint32_t opens_with; /* further detectors there */
};

struct member_set {
    const struct member *members; /* in the order of their turns */
    size_t n;
    bool is_named;                 /* a plan may name those that have turns */
    const struct member *focus;    /* for blocks of one allocation site; or NULL */
    const struct member *fallback; /* where no member has a turn */
};

/* Does the plan name some members of this set? */
bool member_are_named(const struct member_set *set, const struct plan *plan);

/* Is this one of those that the plan names? If it names none, each is. */
bool member_has_turns(const struct member_set *set, const struct member *member, const struct plan *plan);

/* Returns 0, or -EINVAL with *error: the plan names one that is not in the set. */
int member_check(const struct member_set *set, const struct plan *plan, struct sentence *error);
