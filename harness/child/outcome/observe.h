/* Observes the outcome of one set: the results of the roles, and the state of the shared objects. Child main, attached,
 * while all roles wait. */
#pragma once

#include <Python.h>

#include "child/outcome/table.h"

struct observer {
    PyObject *state, *check;      /* code of --state and --check, or NULL */
    PyObject *shared;             /* list of the names of shared objects */
    bool left_out[OUTCOME_PARTS]; /* not compared, because: */
    char why[OUTCOME_PARTS][256];
};

/* Fills the hashes of the parts that are compared. The first look at an opaque state sets why[OUTCOME_STATE]. */
void observe_parts(struct observer *observer, unsigned set, uint64_t parts[static OUTCOME_PARTS]);

/* A hash of the shared names that are arrays. */
uint64_t observe_arrays(const struct observer *observer, unsigned set);

/* Combines the parts to the key of a row. */
uint64_t observe_key(const uint64_t parts[static OUTCOME_PARTS]);

/* Writes the texts of the row. */
void observe_print(const struct observer *observer, unsigned set, struct outcome_row *row);

/* Is the user's check true, or is there none? On false `why` says what it gives. */
bool observe_check(const struct observer *observer, unsigned set, char *why, size_t size);
