/* Measures how often a plan fails, and when in a child. Driver, one thread. */
#pragma once

#include "driver/minimize/rate.h"
#include "driver/minimize/tester.h"

/* Times of failures that are kept: the children that run at the end may show more failures than are wanted. */
#define MEASURED_TIMES 32

/* What the children of a plan showed. */
struct measured {
    struct rate rate;
    unsigned dated;               /* failures of which it is known when they came */
    double times[MEASURED_TIMES]; /* s after the start, of these; sorted */
    double start;                 /* s from a child's start until its threads run */
    double idle;                  /* s of the children that did not fail so */
};

/* Runs the plan until it has failed often enough to know its rate, or until the deadline (clock_now()). Shortens it
 * after the first failure, if that came early, and measures the shorter one: a rare failure needs many children. */
void measure_plan(struct tester *tester, struct plan *plan, const struct likeness *like, uint64_t deadline,
                  struct measured *ret);

/* Shortens the plan to the time that gives the most failures a second: the early ones would have come in the same
 * children. Detectors that count need all of the time. Returns the failures a second of the plan as it is then. */
double measure_shorten(const struct measured *measured, struct plan *plan);
