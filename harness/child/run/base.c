/* What all parts of a run use: the base space, which is made again and again, calls, and sentences. */
#include "child/run/run.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/prng.h"
#include "child/crash/crash.h"
#include "child/run/worker.h"
#include "child/space/reach.h"
#include "core/plan/perturb.h"
#include "core/wire/record.h"
#include "core/wire/status.h"

uint64_t run_calls_made(const struct run *run)
{
    struct board_totals totals;
    board_sum(run->board, &totals);
    return totals.calls;
}

static void raise_to(_Atomic uint64_t *most, uint64_t value)
{
    uint64_t old = atomic_load(most);
    while (old < value && !atomic_compare_exchange_weak(most, &old, value)) {
    }
}

void run_count_round(struct run *run, uint64_t reached, uint64_t iterations, uint64_t time)
{
    uint64_t least = atomic_load(&run->behind);
    raise_to(&run->reached, reached);
    while (least > reached && !atomic_compare_exchange_weak(&run->behind, &least, reached)) {
    }
    raise_to(&run->busy, time / (iterations + 1) + 1);
}

static void send_cut(const struct run *run, const char *names)
{
    char text[512];
    snprintf(
        text, sizeof text,
        "not all of %s was searched for arrays to watch: the limits for a name are %d levels, %d arrays, "
        "%d objects and %d MiB",
        names, REACH_DEPTH, REACH_ARRAYS, REACH_OBJECTS, REACH_BYTES >> 20);
    RECORD_SEND(run->wire, RECORD_NOTE, .texts = {text});
}

bool run_make_base(struct run *run, bool tripwire)
{
    char error[640], text[800];
    struct space made;
    bool has_base = run->base.names != NULL;
    if (has_base)
        space_unwatch(&run->base);
    run->maker->tripwire = tripwire;
    if (space_make(run->maker, &made, error, sizeof error) == 0) {
        if (*made.cut && !has_base)
            send_cut(run, made.cut);
        space_drop(&run->base);
        run->base = made;
        run->generation++;
        run->base_calls = run_calls_made(run);
        run->base_iteration = atomic_load(&run->reached);
        return true;
    }
    if (!has_base) {
        run_cannot(run, STATUS_UNTESTED, "%s", error);
        return false;
    }
    /* A setup that works only once (it makes a file, it starts a server) serves all rounds. */
    run->maker->tripwire = false;
    space_watch(run->maker, &run->base);
    run->generation++;
    snprintf(
        text, sizeof text, "the setup cannot be run twice, so all rounds%s share its first objects%s: %s",
        tripwire ? ", without the tripwire," : "",
        run->plan->perturb & PERTURB_FRESH ? ", which none of them uses for the first time," : "", error);
    RECORD_SEND(run->wire, RECORD_NOTE, .texts = {text});
    run->setup_once = true;
    return true;
}

int run_cannot(const struct run *run, int status, const char *format, ...)
{
    char sentence[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    crash_note_limits();
    RECORD_SEND(run->wire, RECORD_CANNOT, .values = {[CANNOT_STATUS] = status}, .texts = {sentence});
    return status;
}

/* One sample in 4 also counts which statements the others run. */
#define PAIRS_EVERY 4

/* Counts the statements of other threads that run together with this one. */
static void count_pairs(const struct worker *worker, unsigned step)
{
    const struct run *run = worker->run;
    const struct program *program = run->program;
    unsigned here = worker->body->first + step;
    if (here >= BOARD_STATEMENTS)
        return;
    atomic_fetch_add_explicit(&run->board->looks[here], 1, memory_order_relaxed);
    for (unsigned other = 0; other < run->plan->threads; other++) {
        const struct board_slot *slot = &run->board->slots[other];
        if (other == worker->index || !(atomic_load_explicit(&slot->sequence, memory_order_relaxed) & 1))
            continue;
        unsigned there = program->bodies[other % program->nbodies].first +
                         atomic_load_explicit(&slot->step, memory_order_relaxed);
        if (there < BOARD_STATEMENTS)
            atomic_fetch_add_explicit(&run->board->pairs[here][there], 1, memory_order_relaxed);
    }
}

void worker_sample_overlap(struct worker *worker, unsigned step)
{
    struct board_slot *slot = worker->slot;
    bool inside = board_others_inside(worker->run->board, worker->run->plan->threads, worker->index);
    uint64_t sampled = atomic_load_explicit(&slot->sampled, memory_order_relaxed);
    uint64_t overlapped = atomic_load_explicit(&slot->overlapped, memory_order_relaxed);
    atomic_store_explicit(&slot->sampled, sampled + 1, memory_order_relaxed);
    atomic_store_explicit(&slot->overlapped, overlapped + inside, memory_order_relaxed);
    /* Randomise the interval so that sampling does not lock onto one statement. */
    uint64_t dice = prng_mix(sampled ^ (uint64_t)worker->index << 32), every = worker->run->sample_every;
    worker->sample_at = worker->calls + 1 + dice % (2 * every - 1);
    if (worker->run->program && (every == 1 || (dice >> 32) % PAIRS_EVERY == 0))
        count_pairs(worker, step);
}
