/* The statements of a run's plan, as its children tell them apart. Driver. Owned strings. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/wire/board.h"
#include "core/plan/plan.h"
#include "core/wire/record.h"

struct outcome;

struct statement {
    int number;    /* on the board of the child that told; -1: left out there */
    unsigned role; /* index of its body */
    char *source;
    char *objects; /* names of the shared objects that it uses, separated by commas */
    char *modules; /* top-level modules that what it uses comes from, separated by commas */
    char *package; /* of the first of these that is a package's, "numpy 2.2.2"; or NULL */
    bool plain;    /* nothing but the interpreter and its library can be at fault */
};

struct statement_list {
    struct statement *items;
    size_t n;
};

/* From a RECORD_STATEMENT. Returns 0 or -ENOMEM. */
int statement_add(struct statement_list *list, const struct record *record);
void statement_list_clear(struct statement_list *list);

/* What the children of a run told: each source once for each role, with its package. Returns 0 or -ENOMEM. */
int statement_learn(struct statement_list *list, const struct outcome *outcome);

/* The first with this source, or NULL. */
const struct statement *statement_find(const struct statement_list *list, const char *source);

/* Of what one child told: the worker's statement at this step, or NULL. */
const struct statement *statement_at(const struct statement_list *list, unsigned worker, unsigned step);

/* Does the plan leave it out? */
bool statement_is_left_out(const struct plan *plan, const char *source);

/* Who was in flight with whom over all children of a run: the board's counters by the list's indices. */
struct statement_overlap {
    uint64_t looks[BOARD_STATEMENTS];
    uint64_t pairs[BOARD_STATEMENTS][BOARD_STATEMENTS];
};

/* Adds what one child counted; what it does not number is passed over. */
void statement_count(const struct statement_list *list, const struct outcome *outcome,
                     struct statement_overlap *overlap);
