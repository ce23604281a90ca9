/* A kept finding that is to run again: its document, its plan, and the mode and interpreter that it was found in.
 * Driver, one thread. */
#pragma once

#include <jansson.h>

#include "driver/command/target.h"
#include "driver/mode/mode.h"

struct kept {
    json_t *finding;
    char *dir;                  /* its folder */
    struct request asked;       /* the request, in the finding's interpreter */
    struct target_list targets; /* one plan */
    struct mode_run mode;
};

/* Is it a kept finding with an interpreter that is still there? */
bool kept_can_run(const struct request *request);

/* Returns the minimized plan of the finding in *scratch, or without one its plan. The caller clears *scratch. */
const struct plan *kept_smallest(const struct kept *kept, struct plan *scratch);

/* Opens the finding that the request names, holds signals, and calls `act`. --time is not that of the plan, which has
 * the time of one child. Returns what `act` returns, or an exit status after an error message. */
int kept_run(const struct request *request, int (*act)(struct kept *kept, const struct request *request));

/* command_gdb.c: runs the finding in gdb, in place of this program. Returns an exit status where that fails. */
int command_gdb(const struct kept *kept, const struct request *request);
