/* One function for each statement of a plan, so that a native stack shows which statement ran: ThreadSanitizer restores
 * the stack of an earlier access from the functions that its thread entered and left, and Valgrind keeps the stack of
 * each allocation.
 */
#pragma once

#include "child/step/step.h"
#include "core/wire/counted.h"

#define STATEMENTS_MAX (STATEMENT_NEW + 1) /* of all bodies of a plan together, and of its `new` */

typedef PyObject *statement_function(struct bound_step *bound, PyObject *names);

/* statement_0, statement_1 and so on: each calls step_run. */
extern statement_function *const statement_functions[STATEMENTS_MAX];
