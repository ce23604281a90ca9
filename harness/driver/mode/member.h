/* Members of the portfolio: the kinds of child that a run of one mode is made of. Plain data. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct member {
    const char *name;
    bool serial;     /* one thread, and one turn */
    bool alone;      /* useful for a plan of one thread, too */
    bool once;       /* one turn is enough: the schedule does not change its results */
    uint32_t detect; /* detectors that work in it */
    uint32_t unique; /* it has a turn only when the plan has one of these detectors */
};

struct member_set {
    const struct member *members; /* in the order of their turns */
    size_t n;
    const struct member *focus;    /* for blocks of one allocation site; or NULL */
    const struct member *fallback; /* where no member has a turn */
};
