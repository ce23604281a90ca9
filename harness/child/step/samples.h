/* Which calls have their results compared with those of one thread: the numbers of the iterations, and the lanes, which
 * are the groups of workers that get the same results.
 *
 * Contract. Chosen by the child's main thread, attached, while no worker is inside a round; workers only read.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/plan/plan.h"
#include "child/step/step.h"
#include "detectors/common/detector.h"

#define SAMPLE_LANES 16
/* Most iterations of a lane that have references at once. */
#define SAMPLES_MAX 2048

struct samples {
    unsigned lanes; /* a role each; or a worker each where results may depend on the thread */
    bool by_thread; /* the latter */
    uint64_t
        period; /* results repeat after this number of iterations; 0: they do not, and some are compared */
    unsigned n; /* iterations that are compared */
    uint64_t first; /* without a period: one iteration of each 2^shift, from this one on */
    unsigned shift;
    uint64_t numbers[SAMPLES_MAX];
};

/* Finds lanes and period. names: of the base space. */
void samples_init(struct samples *samples, const struct plan *plan, const struct program *program,
                  PyObject *names);

/* Without a period: chooses at most n of the iterations from first to first + span, the earliest ones among them. */
void samples_choose(struct samples *samples, uint64_t first, uint64_t span, unsigned n, uint64_t seed);

/* The lane of a worker, or DETECTOR_NO_SAMPLE. */
unsigned samples_lane(const struct samples *samples, unsigned worker, unsigned roles);

/* The position of an iteration among the samples, or DETECTOR_NO_SAMPLE. */
static inline unsigned samples_find(const struct samples *samples, uint64_t iteration)
{
    uint64_t at = 0;
    if (samples->period)
        at = samples->period == 1 ? 0 : iteration % samples->period;
    else
        at = (iteration - samples->first) >> samples->shift;
    bool is_one = at < samples->n && (samples->period || samples->numbers[at] == iteration);
    return is_one ? (unsigned)at : DETECTOR_NO_SAMPLE;
}

/* The iteration at this position. */
static inline uint64_t samples_iteration(const struct samples *samples, unsigned at)
{
    return samples->period ? at : samples->numbers[at];
}
