#include "driver/minimize/sprt.h"

#include <math.h>

/* A failure of this share of the rate is a rarer one. */
#define RARER (1.0 / 4)
/* One failure may be chance. */
#define HITS_LEAST 2

void sprt_begin(struct sprt *sprt, double rate, double error)
{
    *sprt = (struct sprt){.rate = rate, .error = error};
}

static double bound_of_ratio(const struct sprt *sprt)
{
    return log((1 - sprt->error) / sprt->error);
}

double sprt_seconds_left(const struct sprt *sprt)
{
    return (bound_of_ratio(sprt) - sprt->ratio) / ((1 - RARER) * sprt->rate);
}

enum sprt_verdict sprt_add(struct sprt *sprt, bool hit, double seconds)
{
    const double bound = bound_of_ratio(sprt);
    sprt->hits += hit;
    sprt->seconds += seconds;
    sprt->ratio += (hit ? log(RARER) : 0) + (1 - RARER) * sprt->rate * seconds;
    if (sprt->ratio >= bound)
        return SPRT_RARER;
    return sprt->ratio <= -bound && sprt->hits >= HITS_LEAST ? SPRT_SAME : SPRT_OPEN;
}
