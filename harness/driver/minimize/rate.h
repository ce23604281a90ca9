/* How often a plan fails: failures, and the seconds of the children that were run for them. Plain data. */
#pragma once

struct rate {
    unsigned hit, of; /* children that failed, out of those that came to an end */
    double seconds;   /* of all of them, with their starts */
};

/* Returns failures in a second of one child. */
double rate_per_second(const struct rate *rate);

/* Computes the exact interval of a Poisson rate at 95 %, in failures a second. */
void rate_interval(const struct rate *rate, double *ret_low, double *ret_high);
