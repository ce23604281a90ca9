/* Shared by the files of verification alone. */
#pragma once

#include "driver/judge/judge.h"
#include "driver/session/verify.h"

/* One bug and its trials. */
struct verify {
    const struct run *run;
    const struct plan *plan; /* of this case */
    struct job_settings settings;
    uint64_t deadline;
    uint32_t detect;
    uint32_t detect_all;        /* where children with `detect` show nothing */
    struct judge_filter filter; /* failures of this bug */
    struct trials seen;         /* children of the run that saw it */
    bool over;                  /* for all bugs: interrupted, or a child could not be started */
    struct verification *found;
};

/* verify_variant.c: runs the trials of one bug with the detectors `detect`, or with all of them where it shows only so;
 * fills `found`. */
void verify_variants(struct verify *verify);
