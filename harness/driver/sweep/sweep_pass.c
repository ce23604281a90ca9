#include "driver/sweep/sweep_unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/prng.h"
#include "driver/sweep/sweep_child.h"
#include "driver/sweep/sweep_state.h"

/* The stream of numbers for the order. */
#define STREAM 29
/* With a limit of time each pass ends before the sweep does, so that the later ones have a turn. What they leave of the
 * time is for the turns that were cut off: the second round. */
#define ROUNDS 2

static const struct {
    int (*run)(struct sweep *sweep, struct unit *unit);
    double end; /* part of the time at which it is over */
} passes[SWEEP_PASSES] = {
    [PASS_FIRST] = {unit_scan_first, 0.40},    [PASS_FAILURES] = {unit_try_failures, 0.55},
    [PASS_FORMS] = {unit_scan_forms, 0.75},    [PASS_SEQUENCES] = {unit_scan_sequences, 0.82},
    [PASS_THREADS] = {unit_run_threads, 0.98}, [PASS_KNOWN] = {unit_look_for_known, 1},
};

int sweep_draw_order(struct sweep *sweep)
{
    size_t n = json_array_size(sweep->units);
    struct prng prng = prng_stream(sweep->request->plan.seed, STREAM);
    sweep->order = calloc(n + 1, sizeof *sweep->order);
    for (unsigned i = 0; sweep->order && i < n; i++) {
        size_t k = prng_below(&prng, i + 1);
        sweep->order[i] = sweep->order[k];
        sweep->order[k] = i;
    }
    return sweep->order ? 0 : -ENOMEM;
}

/* Those that later looks stand on come first, however late: a finding of the baseline is looked for in all calls. */
static bool is_due(const struct unit *unit, enum sweep_pass pass)
{
    bool has_all = (unit->passes | PASS_BIT(PASS_KNOWN)) == PASS_BIT(SWEEP_PASSES) - 1;
    return !(unit->passes & PASS_BIT(pass)) && (pass != PASS_KNOWN || has_all);
}

static int run_pass(struct sweep *sweep, struct unit *unit, unsigned number)
{
    unit->complete = true;
    int error = passes[sweep->pass].run(sweep, unit);
    if (unit->complete)
        unit->passes |= PASS_BIT(sweep->pass);
    json_auto_t *result = error ? NULL : unit_document(unit);
    json_object_set_new(result, "complete", json_boolean(unit->passes == PASS_BIT(SWEEP_PASSES) - 1));
    json_object_set_new(result, "state", unit_save(unit));
    unit_add_turns(unit, result);
    return error ? error : sweep_state_write(sweep, number, result);
}

/* Only one worker at a time has a unit: its next pass waits for the one before. The lock ends with its process. */
static int set_lock(const struct sweep *sweep, unsigned unit, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)unit, .l_len = 1};
    while (fcntl(sweep->locks, F_SETLKW, &lock) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

/* Returns clock_now() at which the pass is over; 0: with the sweep. */
static uint64_t end_of_pass(const struct sweep *sweep, enum sweep_pass pass, unsigned round)
{
    uint64_t time = sweep->deadline - sweep->began;
    if (!sweep->deadline || round > 0)
        return 0;
    return sweep->began + (uint64_t)((double)time * passes[pass].end);
}

/* Runs the passes of the unit up to this one that are due. Another worker may have been slower: its pass comes
 * first. */
static int run_passes(struct sweep *sweep, struct unit *unit, unsigned number, enum sweep_pass last,
                      unsigned round)
{
    int error = 0;
    for (int pass = 0; pass <= (int)last && !error; pass++) {
        sweep->pass = (enum sweep_pass)pass;
        sweep->until = end_of_pass(sweep, sweep->pass, round);
        if (!sweep_is_over(sweep) && is_due(unit, sweep->pass))
            error = run_pass(sweep, unit, number);
    }
    sweep->until = 0;
    return error;
}

static int take_turn(struct sweep *sweep, unsigned number, enum sweep_pass pass, unsigned round)
{
    struct unit unit;
    int error = set_lock(sweep, number, F_WRLCK);
    if (error)
        return error;
    json_auto_t *before = sweep_state_read(sweep, number);
    error = unit_begin(&unit, json_array_get(sweep->units, number));
    error = error ? error : unit_resume(&unit, before);
    error = error ? error : run_passes(sweep, &unit, number, pass, round);
    if (round == 0)
        atomic_fetch_add(&sweep->board->done, 1);
    (void)set_lock(sweep, number, F_UNLCK);
    unit_clear(&unit);
    return error;
}

int sweep_work(struct sweep *sweep)
{
    unsigned n = (unsigned)json_array_size(sweep->units), rounds = sweep->deadline ? ROUNDS : 1;
    int error = sweep_child_open(sweep);
    while (!error && !sweep_is_over(sweep)) {
        unsigned turn = atomic_fetch_add(&sweep->board->next, 1);
        if (turn >= rounds * SWEEP_PASSES * n)
            break;
        error = take_turn(sweep, sweep->order[turn % n], (enum sweep_pass)(turn / n % SWEEP_PASSES),
                          turn / n / SWEEP_PASSES);
    }
    sweep_child_close(sweep);
    return error;
}
