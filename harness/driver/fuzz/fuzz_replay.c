/* Plans of the corpus that failed on an earlier night: do they fail still? They come first, so that each night has the
 * findings of the last one, and a finding of the baseline is looked for. */
#include "driver/fuzz/fuzz.h"

#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "driver/report/document.h"

/* The part of the time for it. */
#define PART 3

static bool has_failed(const struct plan *plan)
{
    return plan->about && strstr(plan->about, " " FUZZ_FAILS " ");
}

static bool has_finding(const struct unit *unit)
{
    return json_array_size(unit->findings) > 0;
}

/* Runs the one call of the unit with threads, unless the baseline made it do so. */
static int run_threads(struct fuzz *fuzz, struct unit *unit)
{
    json_auto_t *report = NULL;
    const struct unit_call *call = unit_choose_call(fuzz->sweep, unit, 0);
    if (!call || has_finding(unit) || json_object_get(json_array_get(unit->rows, 0), "looks"))
        return 0;
    return unit_run_call(fuzz->sweep, unit, call, &report);
}

static int run_alone(struct fuzz *fuzz, struct unit *unit)
{
    int error = fuzz_learn_in_place(fuzz, unit);
    error = error ? error : unit_try_failures(fuzz->sweep, unit);
    if (!error && !has_finding(unit))
        error = unit_look_for_known(fuzz->sweep, unit);
    return error ? error : run_threads(fuzz, unit);
}

/* Only the first search is made in each case. */
static int run_together(struct fuzz *fuzz, struct unit *unit, const struct plan *plan)
{
    fuzz->sweep->until = fuzz->sweep->trials_end;
    int error = fuzz_combine_plan(fuzz, unit, plan);
    fuzz->sweep->until = 0;
    return error;
}

static int replay(struct fuzz *fuzz, const struct plan *plan)
{
    struct unit unit;
    json_auto_t *entries = fuzz_take_plan(fuzz, plan);
    bool is_alone = plan->nsteps + plan->nroles == 1;
    /* Another shard runs the plan otherwise; or it is of other targets, or failed already. */
    if (!fuzz_is_own(fuzz, document_text(json_array_get(entries, 0), "name")))
        return 0;
    int error = unit_begin(&unit, entries);
    unit.complete = true;
    error = error ? error : unit_scan(fuzz->sweep, &unit);
    if (!error)
        error = is_alone ? run_alone(fuzz, &unit) : run_together(fuzz, &unit, plan);
    error = error ? error : fuzz_learn(fuzz, &unit);
    json_auto_t *result = unit_document(&unit);
    fuzz_add_total(fuzz, result);
    fuzz_save_total(fuzz);
    unit_clear(&unit);
    return error;
}

static size_t count_failed(const struct corpus *corpus, size_t from)
{
    size_t n = 0;
    for (size_t i = from; i < corpus->n; i++)
        n += has_failed(&corpus->plans[i]);
    return n;
}

uint64_t fuzz_turn_end(uint64_t now, uint64_t until, size_t plans)
{
    return until > now ? now + (until - now) / plans : now;
}

/* Each plan has its part of the time, with all that follows a failure: a known one would take that of the others. */
int fuzz_replay(struct fuzz *fuzz)
{
    uint64_t now = clock_now(), until = now;
    int error = 0;
    if (fuzz->sweep->deadline > now)
        until += (fuzz->sweep->deadline - now) / PART;
    fuzz_read_corpus(fuzz);
    for (size_t i = 0; i < fuzz->corpus.n && !error; i++) {
        now = clock_now();
        if (!has_failed(&fuzz->corpus.plans[i]) || now >= until || sweep_is_over(fuzz->sweep))
            continue;
        fuzz->sweep->trials_end = fuzz_turn_end(now, until, count_failed(&fuzz->corpus, i));
        error = replay(fuzz, &fuzz->corpus.plans[i]);
    }
    fuzz->sweep->trials_end = 0;
    return error;
}
