/* A run of a given length: equal calls, then new ones, and no other work that depends on their number. The driver
 * compares the memory that Valgrind reports at the end of runs of several lengths. */
#include "base/clock.h"
#include "child/run/round.h"
#include "core/wire/counted.h"
#include "core/wire/status.h"
#include "detectors/leak/mapped.h"

/* Part of the plan's time for equal and for new calls; the driver makes more runs, two and three times as long. */
#define PARTS 12
/* Enough to compare, and the losses of all calls still fit into memory. */
#define ITERATIONS_MAX 1000

/* One round makes all iterations. */
static int lead_round(struct run *run, struct worker *workers)
{
    const struct plan *plan = run->plan;
    bool fresh = run->fresh && run->program == run->fresh;
    (void)workers;
    run->round_calls = fresh ? run->lengths->fresh : run->lengths->calls;
    run->deadline = 0;
    if (run->round_calls == 0) {
        run->round_calls =
            plan->iterations && plan->iterations < ITERATIONS_MAX ? plan->iterations : ITERATIONS_MAX;
        run->deadline = plan->time ? clock_now() + plan->time / PARTS : 0;
    }
    run_round(run);
    run->first_iteration += run->round_calls;
    return atomic_load(&run->failed) ? STATUS_UNTESTED : STATUS_CLEAN;
}

static int count_arm(struct run *run, enum counted_arm arm)
{
    uint64_t before = run_calls_made(run);
    int64_t code = mapped_code(false);
    int status = run_arm(run, arm, lead_round);
    run_send_calls(run, arm, (int64_t[]){0, (int64_t)(run_calls_made(run) - before)}, 2);
    RECORD_SEND(run->wire, RECORD_SERIES,
                .values = {[SERIES_ARM] = arm,
                           [SERIES_OF] = SERIES_CODE_BYTES,
                           [SERIES_NPOINTS] = 2,
                           [SERIES_POINTS + 1] = mapped_code(false) - code});
    return status;
}

int run_lengths(struct run *run)
{
    run->poll_every = 1;
    run->sample_every = 1;
    int status = count_arm(run, COUNTED_CALLS);
    if (!status && run->fresh)
        status = run_try_fresh(run);
    run->first_iteration++;
    if (!status && run->fresh)
        status = count_arm(run, COUNTED_NEW);
    return !status && !run_release(run) ? STATUS_UNTESTED : status;
}
