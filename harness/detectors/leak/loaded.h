/* What code loads by name: builtins, and what its attributes name in modules.
 *
 * Contract. Child main, attached. Looks names up in dicts alone, so that no code of the target runs. An attribute may
 * belong to every module that the code loads: `np.add(x)` loads numpy.add, and `np.sort(s.add)` is taken to do so, too.
 */
#pragma once

#include <Python.h>

/* Calls visit for each such object, also of functions of `names` that the code loads; not for the objects of `names`
 * itself. An object may come twice. codes: a list of code objects. */
void loaded_visit(PyObject *codes, PyObject *names, void (*visit)(PyObject *object, const char *name));
