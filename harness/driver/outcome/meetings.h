/* The meetings of a run with outcomes, and the table of what they gave. Driver. Strings are owned. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/plan/plan.h"
#include "core/wire/record.h"

struct outcome;

struct meeting_row {
    char *results[PLAN_OUTCOME_ROLES_MAX]; /* of each role */
    char *state;                           /* or "" */
    char *order;                           /* the first order that gives it, "1 2"; "": none */
    uint64_t count;
    bool serial; /* an order gives it */
    bool failed; /* the user's check is not true */
};

struct meetings {
    uint64_t count, time; /* ns */
    uint64_t others;      /* outcomes that the tables of children had no room for */
    unsigned orders, nroles;
    char *roles[PLAN_OUTCOME_ROLES_MAX]; /* statements */
    char *state;                         /* the plan's expression, or NULL */
    char **lacks;                        /* sentences: what is not compared, and why */
    size_t nlacks;
    struct meeting_row *rows;
    size_t n;
};

/* Adds the meetings of one child. Returns 0 or -ENOMEM. */
int meetings_learn(struct meetings *meetings, const struct outcome *outcome, const struct plan *plan);
void meetings_clear(struct meetings *meetings);

/* The statements of a role; "a = 1; b = 2" for several. The caller's. */
char *meetings_role(const struct plan *plan, unsigned role);

/* "c.inc() → 0, c.inc() → 0; c.value = 1": `results` has a text for each role. The caller's. */
char *meetings_print(const struct plan *plan, const char *const *results, const char *state);
