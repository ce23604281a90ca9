/* Between which releases of a package a finding comes or goes. Driver, one thread. */
#pragma once

#include "driver/bisect/versions.h"
#include "driver/session/repeat.h"

/* A version that was tried. */
struct bisect_try {
    const char *version; /* of the list */
    unsigned hit, of;
    char why[256]; /* why it could not be tried, or "" */
};

struct bisect {
    /* Set by the caller. */
    const struct request *request;
    const struct mode_run *mode; /* of the finding's interpreter */
    struct job_settings settings;
    const struct plan *plan;
    const json_t *finding;
    const char *package, *state; /* state: a file that keeps what was tried */
    const struct version_list *versions;
    size_t from, to; /* positions in the list */
    uint64_t deadline;
    /* The results, by position. */
    struct bisect_try *tries;
    size_t before, after; /* positions of the two sides, where `found` */
    bool found, interrupted;
    int error; /* of writing the state, or 0 */
};

/* Returns 0, or -errno with *error; -ETIME: the time is over, or it was interrupted. */
int bisect_run(struct bisect *bisect, struct sentence *error);

/* Says "fails in 9 of 9", "0 of 34; below 8.5 % at 95 %", or why it could not be tried. */
void bisect_say(const struct bisect_try *each, char *text, size_t size);

/* Returns what bisections of a finding tried, from the states in its folder: [{"package", "version", "says"}, …]. A new
 * array. */
json_t *bisect_list_tried(const char *dir);
void bisect_clear(struct bisect *bisect);
