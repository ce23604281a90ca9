/* A sweep: every public callable of modules, first on one thread, each call with a limit, then together under threads.
 *
 * Contract. The callables are divided into units. A worker, which is a fork of the driver with one thread, takes a
 * unit, runs its children, and writes one file with the results (sweep_state.h). Nothing else passes between workers
 * but the counters of `board`. The next sweep of the same task goes on with the units that have no file. */
#pragma once

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/sentence.h"
#include "core/plan/option.h"
#include "driver/finding/run.h"
#include "driver/job/job.h"
#include "driver/mode/mode.h"

/* Counters that all workers share. */
struct sweep_board {
    _Atomic unsigned next;               /* unit to take */
    _Atomic unsigned done, calls, found; /* units, calls of one thread, findings */
    _Atomic unsigned kept;               /* plans in the corpus of a fuzzer */
    _Atomic bool interrupted;            /* by the user */
};

struct sweep {
    /* Set by the caller; what they point to outlives the sweep. */
    const struct request *request;
    struct mode_run *mode;
    struct known_list *known; /* of --known and --baseline; may be empty */
    struct job_settings settings;
    char *const *modules;
    size_t nmodules;
    uint64_t deadline; /* clock_now() */
    unsigned jobs;     /* workers */
    bool shows;        /* progress on a terminal */
    bool signals;      /* children list kinds of results, for a fuzzer */
    /* The sweep's own. */
    char *dir;         /* folder of the state */
    char *scratch;     /* private temporary folder of this worker's children */
    json_t *catalogue; /* what catalogue.py writes */
    json_t *units;     /* arrays of entries of the catalogue */
    struct sweep_board *board;
    unsigned turns; /* calls of a callable that threads make, at most; 0: one */
    uint64_t drawn, began;
    bool resumed; /* an earlier sweep left results */
};

/* Runs the sweep. On success *ret_report is the document of its report, a new reference, and `run` has what it says in
 * sum. Returns 0, or an exit status with *error. */
int sweep_run(struct sweep *sweep, struct run *run, json_t **ret_report, struct sentence *error);
void sweep_clear(struct sweep *sweep);

/* The first step of sweep_run: imports the modules and lists their callables. *ret_environment: a new reference.
 * Returns as sweep_run. */
int sweep_prepare(struct sweep *sweep, json_t *names, json_t **ret_environment, struct sentence *error);

/* Leaves the callables of this shard in the catalogue, by a hash of their names: others that come or go change no shard
 * but their own. */
void sweep_leave_shard(const struct sweep *sweep);

/* Is the time over, or did the user interrupt it? */
bool sweep_is_over(const struct sweep *sweep);

/* Draws the line of progress on a terminal. A tick of jobs: `context` is the sweep. */
void sweep_draw(void *context, const struct board_totals *now);
