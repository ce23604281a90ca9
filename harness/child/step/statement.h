/* One function for each statement of a plan, so that a native stack shows which statement ran: ThreadSanitizer restores
 * the stack of an earlier access from the functions that its thread entered and left, and Valgrind keeps the stack of
 * each allocation.
 */
#pragma once

#include "child/step/step.h"
#include "core/wire/counted.h"

#define STATEMENTS_MAX (STATEMENT_NEW + 1) /* of all bodies of a plan together, and of its `new` */

/* Calls step_run in the function statement_NUMBER. */
PyObject *statement_run(unsigned number, struct bound_step *bound, PyObject *names);
