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

/* Opens the finding that the request names, and holds signals. --time is not that of the plan, which has the time of
 * one child. Returns 0, or an exit status after an error message; the caller closes it in any case. */
int kept_open(struct kept *kept, const struct request *request);
void kept_close(struct kept *kept);
