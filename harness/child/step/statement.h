/* One function for each statement of a plan, so that a native stack shows which one was running.
 *
 * ThreadSanitizer restores the stack of an access that is long over from what its thread entered and left: functions
 * are all that it knows of the past. Valgrind keeps with each block who asked for it.
 */
#pragma once

#include "child/step/step.h"
#include "core/wire/counted.h"

#define STATEMENTS_MAX (STATEMENT_NEW + 1) /* of all bodies of a plan together, and what it calls new */

/* step_run, in the function statement_NUMBER. */
PyObject *statement_run(unsigned number, struct bound_step *bound, PyObject *names);
