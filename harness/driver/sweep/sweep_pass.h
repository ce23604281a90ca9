/* The passes of a sweep over its units. */
#pragma once

#include "driver/sweep/sweep_unit.h"

/* The name of a pass in the JSON report, such as "first". */
const char *sweep_pass_name(enum sweep_pass pass);

/* Draws the order of the units in each pass from the seed. Returns 0 or -ENOMEM. */
int sweep_draw_order(struct sweep *sweep);

/* A worker: takes turns, which are a pass of a unit, until none is left. Returns 0 or -errno. */
int sweep_work(struct sweep *sweep);

/* sweep_turn.c: adds to the document of a unit the key "passes", with the number of callables that had a turn in each
 * pass, and to its rows "not_reached". */
void unit_add_turns(const struct unit *unit, json_t *result);
/* sweep_turn.c: adds up the numbers of a pass. */
void sweep_add_turn(json_t *passes, const char *name, unsigned callables, unsigned reached);
