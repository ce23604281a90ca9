/* See outcome.h for the contract. */
#include "child/outcome/outcome.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "child/crash/crash.h"
#include "child/outcome/orders.h"
#include "child/outcome/sets.h"
#include "child/run/round.h"
#include "core/wire/status.h"
#include "heap/point/point.h"

/* Runs of all orders, in both directions, with these numbers of sets: before the meetings, and before a finding is
 * sent. */
#define PASSES 4
#define SETS_LEARNT 64
#define SETS_AGAIN 256
/* Time of the meetings between two looks at the clock. */
#define BATCH_TIME (4 * UINT64_C(1000000))
/* A role that sleeps until the last one comes is late. On a busy machine the others lose their cores for some
 * milliseconds. */
#define MEET_SPINS 20000
#define STREAM 0x0c7c03e
#define DELAY_LEAST UINT64_C(400)
#define DELAY_MOST UINT64_C(40000)

static struct {
    struct run *run;
    struct observer observer;
    struct outcome_table table;
    struct orders orders;
    uint64_t meetings, time; /* ns that they took, with all that belongs to them */
    unsigned batch;          /* sets at a time */
    bool check_failed;
} game;

static bool is_compared(void)
{
    for (unsigned i = 0; i < role_stage.nroles; i++)
        if (!game.observer.left_out[i])
            return true;
    return !game.observer.left_out[OUTCOME_STATE];
}

/* Makes the table of what all orders give. Returns false after sending the reason. */
static bool learn_orders(void)
{
    orders_forget(&game.orders);
    for (unsigned pass = 0; pass < PASSES; pass++) {
        if (!orders_run(&game.orders, pass % 2, SETS_LEARNT))
            return false;
        if (!game.orders.changes)
            continue;
        orders_forget(&game.orders);
        pass = 0;
    }
    return true;
}

/* Nothing is compared where no role has a result and the whole state is opaque. */
static bool has_values(void)
{
    bool opaque = game.run->plan->state && *game.observer.why[OUTCOME_STATE], has = false;
    for (size_t i = 0; i < game.table.n; i++) {
        const struct outcome_row *row = &game.table.rows[i];
        has |= *row->texts[OUTCOME_STATE] && !opaque;
        for (unsigned role = 0; role < role_stage.nroles; role++)
            has |= strcmp(row->texts[role], "None") != 0 && !game.observer.left_out[role];
    }
    return has;
}

static bool refuse(void)
{
    const char *why = "every part of an outcome differs from run to run on one thread";
    if (game.run->plan->check)
        return true;
    if (is_compared() && has_values())
        return true;
    if (is_compared())
        why = "no statement has a result, and the state of the shared objects cannot be read";
    run_cannot(game.run, STATUS_UNTESTED,
               "cannot compare outcomes: %s%s%s; give --state with an expression for the state, or --check",
               why, *game.observer.why[OUTCOME_STATE] ? ": " : "", game.observer.why[OUTCOME_STATE]);
    return false;
}

/* The delay may be as long as two calls of the slowest role. */
static void set_delay(uint64_t time)
{
    uint64_t delay = time < DELAY_LEAST ? DELAY_LEAST : time > DELAY_MOST ? DELAY_MOST : time;
    role_stage.delay = delay > role_stage.delay ? delay : role_stage.delay;
}

/* Do the statements change what they share? */
static void send_changes(uint64_t before)
{
    bool seen = false;
    for (size_t i = 0; i < game.orders.n; i++)
        seen |= game.orders.items[i].parts[OUTCOME_STATE] != before;
    if (seen || *game.observer.why[OUTCOME_STATE])
        RECORD_SEND(
            game.run->wire, RECORD_FACT,
            .values = {[FACT_KIND] = FACT_CHANGES, [FACT_VALUE] = seen ? CHANGES_SEEN : CHANGES_POSSIBLE});
}

/* Learns the outcomes of all orders; their first run may differ, because modules fill caches. Returns false after
 * sending the reason. */
static bool begin(void)
{
    uint64_t before[OUTCOME_PARTS];
    if (!sets_make(1))
        return false;
    observe_parts(&game.observer, 0, before);
    game.orders.arrays = observe_arrays(&game.observer, 0);
    if (!orders_run(&game.orders, false, 1))
        return false;
    send_changes(before[OUTCOME_STATE]);
    if (!learn_orders() || !refuse())
        return false;
    for (unsigned i = 0; i < role_stage.nroles && !(game.run->plan->perturb & PERTURB_OFF); i++)
        set_delay(2 * role_stage.roles[i].time);
    return true;
}

/* A finding: no order gives it, or the check is false. The same orders gave what they gave before. */
static void report(struct outcome_row *row, const char *why)
{
    struct record record;
    record_begin(&record, RECORD_UNORDERED, RECORD_MAIN);
    record.values[UNORDERED_SERIAL] = row->serial;
    record.values[UNORDERED_CHECK] = row->failed;
    record.values[UNORDERED_ARRAYS] = game.orders.writes_arrays;
    record_add_text(&record, why);
    for (unsigned i = 0; i < role_stage.nroles; i++)
        record_add_text(&record, row->texts[i]);
    record_add_text(&record, row->texts[OUTCOME_STATE]);
    record_send(&record, game.run->wire);
    row->reported = true;
    atomic_fetch_add_explicit(&game.run->findings, 1, memory_order_relaxed);
}

/* Runs all orders again first: they may give another outcome now. The key of the candidate survives that, or not. */
static bool confirm(uint64_t key, const char *why, bool failed)
{
    bool is_new;
    for (unsigned pass = 0; pass < PASSES && !game.orders.changes; pass++)
        if (!orders_run(&game.orders, pass % 2, SETS_AGAIN))
            return false;
    if (game.orders.changes)
        return learn_orders() && refuse();
    struct outcome_row *row = outcome_table_get(&game.table, key, &is_new);
    if (row && (!row->serial || failed))
        report(row, why);
    return true;
}

/* Returns false after sending why the plan cannot go on. */
static bool take_set(unsigned set, uint64_t *ret_key, char *why, size_t size, bool *ret_failed)
{
    uint64_t parts[OUTCOME_PARTS];
    bool is_new;
    observe_parts(&game.observer, set, parts);
    uint64_t key = observe_key(parts);
    bool failed = !observe_check(&game.observer, set, why, size);
    if (failed)
        key++; /* a row of its own */
    struct outcome_row *row = outcome_table_get(&game.table, key, &is_new);
    if (!row) {
        game.table.others++;
        return false;
    }
    row->count++;
    if (is_new)
        observe_print(&game.observer, set, row);
    row->failed |= failed;
    *ret_key = key;
    *ret_failed = failed;
    return !row->reported && (failed || (!row->serial && is_compared()));
}

/* Reads the outcomes of the batch. */
static bool take_batch(void)
{
    char why[320] = "";
    uint64_t key = 0;
    bool failed = false, candidate = false, its_failed;
    for (unsigned set = 0; set < role_stage.nsets; set++) {
        uint64_t its;
        char its_why[320] = "";
        bool is_candidate = take_set(set, &its, its_why, sizeof its_why, &its_failed);
        if (!is_candidate || candidate)
            continue;
        candidate = true;
        key = its;
        failed = its_failed;
        memcpy(why, its_why, sizeof why);
    }
    return !candidate || confirm(key, why, failed);
}

static bool is_over(void)
{
    const struct run *run = game.run;
    return atomic_load(&run->board->ask) || record_lost() ||
           (run->deadline && clock_now() >= run->deadline) ||
           (run->plan->iterations && game.meetings >= run->plan->iterations) ||
           (run->plan->stop_on_first && atomic_load(&run->findings));
}

/* Adapts the batch by what its work takes, however long its threads wait for a core. */
static void size_batch(uint64_t work)
{
    for (unsigned i = 0; i < role_stage.nroles; i++)
        work += role_stage.roles[i].time * role_stage.nsets;
    if (work < BATCH_TIME / 2 && game.batch < SETS_MAX)
        game.batch *= 2;
    else if (work > BATCH_TIME && game.batch > 1)
        game.batch /= 2;
}

/* The main thread's processor time: other processes do not count. */
static uint64_t work_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * CLOCK_SECOND + (uint64_t)t.tv_nsec;
}

/* Returns an exit status. */
static int meet(void)
{
    struct prng prng = prng_stream(game.run->plan->seed, STREAM);
    uint64_t batches = 0, began = clock_now(), least = began + game.run->plan->time / 2;
    if (game.run->deadline && game.run->deadline < least)
        game.run->deadline = least; /* however long the setup took */
    while (!is_over()) {
        uint64_t work = work_now();
        if (!sets_make(game.batch))
            return STATUS_UNTESTED;
        points_draw(game.run->plan->perturb, game.run->plan->seed, ++batches, role_stage.nroles);
        if (game.run->stalls)
            sets_draw_words(&prng);
        role_run(TASK_MEET);
        if (atomic_load(&game.run->failed))
            return STATUS_UNTESTED;
        game.meetings += role_stage.nsets;
        atomic_fetch_add(&game.run->board->rounds, 1);
        crash_restore();
        if (!take_batch())
            return STATUS_UNTESTED;
        size_batch(work_now() - work);
        game.time = clock_now() - began;
    }
    return STATUS_CLEAN;
}

static void send_facts(const struct run *run)
{
    char lacks[768] = "";
    static const char state[] = "the state";
    for (unsigned i = 0; i < OUTCOME_PARTS; i++) {
        if (!*game.observer.why[i])
            continue;
        if (i == OUTCOME_STATE)
            text_add(lacks, sizeof lacks, "\n", "%s is not compared%s: %s", state,
                     game.observer.left_out[i] ? "" : " in part", game.observer.why[i]);
        else
            text_add(lacks, sizeof lacks, "\n", "the results of role %u are not compared: %s", i + 1,
                     game.observer.why[i]);
    }
    RECORD_SEND(run->wire, RECORD_MEETINGS,
                .values = {[MEETINGS_COUNT] = (int64_t)game.meetings,
                           [MEETINGS_TIME] = (int64_t)game.time,
                           [MEETINGS_ORDERS] = (int64_t)game.orders.n,
                           [MEETINGS_ROLES] = role_stage.nroles,
                           [MEETINGS_OTHERS] = (int64_t)game.table.others},
                .texts = {lacks});
    outcome_table_send(&game.table, role_stage.nroles, run->wire);
}

/* Between the start and the end of the workers' only round. */
static int conduct(struct run *run)
{
    char error[640];
    int status = STATUS_UNTESTED;
    if (orders_init(&game.orders, error, sizeof error) < 0)
        run_cannot(run, STATUS_USAGE, "%s", error);
    else if (begin())
        status = meet();
    if (status == STATUS_CLEAN)
        send_facts(run);
    role_run(TASK_END);
    return status;
}

static int lead(struct run *run, struct worker *workers)
{
    (void)workers;
    int status = STATUS_UNTESTED;
    barrier_init(&role_stage.all, role_stage.nroles + 1);
    barrier_init(&role_stage.meet, role_stage.nroles);
    if (role_stage.meet.spins > 0)
        role_stage.meet.spins = MEET_SPINS;
    PyThreadState *state = PyEval_SaveThread();
    barrier_wait(&run->barrier); /* the roles prepare, */
    barrier_wait(&run->barrier); /* and begin */
    PyEval_RestoreThread(state);
    if (!atomic_load(&run->failed))
        status = conduct(run);
    state = PyEval_SaveThread();
    barrier_wait(&run->barrier);
    PyEval_RestoreThread(state);
    return status;
}

int outcome_run(struct run *run)
{
    char error[640];
    game.run = run;
    game.orders = (struct orders){.run = run, .observer = &game.observer, .table = &game.table};
    game.batch = 2;
    role_stage.run = run;
    role_stage.nroles = run->plan->threads;
    run->work = role_work;
    if (!run_begin(run))
        return STATUS_UNTESTED;
    int status = STATUS_USAGE;
    if (sets_init(run, &game.observer, error, sizeof error) < 0) {
        run_cannot(run, status, "%s", error);
    } else {
        sets_describe(run->wire);
        status = run_workers(run, lead);
    }
    sets_clear(&game.observer);
    orders_clear(&game.orders);
    if (status == STATUS_CLEAN)
        run_finish(run);
    outcome_table_clear(&game.table);
    return status;
}
