#include "driver/minimize/sprt.h"

#include <math.h>

/* A failure of this share of the rate is a rarer one. */
#define RARER (1.0 / 4)
/* The chance of a wrong verdict. */
#define ERROR 0.1
/* One failure may be chance. */
#define HITS_LEAST 2

void sprt_begin(struct sprt *sprt, double rate)
{
    *sprt = (struct sprt){.rate = rate};
}

static double bound_of_ratio(void)
{
    return log((1 - ERROR) / ERROR);
}

double sprt_seconds_left(const struct sprt *sprt)
{
    return (bound_of_ratio() - sprt->ratio) / ((1 - RARER) * sprt->rate);
}

enum sprt_verdict sprt_add(struct sprt *sprt, bool hit, double seconds)
{
    const double bound = bound_of_ratio();
    sprt->hits += hit;
    sprt->seconds += seconds;
    sprt->ratio += (hit ? log(RARER) : 0) + (1 - RARER) * sprt->rate * seconds;
    if (sprt->ratio >= bound)
        return SPRT_RARER;
    return sprt->ratio <= -bound && sprt->hits >= HITS_LEAST ? SPRT_SAME : SPRT_OPEN;
}
