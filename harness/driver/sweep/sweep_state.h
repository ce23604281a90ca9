/* The results of a sweep on disk: a file for the task and one for each unit, from which its next pass goes on, also
 * that of a later sweep where one was killed. */
#pragma once

#include "driver/sweep/sweep.h"

/* Makes the folder, and removes the results of another task. Returns 0 or -errno; -EBUSY: another
 * sweep uses the folder. */
int sweep_state_open(struct sweep *sweep, const json_t *task);
int sweep_state_write(const struct sweep *sweep, unsigned unit, const json_t *result);
/* A new reference, or NULL. */
json_t *sweep_state_read(const struct sweep *sweep, unsigned unit);

/* Removes the folder: the sweep is complete. */
void sweep_state_remove(const struct sweep *sweep);
