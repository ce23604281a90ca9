#include "driver/fuzz/fuzz.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "core/wire/status.h"
#include "driver/fuzz/fuzz_draw.h"
#include "driver/report/document.h"
#include "driver/sweep/sweep_child.h"
#include "driver/sweep/sweep_state.h"

/* The stream of numbers for a fuzzer. */
#define STREAM 17

/* Lists the arguments of all calls. */
static void list_arguments(struct fuzz *fuzz)
{
    json_auto_t *arguments = json_object();
    size_t i, k;
    json_t *entry, *call, *value;
    const char *text;
    json_array_foreach (json_object_get(fuzz->sweep->catalogue, "callables"), i, entry)
        json_array_foreach (json_object_get(entry, "calls"), k, call)
            draw_learn(json_string_value(call), arguments);
    fuzz->arguments = json_array();
    json_object_foreach (arguments, text, value)
        json_array_append_new(fuzz->arguments, json_string(text));
}

/* Lists the callables of the targets that have calls. A new reference. */
static json_t *list_entries(const struct fuzz *fuzz)
{
    json_t *entries = json_array(), *entry;
    size_t i;
    json_array_foreach (json_object_get(fuzz->sweep->catalogue, "callables"), i, entry)
        if (fuzz_depth(fuzz, document_text(entry, "name")) < UINT_MAX &&
            json_array_size(json_object_get(entry, "calls")) > 0)
            json_array_append(entries, entry);
    return entries;
}

/* Divides the callables into those of this shard and others. A shard without callables has a report, too: merge misses
 * no shard then. */
static int choose_entries(struct fuzz *fuzz, struct sentence *error)
{
    size_t i;
    const json_t *entry;
    list_arguments(fuzz);
    fuzz->all = list_entries(fuzz);
    sweep_leave_shard(fuzz->sweep);
    fuzz->entries = list_entries(fuzz);
    json_array_foreach (fuzz->entries, i, entry)
        json_object_set_new(fuzz->own, document_text(entry, "name"), json_true());
    if (json_array_size(fuzz->all) > 0)
        return 0;
    return fuzz_why_no_entry(fuzz, error);
}

/* Opens the folders of the corpus and of findings. */
static int open_folders(struct fuzz *fuzz, json_t *environment, struct sentence *error)
{
    const char *out = fuzz->sweep->request->out;
    int failed = corpus_open(&fuzz->corpus);
    if (failed)
        return sentence_fail(STATUS_HARNESS, error, "name another folder with --corpus",
                             "cannot make the folder %s: %s", fuzz->corpus.dir, strerror(-failed));
    failed = fuzz_open_total(fuzz, environment);
    if (failed)
        return sentence_fail(STATUS_HARNESS, error, "name another folder with --out",
                             failed == -EBUSY ? "another fuzzer or sweep writes its results under %s"
                                              : "cannot keep results under %s: %s",
                             out, strerror(-failed));
    return 0;
}

/* Lists the modules of the targets. */
static int list_modules(const struct fuzz *fuzz, json_t *names, struct sentence *error)
{
    for (size_t i = 0; i < fuzz->ntargets; i++) {
        const char *target = fuzz->targets[i];
        if (strchr(target, '('))
            return sentence_fail(STATUS_USAGE, error,
                                 "write module:callable without arguments, which are drawn",
                                 "'%s' has arguments", target);
        json_array_append_new(names, json_stringn(target, strcspn(target, ":")));
    }
    return 0;
}

/* Lists the callables of the modules, and opens the folders. Returns as sweep_run. */
static int prepare(struct fuzz *fuzz, struct sentence *error)
{
    json_auto_t *names = json_array(), *environment = NULL;
    fuzz->prng = prng_stream(fuzz->sweep->request->plan.seed, STREAM);
    fuzz->spent = json_object();
    fuzz->in_place = json_object();
    fuzz->met = json_object();
    fuzz->turns = json_object();
    fuzz->returned = json_object();
    fuzz->thin = json_object();
    fuzz->rows = json_object();
    fuzz->others = json_object();
    fuzz->own = json_object();
    fuzz->total = json_pack("{s:[], s:[], s:{}, s:[]}", "findings", "verifications", "environment", "notes");
    fuzz->sweep->modules = fuzz->targets;
    fuzz->sweep->nmodules = fuzz->ntargets;
    int status = list_modules(fuzz, names, error);
    status = status ? status : sweep_prepare(fuzz->sweep, names, &environment, error);
    status = status ? status : choose_entries(fuzz, error);
    fuzz->table = json_incref(json_object_get(fuzz->sweep->catalogue, "inputs"));
    fuzz->names = fuzz_list_names(fuzz);
    return status ? status : open_folders(fuzz, environment, error);
}

/* A call that failed shortly before the end is run by itself all the same. */
static int try_failures(struct fuzz *fuzz, struct unit *unit)
{
    uint64_t deadline = fuzz->sweep->deadline;
    fuzz->sweep->deadline = 0;
    int error = fuzz_learn_in_place(fuzz, unit);
    error = error ? error : unit_try_failures(fuzz->sweep, unit);
    fuzz->sweep->deadline = deadline;
    return error;
}

bool fuzz_is_for_threads(const struct fuzz *fuzz, uint64_t now)
{
    return fuzz->threaded <= (now - fuzz->sweep->began) / 2;
}

bool fuzz_is_for_mixes(const struct fuzz *fuzz, uint64_t now)
{
    const struct sweep *sweep = fuzz->sweep;
    return fuzz->passed || now - sweep->began > (sweep->deadline - sweep->began) / 2;
}

/* Runs the calls that returned under threads. */
static int run_threads(struct fuzz *fuzz, struct unit *unit)
{
    uint64_t began = clock_now();
    if (!fuzz_is_for_threads(fuzz, began))
        return 0;
    fuzz_count_turns(fuzz, unit);
    int error = unit_run_threads(fuzz->sweep, unit);
    if (!error && fuzz_is_for_mixes(fuzz, began))
        error = fuzz_combine(fuzz, unit);
    fuzz->threaded += clock_now() - began;
    return error;
}

static int run_round(struct fuzz *fuzz)
{
    struct unit unit;
    fuzz_read_corpus(fuzz);
    json_auto_t *entries = fuzz_draw_round(fuzz);
    int error = unit_begin(&unit, entries);
    unit.complete = true;
    error = error ? error : unit_scan(fuzz->sweep, &unit);
    error = error ? error : try_failures(fuzz, &unit);
    error = error ? error : fuzz_learn(fuzz, &unit);
    error = error ? error : run_threads(fuzz, &unit);
    error = error ? error : fuzz_learn(fuzz, &unit);
    json_auto_t *result = unit_document(&unit);
    fuzz_add_total(fuzz, result);
    fuzz_save_total(fuzz);
    unit_clear(&unit);
    fuzz->rounds++;
    atomic_fetch_add(&fuzz->sweep->board->done, 1);
    return error;
}

static bool has_callable_left(const struct fuzz *fuzz)
{
    size_t i;
    const json_t *entry;
    json_array_foreach (fuzz->entries, i, entry)
        if (!fuzz_is_spent(fuzz, document_text(entry, "name")))
            return true;
    return false;
}

static json_t *make_report(struct fuzz *fuzz, struct run *run)
{
    fuzz_end_total(fuzz);
    json_t *report = sweep_report_result(fuzz->sweep, run, fuzz->total);
    json_object_set_new(report, "fuzz",
                        json_pack("{s:s, s:i, s:i, s:i, s:i, s:i}", "corpus", fuzz->corpus.dir, "rounds",
                                  (int)fuzz->rounds, "plans", (int)fuzz->corpus.n, "kept",
                                  (int)fuzz->corpus.kept, "unread", (int)fuzz->corpus.unread, "signals",
                                  (int)json_object_size(fuzz->corpus.seen)));
    return report;
}

/* What was found is reported, even if no more can be kept. */
static void report_failure(struct fuzz *fuzz, struct run *run, int failed)
{
    free(run->reason);
    run->status = STATUS_HARNESS;
    if (asprintf(&run->reason, "cannot keep findings under %s: %s", fuzz->sweep->request->out,
                 strerror(-failed)) < 0)
        run->reason = NULL;
}

int fuzz_run(struct fuzz *fuzz, struct run *run, json_t **ret_report, struct sentence *error)
{
    int status = prepare(fuzz, error);
    if (status)
        return status;
    int failed = sweep_child_open(fuzz->sweep);
    if (failed)
        return sentence_fail(STATUS_HARNESS, error, "name another one with TMPDIR",
                             "cannot make a temporary folder: %s", strerror(-failed));
    failed = fuzz_replay(fuzz);
    while (!failed && !sweep_is_over(fuzz->sweep) && has_callable_left(fuzz))
        failed = run_round(fuzz);
    fuzz_read_corpus(fuzz);
    sweep_child_close(fuzz->sweep);
    *ret_report = make_report(fuzz, run);
    if (failed)
        report_failure(fuzz, run, failed);
    return *ret_report ? 0 : sentence_fail(STATUS_HARNESS, error, "", "no memory for the report");
}

void fuzz_end(struct fuzz *fuzz)
{
    if (fuzz->sweep->dir)
        sweep_state_remove(fuzz->sweep);
}

void fuzz_clear(struct fuzz *fuzz)
{
    json_t *const owned[] = {fuzz->table,     fuzz->names, fuzz->entries,  fuzz->all,    fuzz->own,
                             fuzz->arguments, fuzz->spent, fuzz->in_place, fuzz->met,    fuzz->returned,
                             fuzz->thin,      fuzz->turns, fuzz->rows,     fuzz->others, fuzz->total};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        json_decref(owned[i]);
    corpus_clear(&fuzz->corpus);
    free(fuzz->deck);
}
