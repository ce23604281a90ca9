#include "driver/minimize/rate.h"

#include <math.h>

#define TAIL 0.025
#define STEPS 60

double rate_per_second(const struct rate *rate)
{
    return rate->seconds > 0 ? rate->hit / rate->seconds : 0;
}

/* The chance of at most k events where `mean` are expected. */
static double chance_at_most(unsigned k, double mean)
{
    double sum = 0;
    for (unsigned i = 0; i <= k; i++)
        sum += exp(i * log(mean) - mean - lgamma(i + 1.0));
    return sum;
}

/* Returns the expected number with which at most k events have this chance: it falls with the number. */
static double mean_of(unsigned k, double chance)
{
    double low = 1e-9, high = 2.0 * k + 20;
    for (unsigned i = 0; i < STEPS; i++) {
        double middle = (low + high) / 2;
        if (chance_at_most(k, middle) > chance)
            low = middle;
        else
            high = middle;
    }
    return low;
}

void rate_interval(const struct rate *rate, double *ret_low, double *ret_high)
{
    double seconds = rate->seconds > 0 ? rate->seconds : 1e-9;
    *ret_low = rate->hit ? mean_of(rate->hit - 1, 1 - TAIL) / seconds : 0;
    *ret_high = mean_of(rate->hit, TAIL) / seconds;
}
