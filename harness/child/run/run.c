/* See run.h for the contract. */
#include "child/run/run.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/resident.h"
#include "child/crash/crash.h"
#include "child/python/interp.h"
#include "detectors/common/pyversion.h"
#include "child/run/round.h"
#include "core/plan/perturb.h"
#include "core/wire/record.h"
#include "core/wire/status.h"
#include "detectors/table/detectors.h"
#include "detectors/trace/tracing.h"
#include "detectors/memory/guard.h"
#include "detectors/watch/turn.h"
#include "heap/guard/checker.h"
#include "heap/point/point.h"
#include "heap/site/addresses.h"

#define MILLISECOND UINT64_C(1000000)
/* A worker's time in a round: long against the barrier, short against the run; shorter with more than 8 threads. */
#define ROUND_TIME (50 * MILLISECOND)
#define ROUND_TIME_CROWD (10 * MILLISECOND)
#define FIRST_ROUND_TIME (1 * MILLISECOND)
#define ROUND_CALLS_MAX (UINT64_C(1) << 22)
/* ns between two readings of the clock, which are also safe points for a stop-the-world collection; as many iterations
 * at most. */
#define POLL_TIME UINT64_C(40000)
#define POLL_MOST 128
#define SERIAL_OF_LENGTHS 2
/* Iterations after a new setup that count as first uses, and ns that a meeting of all threads takes. */
#define FIRST_USES 3
#define MEETING_TIME UINT64_C(50000)
/* Where threads stall, one of this number of rounds is long; the others are for the first uses of new objects. */
#define STALL_ROUNDS 8
/* Threads that stall are slower than one alone, up to this number of times; the rest is the machine's. */
#define PACE_MOST 64
/* Overlap is sampled once in SAMPLE_TIME ns, and at least once in SAMPLE_MOST calls: a sample costs more than a cheap
 * call, and next to nothing beside a slow one. */
#define SAMPLE_TIME UINT64_C(50000)
#define SAMPLE_MOST 64

/* The hint has part of the time of its child. */
#define HINT_SHARE 3
#define HINT_MAX (3 * CLOCK_SECOND)
/* Resident memory that an ordinary child gains before its hint is due: with more objects its collections take longer
 * than the hint may. */
#define HINT_GROWN (UINT64_C(8) << 20)

bool run_check_gil(struct run *run, const char *when)
{
    char text[256];
    if (run->allow_gil || !pyversion_gil_is_on())
        return true;
    snprintf(
        text, sizeof text,
        "the GIL is on %s, so no two threads would run Python code together; leave out the module that turns it "
        "on, use a version that declares free threading, or set PYTHON_GIL=0",
        when);
    RECORD_SEND(run->wire, RECORD_CANNOT,
                .values = {[CANNOT_STATUS] = STATUS_UNTESTED, [CANNOT_REASON] = CANNOT_GIL}, .texts = {text});
    return false;
}

/* A run on one thread is all serial pass; otherwise each role gets a small part of the time. */
static struct serial_limits limits_of(const struct run *run, bool tripwire)
{
    const struct plan *plan = run->plan;
    if (run->lengths) /* the same in runs of all lengths */
        return (struct serial_limits){.iterations = SERIAL_OF_LENGTHS, .nanoseconds = UINT64_MAX / 2};
    bool alone = plan->threads == 1 && !(plan->detect & DETECTOR_COUNTERS);
    uint64_t time = plan->time ? plan->time - run->hint_time : UINT64_MAX / 2;
    struct serial_limits limits = {.iterations = alone ? UINT64_MAX : 200,
                                   .nanoseconds = alone ? time : time / 20};
    if (!alone && limits.nanoseconds > CLOCK_SECOND)
        limits.nanoseconds = CLOCK_SECOND;
    if (alone && tripwire && !plan->iterations) /* half without the tripwire, half with it */
        limits.nanoseconds /= 2;
    if (plan->nroles > 1)
        limits.nanoseconds /= plan->nroles;
    if (plan->iterations && plan->iterations < limits.iterations)
        limits.iterations = plan->iterations;
    return limits;
}

/* Does a statement make many different calls, and name the current one? */
static bool names_case(const struct run *run)
{
    return run->program && PyDict_GetItemString(run->base.names, "case") != NULL;
}

/* Threads stall at words of ordinary memory: there only the pass on one thread is behind the tripwire, if any array
 * is. */
static bool pass_behind_tripwire(struct run *run, const struct serial_limits *limits)
{
    bool stalls = run->plan->perturb & PERTURB_STALL;
    if (stalls && run->base.nwatched == 0)
        return true;
    return run_make_base(run, true) && run_serial(run, &run->base, limits) &&
           (!stalls || run->setup_once || run_make_base(run, false));
}

/* Runs the pass in ordinary memory first, to learn what statements change; then again with the arrays that are only
 * read behind the tripwire. Of a statement that makes many different calls, each one once, there is nothing to
 * learn. */
static bool serial_pass(struct run *run)
{
    bool tripwire = detectors_on(DETECTOR_TRIPWIRE);
    struct serial_limits limits = limits_of(run, tripwire);
    atomic_store(&run->board->phase, BOARD_SERIAL);
    if (names_case(run) && run->plan->threads == 1)
        return (!tripwire || run_make_base(run, true)) && run_serial(run, &run->base, &limits);
    if (!run_serial(run, &run->base, &limits) || !writer_learn(run))
        return false;
    lone_learn(run);
    if (!tripwire || run->native)
        return true;
    return pass_behind_tripwire(run, &limits);
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static void size_round(struct run *run, uint64_t round, uint64_t done)
{
    uint64_t time = run->plan->threads > 8 ? ROUND_TIME_CROWD : ROUND_TIME;
    uint64_t iteration = run->iteration_time > run->pace ? run->iteration_time : run->pace, least = 1;
    uint32_t perturb = run->setup_once ? run->plan->perturb & ~PERTURB_FRESH : run->plan->perturb;
    bool first_uses =
        perturb & PERTURB_FRESH || (perturb & PERTURB_STALL && run->renewed && round % STALL_ROUNDS);
    run->meetings = perturb & PERTURB_LOCKSTEP ? UINT64_MAX : first_uses ? FIRST_USES : 0;
    if (round < 6 && FIRST_ROUND_TIME << round < time)
        time = FIRST_ROUND_TIME << round;
    if (run->meetings > 0) {
        barrier_init(&run->lockstep, run->plan->threads);
        iteration += MEETING_TIME;
    }
    if (first_uses) {
        time = run->renewal;
        least = FIRST_USES;
    }
    run->round_calls = clamp(time / iteration, least, ROUND_CALLS_MAX);
    if (run->plan->iterations && run->plan->iterations - done < run->round_calls)
        run->round_calls = run->plan->iterations - done;
    /* The serial pass makes the first calls of the process, which are slower than the later ones. A call that waits is
     * as slow as ever. */
    uint64_t busy = atomic_exchange(&run->busy, 0);
    busy = busy ? clamp(busy, run->iteration_time / 4 + 1, run->iteration_time) : run->iteration_time;
    run->sample_every = (unsigned)clamp(SAMPLE_TIME / busy, 1, SAMPLE_MOST);
    run->poll_every = run->meetings > 0 ? 1 : (unsigned)clamp(POLL_TIME / busy, 1, POLL_MOST);
}

/* Runs the setup again while that takes at most a tenth of the time; half of it where the last round did damage, or
 * first uses are what the child is for. */
static bool prepare_round(struct run *run, uint64_t began, uint64_t *spent)
{
    bool harmed =
        atomic_load(&run->damaged) || atomic_load(&run->raised) > 0 || run->plan->perturb & PERTURB_FRESH;
    uint64_t now = clock_now(), share = (now - began) / (harmed ? 2 : 10);
    atomic_store(&run->damaged, false);
    run->renewed = false;
    if (run->setup_once || *spent > share) {
        for (unsigned i = 0; i < run->base.nwatched; i++)
            watched_restore(&run->base.watched[i], false);
        return true;
    }
    bool made = run_make_base(run, run->maker->tripwire);
    run->renewal = clock_now() - now;
    run->renewed = made && !run->setup_once;
    *spent += run->renewal;
    return made;
}

/* Where memory grows, the hint is due at once. Objects that CPython 3.13t would make immortal are no leak. */
static bool is_hint_due(const struct run *run, uint64_t resident)
{
    return run->hint_time && !run->hinted && !atomic_load(&run->over) && !atomic_load(&run->findings) &&
           resident && resident_bytes(0) > resident + HINT_GROWN && pyversion_keep_mortal();
}

/* Two workers of each role step. */
static void begin_tracing(struct run *run)
{
    static uint32_t traced;
    unsigned wanted = 2 * (run->program ? run->program->nbodies : 1);
    const struct tracing_round round = {.threads = wanted < run->plan->threads ? wanted : run->plan->threads,
                                        .names = run->base.names,
                                        .fresh = run->generation != traced,
                                        .iterations = run->round_calls,
                                        .time = run->plan->time,
                                        .iteration = run->iteration_time};
    run->trace_at = tracing_begin_round(&round);
    if (round.fresh)
        turn_renew();
    traced = run->generation;
}

static int run_rounds(struct run *run, struct worker *workers)
{
    uint64_t resident = resident_bytes(0), began = clock_now(), spent = 0, done = 0;
    for (uint64_t round = 0;; round++) {
        lone_choose(run, clock_now() - began, false);
        if (!prepare_round(run, began, &spent))
            return STATUS_UNTESTED;
        uint64_t least = clock_now() + run->plan->time / 2;
        if (run->deadline && round == 0 && run->deadline < least)
            run->deadline = least; /* however long the setup took, also to run again */
        size_round(run, round, done);
        lone_choose(run, clock_now() - began, true);
        points_draw(run->plan->perturb, plan_perturb_seed(run->plan), round, run->plan->threads);
        begin_tracing(run);
        uint64_t start = clock_now();
        /* Where iterations are compared by their number, all workers make the same ones. */
        run->ends_together = !run->plan->iterations && run->meetings == 0 && !run->indexed;
        run_round(run);
        run->ends_together = false;
        if (run->stalls && run->meetings == 0)
            run->pace = clamp((clock_now() - start) / run->round_calls, 1, PACE_MOST * run->iteration_time);
        done += run->round_calls;
        run_check_round(run);
        if (atomic_load(&run->failed) ||
            !run_check_gil(run, "after a round: a statement imports what turns it on"))
            return STATUS_UNTESTED;
        if (is_hint_due(run, resident) && run_hint_early(run, workers))
            return STATUS_UNTESTED;
        if (record_lost() || (run->deadline && clock_now() >= run->deadline))
            atomic_store(&run->over, true);
        if (atomic_load(&run->over) || (run->plan->iterations && done >= run->plan->iterations))
            return STATUS_CLEAN;
    }
}

void run_finish(struct run *run)
{
    struct detector_call call = run_main_call(run);
    struct record_content content = {
        .values = {[FINISHED_CALLS] = (int64_t)run_calls_made(run), [FINISHED_TIME] = (int64_t)run->worked}};
    atomic_store(&run->board->phase, BOARD_FINISH);
    if (!run->work)
        lone_send(run);
    tracing_send(run->wire);
    detectors_finish(&call);
    interp_send_packages(run->wire);
    crash_send_maps();
    space_drop(&run->base);
    writer_clear(run);
    guard_count(content.values);
    record_send_content(run->wire, RECORD_FINISHED, &content);
}

/* The last rounds serve the hint, unless the child has found something, or a statement or the driver ended it early. An
 * early hint counts all rounds since as one more window: memory that only fills a cache has stopped growing. */
static int hint_at_end(struct run *run)
{
    bool early = clock_now() < run->deadline || atomic_load(&run->board->ask);
    if (!run->hint_time || early || atomic_load(&run->findings) || !pyversion_keep_mortal())
        return STATUS_CLEAN;
    if (!run->hinted)
        return run_hint(run);
    run_hint_end(run);
    return STATUS_CLEAN;
}

bool run_begin(struct run *run)
{
    atomic_store(&run->board->phase, BOARD_SETUP);
    atomic_store(&run->board->checker, checker_tid());
    if (detectors_on(DETECTOR_HINT) && run->plan->time && !run->plan->iterations)
        run->hint_time = clamp(run->plan->time / HINT_SHARE, 0, HINT_MAX);
    run->deadline = run->plan->time ? clock_now() + run->plan->time - run->hint_time : 0;
    if (!run_make_base(run, false) || !run_check_gil(run, "after the imports"))
        return false;
    guard_take_arrays();
    interp_send_environment(run->wire);
    interp_send_packages(run->wire);
    if (run->program)
        program_send(run->program, run->base.names, run->wire);
    crash_send_maps();
    /* Start tracking only now, so that our own set-up allocations are not counted. */
    if (run->plan->detect & DETECTOR_COUNTERS)
        run_counting_begin(run);
    else
        guard_start_sampling();
    addresses_set_epoch(EPOCH_FIRST);
    return true;
}

int run_plan(struct run *run)
{
    bool counts = run->plan->detect & DETECTOR_COUNTERS;
    if (!run_begin(run))
        return STATUS_UNTESTED;
    if (!serial_pass(run) || !run_check_raises(run))
        return STATUS_UNTESTED;
    interp_send_packages(run->wire); /* the statements may have imported more */
    if (run->mutable)
        RECORD_SEND(
            run->wire, RECORD_FACT,
            .values = {
                [FACT_KIND] = FACT_CHANGES, [FACT_VALUE] = run->changes ? CHANGES_SEEN : CHANGES_POSSIBLE});
    int status = STATUS_CLEAN;
    if (counts)
        status = run_counting(run);
    else if (run->lengths)
        status = run_lengths(run);
    else if (run->plan->threads > 1) {
        lone_send(run);
        status = run_workers(run, run_rounds);
    }
    if (status == STATUS_CLEAN)
        status = hint_at_end(run);
    if (status == STATUS_CLEAN)
        run_finish(run);
    return status;
}
