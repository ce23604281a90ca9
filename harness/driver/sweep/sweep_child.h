/* Children of a sweep, each in a private temporary folder. */
#pragma once

#include "core/plan/plan.h"
#include "driver/outcome/outcome.h"
#include "driver/sweep/sweep.h"

/* Settings for children of a sweep: they start in its folder, with TMPDIR there and a limit on the size of files. */
struct job_settings sweep_child_settings(const struct sweep *sweep);

/* Fills a plan of one thread with Python code as its setup. */
int sweep_child_plan(const struct sweep *sweep, const char *setup, struct plan *plan);

/* Writes the task for the code, empties the folder before, and runs the plan. Returns 0 or -errno. */
int sweep_child_run(struct sweep *sweep, const struct plan *plan, const json_t *task,
                    struct outcome *outcome);

/* Reads a file of the folder. *ret_text: the caller's. Returns 0 or -errno. */
int sweep_child_read(const struct sweep *sweep, const char *name, char **ret_text, size_t *ret_size);

/* Makes the folder, and removes it. */
int sweep_child_open(struct sweep *sweep);
void sweep_child_close(struct sweep *sweep);
