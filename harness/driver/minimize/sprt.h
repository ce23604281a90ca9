/* Sequential probability ratio test: does a candidate fail as often in a second as the plan did, or clearly more
 * rarely? Failures come as a Poisson process. Plain data. */
#pragma once

#include <stdbool.h>

enum sprt_verdict { SPRT_OPEN, SPRT_SAME, SPRT_RARER };

struct sprt {
    double rate;  /* failures in a second of the plan */
    double error; /* the chance of a wrong verdict */
    double ratio; /* log of the likelihood ratio of a rarer failure to one as frequent */
    unsigned hits;
    double seconds;
};

void sprt_begin(struct sprt *sprt, double rate, double error);

/* Adds a child that failed or not after these seconds. SPRT_SAME is wrong for a failure of a quarter of the rate with
 * the chance `error` at most, and so is SPRT_RARER for one of the whole rate. */
enum sprt_verdict sprt_add(struct sprt *sprt, bool hit, double seconds);

/* Returns the seconds without a failure after which the verdict is SPRT_RARER. */
double sprt_seconds_left(const struct sprt *sprt);
