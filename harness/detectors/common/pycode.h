/* The harness's own Python files in the child. The build compiles them, because a child has no time to: PYCODE(parser,
 * PATH) embeds PATH.py and PATH.pyc as the code `parser`.
 *
 * Contract. Attached, on any thread.
 */
#pragma once

#include <Python.h>

#include "base/embed.h"

struct pycode {
    const char *source;
    const char *compiled, *end; /* of a .pyc file */
};

/* NOLINTBEGIN(bugprone-macro-parentheses): a name that is defined */
#define PYCODE(name, path)                                                                                   \
    EMBED(name##_source, path ".py");                                                                        \
    EMBED(name##_compiled, path ".pyc");                                                                     \
    static const struct pycode name = {name##_source, name##_compiled, name##_compiled_end}
/* NOLINTEND(bugprone-macro-parentheses) */

/* Runs the code in new names. Returns a new reference to them, or NULL with an exception. */
PyObject *pycode_run(const struct pycode *code);
