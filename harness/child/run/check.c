/* The end of a round: checks, and calls on one thread where a worker got another result than one thread, or an
 * exception. See round.h for the contract. */
#include "child/run/round.h"

#include "base/clock.h"
#include "child/crash/crash.h"
#include "child/run/pass.h"
#include "detectors/result/diverge.h"
#include "detectors/result/exception.h"
#include "detectors/table/detectors.h"

/* Most time for the calls of a round on one thread. */
#define REPLAY_TIME (3 * CLOCK_SECOND)
/* Other lanes that make calls before those of an uncertain result. */
#define OTHERS_MAX 3

static void make_again(struct run *run, unsigned lane, unsigned index, uint64_t iteration)
{
    /* With others before and between: a cache may still hold a wrong value, and an iteration must not depend on the one
     * before. */
    const uint64_t last = iteration ? iteration - 1 : 2,
                   numbers[] = {iteration + 1, last, iteration, iteration + 1, iteration, last, iteration};
    struct pass pass = {.run = run,
                        .lane = lane,
                        .index = index,
                        .take = diverge_recall,
                        .stirs = true,
                        .again = true,
                        .calls = PASS_CALLS,
                        .time = PASS_TIME};
    if (run->indexed) {
        pass.fresh = true;
        pass.numbers = numbers;
        pass.calls = pass.n = sizeof numbers / sizeof *numbers;
        pass.time = REPLAY_TIME;
    }
    pass_run(&pass);
}

/* What the other lanes leave behind must not decide the result. */
static void make_others(struct run *run, unsigned lane)
{
    for (unsigned i = 1; run->samples.by_thread && i < run->samples.lanes && i <= OTHERS_MAX; i++)
        make_again(run, (lane + i) % run->samples.lanes, (lane + i) % run->samples.lanes, 0);
}

static void recall_results(struct run *run)
{
    struct diverge_uncertain uncertain;
    for (unsigned at = 0; diverge_next_uncertain(&at, &uncertain);) {
        make_others(run, uncertain.lane);
        make_again(run, uncertain.lane, uncertain.lane, samples_iteration(&run->samples, uncertain.sample));
    }
}

/* The lane decides the role alone where no reference is asked for. */
static void recall_exceptions(struct run *run)
{
    uint16_t worker;
    uint64_t iteration;
    for (unsigned at = 0; exception_next_held(&at, &worker, &iteration);)
        make_again(run, worker, worker, iteration);
}

/* Makes as many calls as the workers did, on fresh objects: an object may fill up unseen. */
static bool recall_all(struct run *run, unsigned lane, uint64_t calls)
{
    struct pass pass = {.run = run,
                        .lane = lane,
                        .index = lane,
                        .take = diverge_recall,
                        .stirs = true,
                        .again = true,
                        .fresh = true,
                        .calls = calls,
                        .time = REPLAY_TIME};
    if (run->indexed) {
        uint64_t made = atomic_load(&run->reached) - run->base_iteration + 1;
        pass.first = run->base_iteration;
        pass.n = made;
        if (run->samples.by_thread) {
            pass.calls = made;
            pass.time = REPLAY_TIME / run->samples.lanes * 2;
        }
    }
    pass_run(&pass);
    return pass.made == pass.calls;
}

static void recall_on_fresh(struct run *run)
{
    const struct program *program = run->program;
    const struct body *last = &program->bodies[program->nbodies - 1];
    uint64_t calls = (run_calls_made(run) - run->base_calls) / (last->first + last->nsteps) + PASS_LEAST;
    uint64_t first = run->base_iteration;
    bool complete = run_make_base(run, run->maker->tripwire) && !run->setup_once;
    run->base_iteration = first;
    if (calls / 2 <= run->replayed)
        calls = PASS_CALLS;
    for (unsigned lane = 0; complete && lane < run->samples.lanes; lane++)
        complete = recall_all(run, lane, calls);
    if (complete && run->indexed) {
        recall_results(run);
        recall_exceptions(run);
    }
    if (!complete) {
        run->mutable = true;
        space_loosen(run->maker, &run->base);
    }
    run->replayed = calls > run->replayed ? calls : run->replayed;
}

/* What a damaged input does to the calls is no exception of theirs. */
static void recall_on_present(struct run *run, bool damaged)
{
    if (damaged && run->indexed && !run->setup_once && !run_make_base(run, run->maker->tripwire))
        return;
    recall_results(run);
    if (run->indexed)
        recall_exceptions(run);
}

/* Before the inputs are made again. */
static void settle(struct run *run, struct detector_call *call)
{
    struct diverge_uncertain uncertain;
    unsigned at = 0, held = 0;
    uint16_t worker;
    uint64_t iteration;
    if (!run->program)
        return;
    bool damaged = atomic_load(&run->damaged), fresh = run->opaque || run->lazy;
    if (damaged)
        diverge_forget();
    bool any = diverge_next_uncertain(&at, &uncertain);
    if (!run->mutable && (any || exception_next_held(&held, &worker, &iteration))) {
        if (fresh)
            recall_on_fresh(run);
        else
            recall_on_present(run, damaged);
    }
    if (fresh && run->mutable)
        diverge_forget();
    exception_settle(call, run->mutable);
    if (any)
        diverge_settle(call);
}

void run_check_round(struct run *run)
{
    struct detector_call call = run_main_call(run);
    if (run->plan->share != RUNG_PRIVATE) { /* there the workers do not use the base's arrays */
        call.watched = run->base.watched;
        call.nwatched = run->base.nwatched;
    }
    crash_restore();
    space_check(&run->base);
    detectors_end_round(&call);
    settle(run, &call);
    atomic_fetch_add(&run->board->rounds, 1);
}
