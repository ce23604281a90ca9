/* See process.h for the contract. */
#include "child/first/process.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/prng.h"
#include "child/first/birth.h"
#include "child/first/order.h"
#include "child/python/interp.h"
#include "child/run/pass.h"
#include "child/run/round.h"
#include "core/plan/perturb.h"
#include "core/wire/status.h"
#include "detectors/common/stir.h"
#include "detectors/trace/tracing.h"
#include "heap/point/point.h"

#define SERIAL_CALLS 200
/* Of the processes that do not stall, one of this number runs all threads of the plan. */
#define CROWD_EVERY 4
#define STALL_EVERY 2

struct process_context process_context;
/* Calls of each thread in this process. */
static unsigned calls;
static uint64_t number_of_process;

static _Noreturn void give_up(void)
{
    process_context.shared->gave_up = true;
    fflush(NULL);
    _exit(STATUS_UNTESTED);
}

static void keep_expected(void)
{
    process_context.shared->nexpected = exception_expected(process_context.shared->expected);
}

static bool has_output(const struct run *run)
{
    bool has = false;
    for (unsigned i = 0; i < run->base.nwatched; i++)
        has |= run->base.watched[i].out;
    return has;
}

void process_learn(struct run *run, uint64_t number)
{
    struct process_shared *shared = process_context.shared;
    (void)number;
    run->wire = process_context.quiet;
    PyObject *before = warm_modules();
    if (!run_make_base(run, false) || !run_check_gil(run, "after the imports"))
        give_up();
    warm_list_fill(&shared->list, run, before); /* before the harness imports modules for itself */
    interp_send_environment(process_context.wire);
    interp_send_packages(process_context.wire);
    if (run->program)
        program_send(run->program, run->base.names, process_context.wire);
    shared->is_alone = birth_is_alone();
    struct serial_limits limits = {SERIAL_CALLS, run->plan->time ? run->plan->time / 20 : CLOCK_SECOND};
    if (!run_serial(run, &run->base, &limits) || !writer_learn(run))
        give_up();
    interp_send_packages(process_context.wire);
    shared->call_time = run->iteration_time;
    shared->mutable = run->mutable;
    shared->changes = run->changes;
    shared->opaque = run->opaque;
    shared->lazy = run->lazy;
    shared->has_writer = run->writer.any;
    shared->has_output = has_output(run);
    shared->has_case = PyDict_GetItemString(run->base.names, "case") != NULL;
    memcpy(shared->why_mutable, run->why_mutable, sizeof shared->why_mutable);
    keep_expected();
}

static void make_base(struct run *run)
{
    run->wire = process_context.quiet;
    if (!run_make_base(run, false))
        give_up();
    exception_expect(process_context.shared->expected, process_context.shared->nexpected);
}

static void learn_again(const struct diverge_step *at, PyObject *result)
{
    compare_interleaved(at, result);
}

/* With iterations of other roles, and of another worker between two statements: a value that one statement keeps for
 * the next is the caller's to protect. */
static void learn_interleaved(struct run *run)
{
    static const uint64_t numbers[COMPARE_CALLS] = {0, 1, 2};
    unsigned roles = run->program ? run->program->nbodies : 0;
    for (unsigned role = 0; role < roles; role++)
        pass_run(&(struct pass){.run = run,
                                .lane = role,
                                .index = role,
                                .take = learn_again,
                                .numbers = numbers,
                                .n = COMPARE_CALLS,
                                .twice = true,
                                .interleaved = true,
                                .fresh = true,
                                .calls = UINT64_C(2) * COMPARE_CALLS,
                                .time = PASS_TIME});
}

void process_lone(struct run *run, uint64_t order)
{
    uint64_t began = clock_now();
    make_base(run);
    process_context.shared->setup_time = clock_now() - began;
    stir_process(order, run->base.names, order >= PROCESS_LONE_PASSES);
    if (!order_run(run, order, COMPARE_CALLS, compare_learn) ||
        !order_run(run, ORDER_FORWARD, 1, compare_learn))
        give_up();
    if (order == ORDER_FORWARD)
        learn_interleaved(run);
    stir_end();
    keep_expected();
}

static void ignore_result(struct worker *worker, unsigned step, PyObject *result)
{
    (void)worker;
    (void)step;
    (void)result;
}

void process_trace(struct run *run, uint64_t number)
{
    struct process_shared *shared = process_context.shared;
    unsigned roles = run->program ? run->program->nbodies : 1;
    (void)number;
    make_base(run);
    if (tracing_begin_alone(2 * roles, run->plan->time) < 0)
        return;
    bool made = order_run(run, ORDER_FORWARD, 1, ignore_result);
    tracing_end_alone(run->base.names);
    if (made)
        shared->nwords = candidates_copy(shared->words, PROCESS_WORDS);
}

/* After the setup, which may load a file of the target. */
static void add_words(const struct run *run)
{
    const struct process_shared *shared = process_context.shared;
    if (!(run->plan->perturb & PERTURB_STALL))
        return;
    candidates_read_files();
    for (unsigned i = 0; i < shared->nwords; i++)
        candidates_add(&shared->words[i]);
}

static int lead_race(struct run *run, struct worker *workers)
{
    (void)workers;
    run->round_calls = run->meetings = calls;
    run->sample_every = run->poll_every = 1;
    barrier_init(&run->lockstep, run->plan->threads);
    points_draw(run->plan->perturb | PERTURB_SKEW, plan_perturb_seed(run->plan), number_of_process,
                run->plan->threads);
    run_round(run);
    return STATUS_CLEAN;
}

/* Each process stalls at other words, with all threads: while one is stalled, many others may come. Every other process
 * does not stall, and is quicker; most of these have a thread for each processor and each role: the first calls of more
 * threads cannot meet, and cost time. */
static void choose_plan(struct run *run, uint64_t number)
{
    static struct plan plan;
    plan = *run->plan;
    run->stall_seed = prng_mix(plan_perturb_seed(&plan) ^ number);
    bool stalls = (number + number / CROWD_EVERY) % STALL_EVERY == 0 && plan.perturb & PERTURB_STALL;
    if (!stalls)
        plan.perturb &= ~(uint32_t)PERTURB_STALL;
    run->plan = run->maker->plan = &plan;
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint32_t n = processors > 2 ? (uint32_t)processors : 2, roles = run->program ? run->program->nbodies : 1;
    n = n > roles ? n : roles;
    if (!stalls && number % CROWD_EVERY != CROWD_EVERY - 1 && n < plan.threads)
        plan.threads = n;
}

/* Lets the threads start together in some processes, and a random time after each other in the others: a second thread
 * then comes at any moment of the first one's call. */
void process_race(struct run *run, uint64_t number)
{
    choose_plan(run, number);
    make_base(run);
    run->wire = process_context.wire;
    number_of_process = number;
    calls = 1 + number % COMPARE_CALLS;
    add_words(run);
    run->took = process_context.compares ? compare_race : NULL;
    int status = run_workers(run, lead_race);
    if (status != STATUS_CLEAN || atomic_load(&run->failed))
        give_up();
    struct detector_call call = run_main_call(run);
    exception_settle(&call, run->mutable);
    atomic_fetch_add(&process_context.shared->findings, atomic_load(&run->findings));
    if (!process_context.compares || atomic_load(&run->board->ask))
        return;
    run->wire = process_context.quiet;
    order_run(run, ORDER_FORWARD, 1, compare_after);
}
