/* A mix: calls of several callables at once, and how threads make them. Every pair of callables has its turn: those
 * come next that met least. Driver, one thread. */
#pragma once

#include "driver/fuzz/fuzz.h"

/* Calls of a mix at most, and of one in which each has threads of its own. */
#define MIX_MOST 16u
#define MIX_ROLES 4u

struct mix {
    const struct unit_call *calls[MIX_MOST];
    unsigned n;
    bool is_sequence; /* every thread makes all of them */
    uint32_t perturb;
    enum rung share;
};

/* Draws calls of the unit that returned, and the way they run. Begins with the call `first`, unless it is NULL.
 * Returns false where less than two callables are left. */
bool mix_draw(struct fuzz *fuzz, const struct unit *unit, const struct unit_call *first, struct mix *mix);

/* Counts a meeting of each two of its callables. */
void mix_count(struct fuzz *fuzz, const struct unit *unit, const struct mix *mix);

/* Makes its plan, for plan_clear in each case. Returns 0 or -errno. */
int mix_plan(const struct fuzz *fuzz, const struct unit *unit, const struct mix *mix, struct plan *plan);

/* Returns the text of its i-th call in the plan. Methods of one class have one object there. The caller's, or NULL
 * without memory. */
char *mix_statement(const struct unit *unit, const struct mix *mix, unsigned i);

/* Returns its calls as text, each with the expression that makes its object. The caller's, or NULL without memory. */
char *mix_describe(const struct unit *unit, const struct mix *mix);
