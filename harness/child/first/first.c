/* See first.h for the contract. */
#include "child/first/first.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "child/first/birth.h"
#include "child/first/process.h"
#include "child/first/order.h"
#include "child/run/round.h"
#include "core/plan/perturb.h"
#include "core/wire/record.h"
#include "core/wire/status.h"
#include "detectors/table/detectors.h"
#include "detectors/watch/candidates.h"

/* A process with one thread at a time that takes longer cannot be used. */
#define LONE_LIMIT (45 * CLOCK_SECOND)
/* Lone passes at a difference. */
#define CONFIRMATIONS 4
/* Where the setup takes longer in a new process, the zygote imports the target, too. */
#define SETUP_SLOW (10 * UINT64_C(1000000))
/* Processes with findings; more show nothing new. */
#define FINDINGS_MAX 64
/* Processes of a plan that has no time. */
#define PROCESSES_MAX 200

static struct {
    bool confirmed;
    uint64_t rest;                      /* differences that are not sent yet */
} seen[COMPARE_THREADS][COMPARE_STEPS]; /* by role and step */

/* Returns the sentence of a process that gave up. The text is the caller's. */
static void read_reason(char *text, size_t size)
{
    struct record_reader reader = {0};
    struct record record;
    snprintf(text, size, "it ends early");
    lseek(process_context.quiet, 0, SEEK_SET);
    while (record_read(&reader, process_context.quiet) > 0)
        continue;
    while (record_next(&reader, &record) > 0)
        if (record.type == RECORD_CANNOT)
            snprintf(text, size, "%s", record_text(&record, 0));
    record_reader_clear(&reader);
}

static void describe_end(const struct birth_end *end, char *text, size_t size)
{
    if (process_context.shared->gave_up)
        read_reason(text, size);
    else if (end->time >= LONE_LIMIT)
        snprintf(text, size, "it took more than %d s", (int)(LONE_LIMIT / CLOCK_SECOND));
    else if (WIFSIGNALED(end->status))
        snprintf(text, size, "signal %d ended it", WTERMSIG(end->status));
    else
        snprintf(text, size, "it exits with status %d", WEXITSTATUS(end->status));
}

/* Notes why no more processes are started. Returns false. */
static bool note_end(struct run *run, const char *which, const struct birth_end *end)
{
    char text[900], reason[640];
    describe_end(end, reason, sizeof reason);
    snprintf(
        text, sizeof text,
        "first uses in new processes are not tested: a process that was forked %s did not reach its end: %s",
        which, reason);
    RECORD_SEND(run->wire, RECORD_NOTE, .texts = {text});
    return false;
}

/* Runs a process with one thread at a time. Returns false after a note if it does not reach its end. */
static bool run_quietly(struct run *run, void (*act)(struct run *, uint64_t), uint64_t number)
{
    struct birth_end end = {0};
    if (ftruncate(process_context.quiet, 0) == 0)
        lseek(process_context.quiet, 0, SEEK_SET);
    if (birth(run, act, number, LONE_LIMIT, &end) < 0 || !end.reached)
        return note_end(run, "to run one thread at a time", &end);
    return true;
}

/* CPython makes many objects immortal at the first thread state beside the main one: once, not in each process. */
static void make_immortal(void)
{
    PyThreadState *state = PyThreadState_New(PyInterpreterState_Get());
    if (!state)
        return;
    PyThreadState_Clear(state);
    PyThreadState_Delete(state);
}

static void take_lessons(struct run *run)
{
    const struct process_shared *shared = process_context.shared;
    run->mutable = shared->mutable;
    run->changes = shared->changes;
    run->opaque = shared->opaque;
    run->lazy = shared->lazy;
    memcpy(run->why_mutable, shared->why_mutable, sizeof run->why_mutable);
}

/* Each pass makes COMPARE_CALLS calls of each thread, and further ones: for slow calls that takes too long. */
static bool is_slow(const struct run *run)
{
    uint64_t calls = UINT64_C(2) * PROCESS_LONE_PASSES * COMPARE_CALLS * run->plan->threads;
    uint64_t half = run->plan->time > CLOCK_SECOND ? run->plan->time / 2 : CLOCK_SECOND / 2;
    uint64_t most = run->plan->time ? half + CLOCK_SECOND : LONE_LIMIT;
    return process_context.shared->call_time > most / calls;
}

/* Without the words, races still stall at random ones. */
static void learn_words(struct run *run)
{
    struct birth_end end = {0};
    if (!(run->plan->perturb & PERTURB_STALL))
        return;
    candidates_read_files(); /* once, not in each process */
    birth(run, process_trace, 0, LONE_LIMIT, &end);
}

/* Runs the lone passes. An object without a pickle may change unseen: then each result must have one value in all of
 * them. */
static bool learn_results(struct run *run)
{
    const struct process_shared *shared = process_context.shared;
    if (is_slow(run)) {
        RECORD_SEND(
            run->wire, RECORD_NOTE,
            .texts = {"first uses in new processes are not tested: the calls on one thread that their "
                      "results are compared with take too long; give it more --time"});
        return false;
    }
    for (uint64_t order = 0; order < PROCESS_LONE_PASSES; order++) {
        if (!run_quietly(run, process_lone, order))
            return false;
        if (order == 0 && shared->is_alone && shared->setup_time > SETUP_SLOW)
            warm_import(&shared->list, true);
    }
    compare_settle(run);
    learn_words(run);
    run->mutable |= (run->opaque || run->lazy) && !compare_is_whole(run, -1, -1);
    process_context.compares = detectors_on(DETECTOR_DIVERGE) && !run->mutable && !shared->has_writer &&
                               !shared->has_output && !shared->has_case && compare_any(run);
    return true;
}

static bool prepare(struct run *run)
{
    if (!run_quietly(run, process_learn, 0))
        return false;
    if (!birth_is_alone()) {
        RECORD_SEND(run->wire, RECORD_NOTE,
                    .texts = {"first uses in new processes are not tested: the imports leave threads behind, "
                              "which a forked process would lack"});
        return false;
    }
    if (process_context.shared->is_alone)
        warm_import(&process_context.shared->list, false);
    make_immortal();
    take_lessons(run);
    return learn_results(run);
}

static void send_difference(struct run *run, unsigned role, unsigned step, uint64_t count)
{
    const struct compare_difference *difference = &process_context.shared->table.difference;
    char text[700];
    snprintf(text, sizeof text, "%s, in a process where the threads make their first calls together%s",
             difference->sentence, difference->stays ? "; its later calls on one thread are wrong, too" : "");
    struct detector_call call = run_main_call(run);
    call.worker = (uint16_t)difference->thread;
    call.iteration = difference->iteration;
    call.statement = run->native ? run->native->name : run->program->bodies[role].steps[step].source;
    DETECTOR_SEND(&call, count > 0, RECORD_DIVERGE, .values = {[DIVERGE_COUNT] = (int64_t)count},
                  .texts = {text});
}

/* Reports the difference of the last process where more lone passes still give the value of the first ones. */
static bool settle(struct run *run)
{
    struct compare_table *table = &process_context.shared->table;
    struct compare_difference *difference = &table->difference;
    unsigned role = run->native ? 0 : difference->thread % run->program->nbodies, step = difference->step;
    uint64_t count = atomic_exchange(&table->differing, 0);
    if (!atomic_load(&difference->claimed))
        return true;
    bool *confirmed = &seen[role][step].confirmed, was = *confirmed;
    for (unsigned i = 0; !was && i < CONFIRMATIONS; i++)
        if (!run_quietly(run, process_lone, run->plan->seed + PROCESS_LONE_PASSES + i))
            return false;
    compare_settle(run);
    if (was)
        seen[role][step].rest += count;
    else if (compare_stands()) {
        *confirmed = true;
        send_difference(run, role, step, count);
        atomic_fetch_add(&process_context.shared->findings, 1);
    }
    memset(difference, 0, sizeof *difference);
    return true;
}

/* Starts one process after the other. Returns false after a note if they cannot go on. */
static bool run_races(struct run *run, uint64_t deadline)
{
    uint64_t began = clock_now();
    struct board *board = run->board;
    atomic_store(&board->phase, BOARD_RUN);
    for (uint64_t number = 0;; number++) {
        struct birth_end end = {0};
        if (birth(run, process_race, number, BIRTH_RACE, &end) < 0)
            return note_end(run, "to run threads", &end);
        atomic_fetch_add(&board->forks, 1);
        atomic_store(&board->fork_time, clock_now() - began);
        if (!end.reached && process_context.shared->gave_up)
            return note_end(run, "to run threads", &end);
        if (!end.reached)
            birth_end_alike(&end);
        if (!settle(run))
            return false;
        uint64_t findings = atomic_load(&process_context.shared->findings);
        bool found = findings >= FINDINGS_MAX || (findings > 0 && run->plan->stop_on_first);
        bool over = deadline ? clock_now() >= deadline
                             : number >= PROCESSES_MAX || number * 2 >= run->plan->iterations;
        if (over || found || atomic_load(&board->ask) || record_lost())
            return true;
    }
}

static const char *why_not(const struct run *run, unsigned role, unsigned step)
{
    const struct process_shared *shared = process_context.shared;
    if (run->mutable)
        return run->why_mutable;
    if (shared->has_output)
        return "an input is declared @out";
    if (shared->has_writer)
        return "threads write to the inputs at this sharing level";
    if (shared->has_case)
        return "the statement makes many different calls";
    if (!compare_is_whole(run, (int)role, (int)step))
        return *compare_why(role, step) ? compare_why(role, step) : "too many threads or statements";
    return "only its first calls in new processes are compared";
}

/* Looks only at first calls: a child that looks at all calls overrules it. */
static void send_compared(const struct run *run)
{
    const char *muted = run->mutable && run->plan->share != RUNG_PRIVATE
                            ? run->why_mutable
                            : "only those of its first calls in new processes are";
    for (unsigned role = 0; run->program && role < run->program->nbodies; role++)
        for (unsigned i = 0; i < run->program->bodies[role].nsteps; i++) {
            const struct step *step = &run->program->bodies[role].steps[i];
            bool diverge = detectors_on(DETECTOR_DIVERGE), exception = detectors_on(DETECTOR_EXCEPTION);
            const char *why = !diverge           ? "no child with the detector diverge ran"
                              : step->has_result ? why_not(run, role, i)
                                                 : "it has no result";
            RECORD_SEND(
                run->wire, RECORD_COMPARED,
                .values = {[COMPARED_RESULTS] = diverge ? LOOKED_NOT : LOOKED_OFF,
                           [COMPARED_EXCEPTIONS] = exception ? LOOKED_NOT : LOOKED_OFF},
                .texts = {step->source, why, exception ? muted : "no child with the detector exception ran"});
        }
}

static void send_rest(struct run *run)
{
    for (unsigned role = 0; role < COMPARE_THREADS; role++)
        for (unsigned step = 0; step < COMPARE_STEPS; step++)
            if (seen[role][step].rest > 0)
                send_difference(run, role, step, seen[role][step].rest);
}

int first_run(struct run *run)
{
    uint64_t time = run->plan->time, began = clock_now();
    process_context.wire = run->wire;
    process_context.quiet = memfd_create("quiet", MFD_CLOEXEC);
    process_context.shared = mmap(NULL, sizeof *process_context.shared, PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (process_context.quiet < 0 || process_context.shared == MAP_FAILED)
        return run_cannot(run, STATUS_UNTESTED, "memory is out; raise its limit");
    compare_use(&process_context.shared->table);
    atomic_store(&run->board->phase, BOARD_SETUP);
    if (prepare(run)) {
        uint64_t least = clock_now() + time / 2, deadline = began + time > least ? began + time : least;
        if (run->mutable)
            RECORD_SEND(run->wire, RECORD_FACT,
                        .values = {[FACT_KIND] = FACT_CHANGES,
                                   [FACT_VALUE] = run->changes ? CHANGES_SEEN : CHANGES_POSSIBLE});
        run_races(run, time ? deadline : 0);
        send_compared(run);
        send_rest(run);
    }
    atomic_store(&run->board->unfit, atomic_load(&run->board->forks) == 0);
    atomic_store(&run->board->phase, BOARD_FINISH);
    RECORD_SEND(run->wire, RECORD_FINISHED, .values = {[FINISHED_CALLS] = (int64_t)run_calls_made(run)});
    return STATUS_CLEAN;
}
