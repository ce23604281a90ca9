/* What the files of verification share; nobody else's. */
#pragma once

#include "driver/session/verify.h"

/* One bug, and how it is run again. */
struct verify {
    const struct run *run;
    const struct plan *plan; /* of this case */
    struct job_settings settings;
    uint64_t deadline;
    uint32_t detect;
    bool over; /* for all bugs: the user said so, or a child could not be started */
    struct verification *found;
    const struct suppression_list *suppressions;
};

/* verify_arm.c: runs the arms of one bug: as it was, and with one thing changed at a time. `detect` sees it again;
 * `found` has what came of it. */
void verify_arms(struct verify *verify);
/* verify_arm.c: adds a line to the text, which is the caller's or NULL. */
void verify_add_line(char **text, const char *line);
