/* The table of outcomes: what the roles gave, how often, and whether some order of the statements gives it. Child main,
 * attached. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "child/outcome/roles.h"

#define OUTCOME_PARTS (ROLES_MAX + 1) /* the results of each role, and the state */
#define OUTCOME_STATE ROLES_MAX
#define OUTCOME_RESULT_TEXT 120
#define OUTCOME_STATE_TEXT 400

struct outcome_row {
    uint64_t key;
    uint64_t count;
    bool serial;    /* an order gives it */
    bool reported;  /* a finding is sent */
    bool failed;    /* the user's check is false */
    char order[64]; /* the first order that gives it: "1 2" */
    char texts[OUTCOME_PARTS][OUTCOME_STATE_TEXT];
};

struct outcome_table {
    struct outcome_row *rows;
    size_t n;
    uint64_t others; /* outcomes that the table had no room for */
};

/* Finds the row, or adds one without texts. Returns NULL where there is no room. *ret_new: it has no texts yet. */
struct outcome_row *outcome_table_get(struct outcome_table *table, uint64_t key, bool *ret_new);
void outcome_table_clear(struct outcome_table *table);

/* Sends every row. */
void outcome_table_send(const struct outcome_table *table, unsigned nroles, int wire);
