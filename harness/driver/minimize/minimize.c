#include "driver/minimize/minimize.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/fd.h"
#include "driver/minimize/measure.h"
#include "driver/minimize/minimize_state.h"
#include "driver/minimize/sprt.h"
#include "driver/report/document.h"

/* The share of the time for the trials of the whole plan. */
#define BEFORE_SHARE 3
#define AFTER_TIME (60 * CLOCK_SECOND)
/* A variant that was rarer than a rate is rarer than one that is higher, or hardly lower, too. */
#define TRIED_MARGIN 1.3
/* The first axes, which change the plan from outside. */
#define OUTER_AXES 3
/* Axes of the second look. */
#define SECOND_AXES "statements,threads"
/* The chance that a test of a candidate is wrong, and in the second look. */
#define ERROR 0.1
#define ERROR_SECOND 0.02

/* A smaller variant that is tested. */
struct candidate {
    const json_t *variant; /* borrowed */
    char *key;             /* in minimize->tried */
    bool loaded, others;
    enum sprt_verdict verdict;
    struct plan plan;
    struct likeness like;
    struct sprt sprt;
    unsigned running;
};

static bool is_over(const struct minimize *minimize)
{
    return minimize->tester.interrupted || clock_now() >= minimize->deadline;
}

/* The failures a second that a variant is compared with: what the plan has for sure. The rate that it seems to have is
 * that of a variant which was accepted because it failed early: few others would reach it. */
static double rate_to_keep(const struct minimize *minimize)
{
    double before = rate_per_second(&minimize->before);
    return minimize->second_look || minimize->least < before ? before : minimize->least;
}

static const char *axis_of(const json_t *variant)
{
    return document_text(variant, "axis");
}

/* Where it is looked up in minimize->tried; the caller's. NULL without memory. */
static char *key_of(const struct minimize *minimize, const json_t *variant)
{
    cleanup_free char *text = reducer_key(variant);
    char *key;
    return text && asprintf(&key, "%s%s", minimize->second_look ? "again " : "", text) >= 0 ? key : NULL;
}

/* Loads the plan of a variant. One that is none cannot fail in the same way. */
static void load(struct minimize *minimize, struct candidate *candidate)
{
    char error[640];
    cleanup_free char *best = minimize_path(minimize, "plan.yaml"),
                      *scratch = minimize_path(minimize, "candidate.yaml");
    bool good = best && scratch &&
                reducer_apply(best, candidate->variant, scratch, &candidate->plan, error, sizeof error) == 0;
    if (!best || !scratch)
        plan_init(&candidate->plan);
    candidate->loaded = true;
    candidate->like = minimize->like;
    candidate->like.statement = document_text(candidate->variant, "statement");
    candidate->verdict = good ? SPRT_OPEN : SPRT_RARER;
    sprt_begin(&candidate->sprt, rate_to_keep(minimize), minimize->second_look ? ERROR_SECOND : ERROR);
}

static double typical_seconds(const struct minimize *minimize, const struct plan *plan)
{
    return minimize->idle > 0 ? minimize->idle : 1 + minimize->tester.start + clock_seconds(plan->time);
}

/* Do the children of a candidate that run leave its verdict open, whatever they do? */
static bool wants_child(const struct minimize *minimize, const struct candidate *candidate)
{
    double coming = candidate->running * typical_seconds(minimize, &candidate->plan);
    return candidate->verdict == SPRT_OPEN &&
           (candidate->running == 0 || coming < sprt_seconds_left(&candidate->sprt));
}

/* Notes that a candidate is not as good. Returns 0 or -errno. */
static int reject(struct minimize *minimize, const struct candidate *candidate, const struct plan *plan)
{
    minimize->candidates++;
    json_object_set_new(minimize->tried, candidate->key, json_real(rate_to_keep(minimize)));
    return minimize_write(minimize, plan);
}

/* Starts children until all slots are in use, the first candidates first. */
static int fill_slots(struct minimize *minimize, struct candidate *candidates, size_t n,
                      const struct plan *plan)
{
    struct tester *tester = &minimize->tester;
    int error = 0;
    for (size_t i = 0; i < n && !error && tester->running < tester->jobs;) {
        struct candidate *candidate = &candidates[i];
        if (!candidate->loaded) {
            load(minimize, candidate);
            if (candidate->verdict == SPRT_RARER)
                error = reject(minimize, candidate, plan);
        }
        if (!wants_child(minimize, candidate)) {
            i++;
            continue;
        }
        error = tester_start(tester, &candidate->plan, &candidate->like, candidate->others, i);
        candidate->running += !error;
    }
    return error;
}

static void take_result(struct minimize *minimize, struct candidate *candidate,
                        const struct tester_result *result)
{
    candidate->running--;
    minimize->children++;
    candidate->others |= result->others;
    if (!result->ran)
        candidate->verdict = SPRT_RARER;
    else if (candidate->verdict == SPRT_OPEN)
        candidate->verdict = sprt_add(&candidate->sprt, result->fails, result->seconds);
    if (result->ran && !result->fails)
        minimize->idle = result->seconds;
}

static void say_step(const struct minimize *minimize, const struct candidate *candidate, double before)
{
    const struct plan *plan = &candidate->plan;
    cleanup_free char *what = strdup(document_text(candidate->variant, "what"));
    finding_make_printable(what, false);
    if (!minimize->tester.quiet)
        fprintf(
            stderr,
            "ftstress: %s: %s; %.2g failures a second before, %.2g now; %u statements, %u inputs and %u threads "
            "left, after %u candidates in %u children\n",
            axis_of(candidate->variant), what ? what : "", before, minimize->now, plan->nsteps + plan->nroles,
            plan->ninputs, plan->threads, minimize->candidates, minimize->children);
}

/* A plan that is named after its first statement stays so. */
static void rename_plan(const struct plan *from, struct plan *plan)
{
    bool by_step = from->nsteps && plan->nsteps && from->name && strcmp(from->name, from->steps[0]) == 0;
    char *name = by_step ? strdup(plan->steps[0]) : NULL;
    if (!name)
        return;
    free(plan->name);
    plan->name = name;
}

/* Puts the candidate in place of the plan. Its rate is one of few children: the rate before counts for one more. */
static int accept(struct minimize *minimize, struct candidate *candidate, struct plan *plan)
{
    double before = minimize->now > 0 ? minimize->now : rate_per_second(&minimize->before);
    json_t *chances = json_object_get(candidate->variant, "chances");
    const struct rate rate = {.hit = candidate->sprt.hits, .seconds = candidate->sprt.seconds};
    double high;
    char *statement = strdup(candidate->like.statement);
    if (!statement)
        return -ENOMEM;
    free(minimize->statement);
    minimize->statement = statement;
    minimize->like.statement = minimize->needed.statement = statement;
    json_decref(minimize->needed.chances);
    minimize->needed.chances = json_incref(chances);
    minimize->now = (candidate->sprt.hits + 1) / (candidate->sprt.seconds + 1 / before);
    rate_interval(&rate, &minimize->least, &high);
    minimize->second_look = false;
    minimize->candidates++;
    minimize->accepted++;
    say_step(minimize, candidate, before);
    rename_plan(plan, &candidate->plan);
    plan_clear(plan);
    *plan = candidate->plan;
    plan_init(&candidate->plan);
    return minimize_write(minimize, plan);
}

/* Tests the candidates, several at a time. Returns the first that is good; n where none is; or -errno, -ETIME: the time
 * is over. */
static ssize_t test_candidates(struct minimize *minimize, struct candidate *candidates, size_t n,
                               const struct plan *plan)
{
    struct tester *tester = &minimize->tester;
    struct tester_result result;
    size_t i;
    int error = 0;
    while (!error && !is_over(minimize)) {
        error = fill_slots(minimize, candidates, n, plan);
        if (error || tester->running == 0)
            break;
        if (!tester_wait(tester, minimize->deadline, &result, &i) || tester->interrupted)
            continue;
        take_result(minimize, &candidates[i], &result);
        if (candidates[i].verdict == SPRT_SAME)
            return (ssize_t)i;
        if (candidates[i].verdict == SPRT_RARER) {
            tester_stop(tester, i);
            candidates[i].running = 0;
            error = reject(minimize, &candidates[i], plan);
        }
    }
    return error ? error : is_over(minimize) ? -ETIME : (ssize_t)n;
}

/* Fills the candidates with the variants that were not tried. Returns their number. */
static size_t choose_candidates(const struct minimize *minimize, const json_t *list,
                                struct candidate *candidates)
{
    size_t i, n = 0;
    const json_t *variant;
    double rate = rate_to_keep(minimize);
    json_array_foreach (list, i, variant) {
        char *key = key_of(minimize, variant);
        const json_t *tried = key ? json_object_get(minimize->tried, key) : NULL;
        if (!key || (tried && json_number_value(tried) <= TRIED_MARGIN * rate))
            free(key);
        else
            candidates[n++] = (struct candidate){.variant = variant, .key = key};
    }
    return n;
}

static void clear_candidates(struct candidate *candidates, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(candidates[i].key);
        if (candidates[i].loaded)
            plan_clear(&candidates[i].plan);
    }
    free(candidates);
}

/* Tries the variants along the axes that were not tried yet, and puts the first good one in place of *plan. *axis is
 * that of the good one then. Returns 1 then, 0 where none is good, or -errno with a sentence. */
static int try_axes(struct minimize *minimize, const char *axes, struct plan *plan, size_t *axis, char *error,
                    size_t error_size)
{
    struct sentence why;
    json_auto_t *list = reducer_list(minimize->tester.mode, axes, plan, &minimize->needed, &why);
    if (!list)
        return fail(-EIO, error, error_size, "%s", why.what);
    struct candidate *candidates = calloc(json_array_size(list) + 1, sizeof *candidates);
    if (!candidates)
        return fail(-ENOMEM, error, error_size, "no memory");
    size_t n = choose_candidates(minimize, list, candidates);
    ssize_t result = test_candidates(minimize, candidates, n, plan);
    tester_stop(&minimize->tester, TESTER_ALL);
    if (result >= 0 && (size_t)result < n) {
        for (size_t i = 0; i < reducer_axis_count; i++)
            if (strcmp(axis_of(candidates[result].variant), reducer_axes[i]) == 0)
                *axis = i;
        int written = accept(minimize, &candidates[result], plan);
        result = written ? written : 1;
    } else if (result >= 0)
        result = 0;
    clear_candidates(candidates, n);
    return result >= 0 || result == -ETIME ? (int)result
                                           : fail((int)result, error, error_size, "cannot write under %s: %s",
                                                  minimize->dir, strerror((int)-result));
}

/* Lists the first n axes, beginning with this one. */
static void list_axes(size_t first, size_t n, char *text, size_t size)
{
    int length = 0;
    for (size_t i = 0; i < n; i++)
        length += snprintf(text + length, size - (size_t)length, "%s%s", i ? "," : "",
                           reducer_axes[(first + i) % n]);
}

/* Goes along these axes until no variant is left. A test may be wrong, and the plan may fail more often now than at
 * first: what runs has a second look then. Returns 0 or -errno; -ETIME: the time is over. */
static int reduce_along(struct minimize *minimize, size_t naxes, struct plan *plan, char *error,
                        size_t error_size)
{
    size_t axis = 0;
    int result;
    do {
        char axes[128];
        list_axes(axis, naxes, axes, sizeof axes);
        result =
            try_axes(minimize, minimize->second_look ? SECOND_AXES : axes, plan, &axis, error, error_size);
        if (result == 0 && !minimize->second_look) {
            minimize->second_look = true;
            json_decref(minimize->needed.chances);
            minimize->needed.chances = NULL;
            result = 1;
        }
    } while (result > 0);
    minimize->second_look = false;
    return result;
}

/* The insides of a statement come when no statement is left that can go: one that should have gone would cost tests. */
static int reduce(struct minimize *minimize, struct plan *plan, char *error, size_t error_size)
{
    int result = reduce_along(minimize, OUTER_AXES, plan, error, error_size);
    return result ? result : reduce_along(minimize, reducer_axis_count, plan, error, error_size);
}

/* Measures the plan, and writes the first state. */
static int begin(struct minimize *minimize, struct plan *plan, char *error, size_t error_size)
{
    uint64_t now = clock_now();
    minimize->statement = strdup(minimize->needed.statement);
    int result = minimize->statement ? minimize_read(minimize, plan, error, error_size) : -ENOMEM;
    minimize->like.statement = minimize->needed.statement = minimize->statement;
    if (result)
        return result < 0 ? result : 0;
    cleanup_free char *path = minimize_path(minimize, "candidate.yaml"), *text = NULL;
    result = path ? plan_print(minimize->plan, &text) : -ENOMEM;
    if (!result)
        result = fd_write_file(path, text, strlen(text));
    if (!result)
        result = plan_load(path, plan, error, error_size);
    if (result)
        return fail(result, error, error_size, "cannot write under %s: %s", minimize->dir, strerror(-result));
    struct measured measured;
    measure_plan(&minimize->tester, plan, &minimize->like, now + (minimize->deadline - now) / BEFORE_SHARE,
                 &measured);
    minimize->before = measured.rate;
    minimize->children += measured.rate.of;
    if (measured.rate.hit == 0)
        return -ECANCELED;
    minimize->now = minimize->least = measure_shorten(&measured, plan);
    result = minimize_write(minimize, plan);
    return result ? fail(result, error, error_size, "cannot write under %s: %s", minimize->dir,
                         strerror(-result))
                  : 0;
}

int minimize_run(struct minimize *minimize, char *error, size_t error_size)
{
    struct plan plan;
    plan_init(&plan);
    minimize->began = clock_now();
    minimize->tried = json_object();
    int result =
        likeness_init(&minimize->like, minimize->signature, minimize->needed.statement, minimize->plan);
    if (!result)
        result = begin(minimize, &plan, error, error_size);
    if (!result && !minimize->complete)
        result = reduce(minimize, &plan, error, error_size);
    minimize->complete |= result == 0;
    if (result == 0 || result == -ETIME) {
        struct measured measured = {0};
        if (!minimize->tester.interrupted)
            measure_plan(&minimize->tester, &plan, &minimize->like, clock_now() + AFTER_TIME, &measured);
        minimize->after = measured.rate;
        minimize->children += measured.rate.of;
        minimize_write(minimize, &plan);
    }
    minimize->seconds += clock_seconds(clock_now() - minimize->began);
    plan_clear(&plan);
    return result == -ETIME ? 0 : result;
}

void minimize_clear(struct minimize *minimize)
{
    likeness_clear(&minimize->like);
    json_decref(minimize->needed.chances);
    json_decref(minimize->tried);
    free(minimize->statement);
    minimize->tried = NULL;
}
