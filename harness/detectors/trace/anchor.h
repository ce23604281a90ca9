/* Anchors: how candidates in the heap are reached from the shared objects of the statements, or from the data of target
 * files, by at most three pointers. When the setup makes its objects again, the same words of the new objects are
 * candidates before the first call uses them: so a cache that the first call fills is watched while it is filled.
 *
 * Contract. One thread at a time, attached, while no other thread runs the target's code. Reads memory through the
 * kernel, so that a wrong pointer does no harm. A path may lead to another word than meant, since sizes of blocks are
 * guessed: such a candidate is touched by no thread and sinks.
 */
#pragma once

#include <Python.h>

#include <stdbool.h>

#include "detectors/watch/candidates.h"

/* Follows the pointers from the objects of these names (a dict) and from the data of target files. */
void anchor_explore(PyObject *names);

/* Stores the path to a candidate. Returns false if there is none. After anchor_explore. */
bool anchor_learn(const struct candidate *candidate);

/* Adds the candidates that the stored paths lead to from the objects of these names. Returns how many. */
unsigned anchor_resolve(PyObject *names);

/* Forgets all paths. */
void anchor_clear(void);
