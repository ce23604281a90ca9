/* The state of `minimize` on disk, for minimize.c alone. */
#pragma once

#include "driver/minimize/minimize.h"

/* Writes the state, and then the plan. Returns 0 or -errno. */
int minimize_write(const struct minimize *minimize, const struct plan *plan);

/* Takes over the state of an earlier run and writes its plan again, which is loaded into *plan. Returns 1; 0 where
 * there is none; or -errno with a sentence in `error`. */
int minimize_read(struct minimize *minimize, struct plan *plan, char *error, size_t error_size);

/* The path of a file of the state. The caller's; NULL without memory. */
char *minimize_path(const struct minimize *minimize, const char *name);
