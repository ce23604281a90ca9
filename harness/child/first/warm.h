/* The modules that the zygote imports before it forks: a process then starts with them. Those of the target are left to
 * the process, where that is quick.
 *
 * Contract. Child main, attached, one thread.
 */
#pragma once

#include <Python.h>

#include <stdbool.h>
#include <stddef.h>

#include "child/run/run.h"

/* Names of modules, a line each, in the order of their import, after '1' for a module of the target and '0' for
 * others. */
struct warm_list {
    size_t size;
    char names[256 << 10];
};

/* Returns a new reference to a copy of sys.modules; NULL without an exception on failure. */
PyObject *warm_modules(void);

/* Lists the modules that the setup has imported since `before` was copied. The target's packages are those of the
 * modules, functions and objects that the statements call; inputs from recipes are no target. */
void warm_list_fill(struct warm_list *list, const struct run *run, PyObject *before);

/* Imports those of the target, or the others. A module that cannot be imported by its name is left to the setup. */
void warm_import(const struct warm_list *list, bool target);
