/* Calls on one thread before the workers: the detector `diverge` learns the results of statements from them. */
#include "child/run/run.h"

#include "base/clock.h"
#include "child/run/pass.h"
#include "detectors/result/diverge.h"
#include "detectors/table/detectors.h"

/* Two threads learn, so that a result that depends on the thread differs. */
#define LEARNERS 2
/* On fresh objects either role begins twice, because one may change an object for the other. */
#define PASSES_FRESH 4
/* Passes of indexed statements make each iteration twice, and take at most this part of the time. */
#define INDEXED_TWICE 2
#define INDEXED_SHARE 20
/* Calls on one thread for chosen iterations take one part in CHOSEN_SHARE of the time of rounds, and a first part;
 * those of a lane end after CHOSEN_TIME. Where threads stall, calls are slower than on one thread, and more of them are
 * wrong: more are compared. */
#define CHOSEN_SHARE 20
#define CHOSEN_SHARE_STALLED 4
#define CHOSEN_TIME_LEAST (2 * MILLISECOND)
#define CHOSEN_TIME CLOCK_SECOND
#define MILLISECOND UINT64_C(1000000)
/* Longest time of a later pass over the same iterations, in times of the first one. */
#define LATER_TIMES 4

static bool has_output(const struct run *run)
{
    bool has = false;
    for (unsigned i = 0; i < run->base.nwatched; i++)
        has |= run->base.watched[i].out;
    return has;
}

/* Sees the objects as they are at their first use, which may differ from the later ones. */
static bool needs_fresh(const struct run *run)
{
    return run->opaque || run->lazy;
}

static unsigned passes_of(const struct run *run)
{
    return needs_fresh(run) ? PASSES_FRESH : LEARNERS;
}

/* Calls of one statement each leave no room for another thread's call between two of them. */
static bool are_queries(const struct program *program)
{
    bool all = true;
    for (unsigned role = 0; role < program->nbodies; role++)
        for (unsigned i = 0; i < program->bodies[role].nsteps; i++)
            all &= program->bodies[role].steps[i].is_query || program->bodies[role].is_idle;
    return all;
}

static unsigned most_steps(const struct program *program)
{
    unsigned most = 0;
    for (unsigned role = 0; role < program->nbodies; role++)
        if (program->bodies[role].nsteps > most)
            most = program->bodies[role].nsteps;
    return most;
}

/* Returns why no results can be compared, or NULL. */
static const char *why_not(const struct run *run)
{
    const struct program *program = run->program;
    /* A few more calls must take less than a fifth of the time. */
    uint64_t calls = run->indexed ? (uint64_t)passes_of(run) * INDEXED_TWICE * run->samples.lanes
                                  : (uint64_t)LEARNERS * PASS_LEAST * program->nbodies;
    if (run->mutable)
        return run->why_mutable;
    if (has_output(run))
        return "an input is declared @out";
    if (run->writer.any)
        return "threads write to the inputs at this sharing level";
    if (PyDict_GetItemString(run->base.names, "case"))
        return "the statement makes many different calls";
    if (run->indexed && needs_fresh(run) && !are_queries(program))
        return "the statements make several calls with an object that may be changed unseen";
    if (run->plan->time && run->iteration_time * calls >= run->plan->time / 5)
        return "a few calls on one thread take too long; give it more --time";
    return NULL;
}

/* Without two agreeing passes an opaque object counts as one that the statements change. */
static bool all_agree(const struct run *run)
{
    const char *why;
    for (unsigned role = 0; role < run->program->nbodies; role++)
        for (unsigned i = 0; i < run->program->bodies[role].nsteps; i++)
            if (diverge_looks(role, i, &why) != LOOKED_YES)
                return false;
    return true;
}

/* As many iterations as fit in their part of the time, forward or in reverse. */
static unsigned choose_numbers(const struct run *run, bool reverse, uint64_t numbers[static SAMPLES_MAX])
{
    const struct samples *samples = &run->samples;
    uint64_t calls = (uint64_t)passes_of(run) * INDEXED_TWICE * samples->lanes;
    uint64_t n = run->plan->time ? run->plan->time / INDEXED_SHARE / run->iteration_time / calls : samples->n;
    n = n < 1 ? 1 : n;
    n = n > samples->n ? samples->n : n;
    for (unsigned i = 0; i < n; i++)
        numbers[i] = samples_iteration(samples, reverse ? (unsigned)n - 1 - i : i);
    return (unsigned)n;
}

/* The time of the first pass decides how many iterations are compared. */
static void learn_lane(struct run *run, unsigned lane, bool is_first, bool reverse)
{
    uint64_t numbers[SAMPLES_MAX];
    unsigned n = choose_numbers(run, reverse, numbers);
    uint64_t time = run->plan->time ? run->plan->time / INDEXED_SHARE : UINT64_MAX / 8;
    struct pass pass = {.run = run,
                        .lane = lane,
                        .index = lane,
                        .take = diverge_learn,
                        .stirs = true,
                        .numbers = numbers,
                        .n = n,
                        .twice = true,
                        .interleaved = true,
                        .calls = (uint64_t)INDEXED_TWICE * n,
                        .time = is_first ? time : LATER_TIMES * time,
                        .fresh = true};
    pass_run(&pass);
    if (is_first)
        run->samples.n = (unsigned)(pass.made / INDEXED_TWICE);
    else if (pass.made < pass.calls)
        run->samples.n = 0;
}

static void learn_role(struct run *run, unsigned role, unsigned pass)
{
    pass_run(&(struct pass){.run = run,
                            .lane = role,
                            .index = role + pass * run->program->nbodies,
                            .take = diverge_learn,
                            .stirs = true,
                            .fresh = true,
                            .interleaved = true,
                            .calls = PASS_CALLS,
                            .time = PASS_TIME,
                            .orders = needs_fresh(run)});
}

static bool is_chosen(const struct run *run)
{
    return run->indexed && !run->samples.period;
}

static void learn_results(struct run *run)
{
    if (is_chosen(run))
        samples_choose(&run->samples, 0, PASS_CALLS, PASS_CALLS, run->plan->seed);
    unsigned n = run->samples.lanes;
    if (diverge_begin(n, run->samples.n, most_steps(run->program), run->indexed) < 0)
        return;
    for (unsigned pass = 0; pass < passes_of(run); pass++) {
        if (needs_fresh(run) && (!run_make_base(run, false) || run->setup_once))
            return;
        for (unsigned i = 0; i < n; i++) {
            unsigned lane = pass % 2 ? n - 1 - i : i;
            if (run->indexed)
                learn_lane(run, lane, pass + i == 0, pass % 2);
            else
                learn_role(run, lane, pass);
        }
    }
    diverge_learnt();
}

void lone_learn(struct run *run)
{
    bool alone = run->plan->threads == 1 && !(run->plan->detect & DETECTOR_COUNTERS);
    if (!run->program || alone)
        return;
    samples_init(&run->samples, run->plan, run->program, run->base.names);
    run->indexed = (run->program->uses_iteration || run->samples.by_thread) &&
                   !PyDict_GetItemString(run->base.names, "case");
    bool learns =
        run->plan->threads > 1 && !why_not(run) && (detectors_on(DETECTOR_DIVERGE) || needs_fresh(run));
    if (learns)
        learn_results(run);
    if (learns ? all_agree(run) || !needs_fresh(run) : !run->opaque)
        return;
    run->mutable = true;
    space_loosen(run->maker, &run->base);
}

/* Learns the results of one lane for the next round, and returns the ns that it took. The workers' results are compared
 * with one call, and a difference with some more. */
static uint64_t learn_chosen(struct run *run, unsigned lane)
{
    uint64_t numbers[SAMPLES_MAX];
    for (unsigned i = 0; i < run->samples.n; i++)
        numbers[i] = samples_iteration(&run->samples, i);
    struct pass pass = {.run = run,
                        .lane = lane,
                        .index = lane,
                        .take = diverge_learn,
                        .numbers = numbers,
                        .n = run->samples.n,
                        .calls = run->samples.n,
                        .time = CHOSEN_TIME,
                        .fresh = true};
    pass_run(&pass);
    return pass.took;
}

static void choose_for_round(struct run *run, uint64_t first, uint64_t span, unsigned n)
{
    uint64_t began = clock_now(), took = 0;
    samples_choose(&run->samples, first, span, n, run->plan->seed);
    if (diverge_again(run->samples.lanes, run->samples.n, most_steps(run->program)) < 0)
        run->samples.n = 0;
    for (unsigned lane = 0; run->samples.n > 0 && lane < run->samples.lanes; lane++)
        took += learn_chosen(run, lane);
    run->sampled += clock_now() - began;
    if (run->samples.n > 0)
        run->sampling = took / run->samples.n + 1;
}

/* The objects of the round before serve where the first use of new ones is left to the workers. */
void lone_choose(struct run *run, uint64_t worked, bool are_made)
{
    bool harmed = atomic_load(&run->damaged);
    if (!run->program || !is_chosen(run) || run->mutable || are_made == needs_fresh(run) ||
        !detectors_on(DETECTOR_DIVERGE) || !diverge_compares())
        return;
    uint64_t first = atomic_load(&run->behind), reached = atomic_load(&run->reached);
    if (first > reached) /* no worker has ended a round yet */
        first = reached;
    uint64_t span = reached - first + (run->round_calls ? run->round_calls : PASS_CALLS);
    uint64_t cost = run->sampling ? run->sampling : run->iteration_time * run->samples.lanes + 1;
    uint64_t allowed = worked / (run->stalls ? CHOSEN_SHARE_STALLED : CHOSEN_SHARE) + CHOSEN_TIME_LEAST;
    allowed = allowed > run->sampled ? allowed - run->sampled : 0;
    uint64_t n = allowed >= CHOSEN_TIME_LEAST || cost > CHOSEN_TIME_LEAST ? allowed / cost : 0;
    atomic_store(&run->behind, UINT64_MAX);
    if (n > 0 && !(harmed && !are_made))
        choose_for_round(run, first, span, n > SAMPLES_MAX ? SAMPLES_MAX : (unsigned)n);
}

/* A statement that was judged until an object turned out to be changed overrules other children. */
static void send_step(const struct run *run, unsigned role, unsigned i, bool ended)
{
    const struct step *step = &run->program->bodies[role].steps[i];
    const char *why = why_not(run),
               *muted = run->plan->share == RUNG_PRIVATE || !run->mutable ? "" : run->why_mutable;
    enum looked results = ended ? LOOKED_ENDED : LOOKED_NOT, exceptions = *muted ? results : LOOKED_YES;
    if (!detectors_on(DETECTOR_DIVERGE)) {
        results = LOOKED_OFF;
        why = "no child with the detector diverge ran";
    } else if (!why && !step->has_result)
        why = "it has no result";
    else if (!why)
        results = diverge_looks(role, i, &why);
    if (!detectors_on(DETECTOR_EXCEPTION)) {
        exceptions = LOOKED_OFF;
        muted = "no child with the detector exception ran";
    }
    RECORD_SEND(run->wire, RECORD_COMPARED,
                .values = {[COMPARED_RESULTS] = results,
                           [COMPARED_EXCEPTIONS] = exceptions,
                           [COMPARED_CALLS] = (int64_t)diverge_counted(role, i)},
                .texts = {step->source, results == LOOKED_YES ? "" : why, muted});
}

void lone_send(struct run *run)
{
    bool ended = run->judged && run->mutable;
    run->judged = !run->mutable;
    if (run->plan->threads < 2 || run->plan->detect & DETECTOR_COUNTERS || run->lengths || !run->program)
        return;
    for (unsigned role = 0; role < run->program->nbodies; role++)
        for (unsigned i = 0; i < run->program->bodies[role].nsteps && !run->program->bodies[role].is_idle;
             i++)
            send_step(run, role, i, ended);
}
