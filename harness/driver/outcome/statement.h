/* The statements of a run's plan, as its children report them. Driver. Strings are owned. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/wire/board.h"
#include "core/plan/plan.h"
#include "core/wire/record.h"

struct outcome;

struct statement {
    int number;    /* on the board of the child that reported it; -1: left out there */
    unsigned role; /* index of its body */
    char *source;
    char *objects; /* names of the shared objects that it uses, separated by commas */
    char *modules; /* top-level modules of the names it uses, separated by commas */
    char *call;    /* as it is written, "np.repeat"; "": not certain */
    char *owner;   /* top-level module of the call; "": the setup, the interpreter, or not certain */
    char *package; /* "numpy 2.2.2": distribution of the owner, else of the first compiled module; or NULL */
    bool plain;    /* it uses the interpreter and its library only */
};

struct statement_list {
    struct statement *items;
    size_t n;
};

/* Adds a RECORD_STATEMENT. Returns 0 or -ENOMEM. */
int statement_add(struct statement_list *list, const struct record *record);
void statement_list_clear(struct statement_list *list);

/* Adds the statements of one child: each source once for each role, with its package. Returns 0 or -ENOMEM. */
int statement_learn(struct statement_list *list, const struct outcome *outcome);

/* The first with this source, or NULL. */
const struct statement *statement_find(const struct statement_list *list, const char *source);

/* The worker's statement at this step, in the list of one child; or NULL. */
const struct statement *statement_at(const struct statement_list *list, unsigned worker, unsigned step);

/* Returns the function of a package that a statement of the list calls: "numpy.repeat" of `len(np.repeat(x, 2))` with
 * `import numpy as np` in the setup. For a text that is not in the list, its only function. The caller's; NULL when
 * there is no call, or when it is not certain which call is the package's. */
char *statement_callable(const struct statement_list *list, const char *statement, const char *setup);

/* Does the plan leave it out? */
bool statement_is_left_out(const struct plan *plan, const char *source);

/* The board's counters of statements in flight together, added over all children of a run, by the list's indices. */
struct statement_overlap {
    uint64_t looks[BOARD_STATEMENTS];
    uint64_t pairs[BOARD_STATEMENTS][BOARD_STATEMENTS];
};

/* Adds the counters of one child. Statements without a number are left out. */
void statement_count(const struct statement_list *list, const struct outcome *outcome,
                     struct statement_overlap *overlap);
