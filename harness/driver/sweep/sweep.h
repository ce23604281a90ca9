/* A sweep: every public callable of modules, first on one thread, each call with a limit, then together under threads.
 *
 * Contract. The callables are divided into units, and the work into passes over all units (sweep_pass.c). A worker,
 * which is a fork of the driver with one thread, takes a pass of a unit, runs its children, and writes the file of the
 * unit (sweep_state.h), from which the next pass goes on. Nothing else passes between workers but the counters of
 * `board`. The next sweep of the same task goes on with the passes that the files lack. */
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

/* What a sweep does with each unit, in this order. A report calls the first five by their names (sweep_progress.c). */
enum sweep_pass {
    PASS_FIRST,     /* few calls of each callable, on one thread */
    PASS_FAILURES,  /* those that failed, each by itself */
    PASS_FORMS,     /* the other calls, on one thread */
    PASS_SEQUENCES, /* several calls on one object, on one thread */
    PASS_THREADS,   /* a call that returned, with several threads */
    PASS_KNOWN,     /* findings of the baseline that did not show */
    SWEEP_PASSES
};

/* Counters that all workers share. */
struct sweep_board {
    _Atomic unsigned next;               /* turn to take (sweep_pass.c) */
    _Atomic unsigned done, calls, found; /* turns of units, calls of one thread, findings */
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
    uint64_t deadline; /* clock_now(); 0: none */
    unsigned jobs;     /* workers */
    bool shows;        /* progress on a terminal */
    bool signals;      /* children list kinds of results, for a fuzzer */
    /* The sweep's own. */
    char *dir;            /* folder of the state */
    char *scratch;        /* private temporary folder of this worker's children */
    json_t *catalogue;    /* what catalogue.py writes */
    json_t *units;        /* arrays of entries of the catalogue */
    unsigned *order;      /* of the units, drawn from the seed */
    enum sweep_pass pass; /* of this worker, */
    uint64_t until;       /* clock_now() at which it ends; 0: with the sweep */
    uint64_t trials_end; /* clock_now() at which trials end, or soon behind it; 0: they have all their time */
    int locks;           /* a file in memory; its bytes are locks of the units */
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

/* Is the time over, or that of the pass, or did the user interrupt it? */
bool sweep_is_over(const struct sweep *sweep);
/* When the pass of this worker ends; 0: never. */
uint64_t sweep_end(const struct sweep *sweep);

/* Draws the line of progress on a terminal. A tick of jobs: `context` is the sweep. */
void sweep_draw(void *context, const struct board_totals *now);

/* sweep_report.c: the report of a sweep, with the results of its units in one document. Fills the run with sums, and
 * decides its status. Removes the state of a complete sweep. A new reference, or NULL without memory. */
json_t *sweep_report(struct sweep *sweep, struct run *run);
/* The same of one result, in the form of unit_document. */
json_t *sweep_report_result(const struct sweep *sweep, struct run *run, const json_t *result);

/* sweep_progress.c: the name of a pass in the JSON report, such as "first". */
const char *sweep_pass_name(enum sweep_pass pass);

/* sweep_pass.c: draws the order of the units in each pass from the seed. Returns 0 or -ENOMEM. */
int sweep_draw_order(struct sweep *sweep);
/* sweep_pass.c: a worker takes turns, which are a pass of a unit, until none is left. Returns 0 or -errno. */
int sweep_work(struct sweep *sweep);
