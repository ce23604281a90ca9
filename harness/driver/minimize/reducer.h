/* Smaller variants of a plan: reduce.py makes them with Python's own parser, in the interpreter under test. Driver, one
 * thread. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "core/plan/plan.h"
#include "driver/mode/mode.h"

/* What reduce.py makes smaller, in this order. */
extern const char *const reducer_axes[];
extern const size_t reducer_axis_count;

/* What the finding needs: its detector, and the statement that it is in, or "". Borrowed. */
struct reducer_hint {
    const char *detector, *statement;
    json_t *causes;  /* statements of the findings that explain it: an array; or NULL */
    json_t *chances; /* that each part of the plan is needed, as reduce.py wrote them; or NULL */
};

/* The keys of a plan that Python programs of the driver read. A new reference, or NULL. */
json_t *reducer_describe(const struct plan *plan, const struct reducer_hint *hint);

/* Returns the variants of a plan along axes, which commas separate, the most promising first: an array of objects with
 * the keys of a plan; and axis, `what` (the change in a few words), statement, chances. A new reference; NULL with
 * *error. */
json_t *reducer_list(const struct mode_run *mode, const char *axes, const struct plan *plan,
                     const struct reducer_hint *hint, struct sentence *error);

/* Returns the text by which a variant is known again, the caller's, or NULL without memory: a statement that is needed
 * stays so under other settings, times and threads. */
char *reducer_key(const json_t *variant);

/* Loads the plan that lies at `path` and applies a variant. `scratch` is a file to write. *ret is the caller's, also on
 * failure. Returns 0, or -errno with a sentence in `error`. */
int reducer_apply(const char *path, const json_t *variant, const char *scratch, struct plan *ret, char *error,
                  size_t error_size);
