#include "driver/minimize/minimize.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/fd.h"
#include "driver/minimize/reducer.h"
#include "driver/minimize/sprt.h"
#include "driver/report/document.h"

/* Failures that measure the rate of a plan, and children at most. */
#define HITS 5
#define CHILDREN_MAX 200
/* The share of the time for the trials of the whole plan. */
#define BEFORE_SHARE 3

struct trial {
    struct session session;
    struct repeat repeat;
};

static void trial_begin(struct trial *trial, struct minimize *minimize)
{
    *trial = (struct trial){.session = {.request = minimize->mode->request,
                                        .mode = minimize->mode,
                                        .settings = minimize->settings},
                            .repeat = {.id = minimize->id,
                                       .signature = minimize->signature,
                                       .hits = UINT32_MAX,
                                       .deadline = minimize->deadline}};
    trial->session.run.start = minimize->start;
}

static void trial_end(struct trial *trial, struct minimize *minimize)
{
    minimize->children += trial->session.run.children;
    minimize->start = trial->session.run.start;
    minimize->interrupted |= trial->session.interrupted;
    session_clear(&trial->session);
}

static char *path_in(const struct minimize *minimize, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", minimize->dir, name) < 0 ? NULL : path;
}

static json_t *rate_of(const struct repeat *repeat, double seconds)
{
    return json_pack("{s:i, s:i, s:f}", "hit", (int)repeat->found.again.hit, "of",
                     (int)repeat->found.again.of, "seconds", seconds);
}

static int write_state(const struct minimize *minimize)
{
    cleanup_free char *path = path_in(minimize, "state.json");
    json_auto_t *state = json_pack(
        "{s:s, s:o, s:O, s:i, s:i, s:i, s:f, s:b}", "schema", "ftstress-minimize/1", "before",
        rate_of(&minimize->before, minimize->before_seconds), "tried", minimize->tried, "candidates",
        (int)minimize->candidates, "children", (int)minimize->children, "accepted", (int)minimize->accepted,
        "seconds", minimize->seconds + clock_seconds(clock_now() - minimize->began), "complete",
        minimize->complete);
    cleanup_free char *text = state ? json_dumps(state, JSON_INDENT(1)) : NULL;
    return path && text ? fd_write_file(path, text, strlen(text)) : -ENOMEM;
}

static int write_plan(const struct minimize *minimize, const struct plan *plan)
{
    cleanup_free char *path = path_in(minimize, "plan.yaml"), *text = NULL;
    int error = path ? plan_print(plan, &text) : -ENOMEM;
    return error ? error : fd_write_file(path, text, strlen(text));
}

/* Takes over the state of an earlier run. Returns false where there is none. */
static bool read_state(struct minimize *minimize)
{
    cleanup_free char *path = path_in(minimize, "state.json"), *plan = path_in(minimize, "plan.yaml");
    json_auto_t *state = path ? json_load_file(path, 0, NULL) : NULL;
    const json_t *before = json_object_get(state, "before"), *tried = json_object_get(state, "tried");
    if (!plan || access(plan, R_OK) < 0 || !json_is_object(tried) || document_real(before, "seconds") <= 0)
        return false;
    json_decref(minimize->tried);
    minimize->tried = json_deep_copy(tried);
    minimize->before.found.again.hit = (unsigned)document_number(before, "hit");
    minimize->before.found.again.of = (unsigned)document_number(before, "of");
    minimize->before_seconds = document_real(before, "seconds");
    minimize->candidates = (unsigned)document_number(state, "candidates");
    minimize->children = (unsigned)document_number(state, "children");
    minimize->accepted = (unsigned)document_number(state, "accepted");
    minimize->seconds = document_real(state, "seconds");
    minimize->complete = document_is_true(state, "complete");
    return minimize->tried != NULL;
}

/* Runs the plan until it has failed often enough to know its rate. */
static void measure(struct minimize *minimize, const struct plan *plan, uint64_t deadline, struct repeat *ret,
                    double *ret_seconds)
{
    struct trial trial;
    trial_begin(&trial, minimize);
    trial.repeat.deadline = deadline;
    uint64_t began = clock_now();
    while (trial.repeat.found.again.hit < HITS && trial.repeat.found.again.of < CHILDREN_MAX &&
           clock_now() < deadline && repeat_once(&trial.repeat, &trial.session, plan) >= 0)
        ;
    *ret_seconds = clock_seconds(clock_now() - began);
    *ret = trial.repeat;
    trial_end(&trial, minimize);
}

static double rate_before(const struct minimize *minimize)
{
    return minimize->before.found.again.hit / minimize->before_seconds;
}

/* Does the variant fail in the same way and as often? SPRT_OPEN: not decided. */
static enum sprt_verdict try_plan(struct minimize *minimize, const struct plan *plan)
{
    enum sprt_verdict verdict = SPRT_OPEN;
    struct trial trial;
    struct sprt sprt;
    int fails = 0;
    sprt_begin(&sprt, rate_before(minimize));
    trial_begin(&trial, minimize);
    while (verdict == SPRT_OPEN && fails >= 0 && clock_now() < minimize->deadline) {
        uint64_t began = clock_now();
        fails = repeat_once(&trial.repeat, &trial.session, plan);
        if (fails >= 0)
            verdict = sprt_add(&sprt, fails, clock_seconds(clock_now() - began));
        else if (!trial.session.interrupted && clock_now() < minimize->deadline)
            verdict = SPRT_RARER; /* it cannot run */
    }
    trial_end(&trial, minimize);
    return verdict;
}

static unsigned count_statements(const struct plan *plan)
{
    unsigned n = plan->nsteps + plan->nroles;
    for (const char *at = plan->setup; at && *at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : "")
        n++;
    return n;
}

static void say_step(const struct minimize *minimize, const char *axis, const struct plan *plan)
{
    if (!minimize->mode->request->quiet)
        fprintf(stderr, "ftstress: %s: %u lines, %u inputs, %u threads left, after %u candidates\n", axis,
                count_statements(plan), plan->ninputs, plan->threads, minimize->candidates);
}

/* Tries one variant of *plan, and puts it in its place if it is good. Returns 1 for a good one, 0 for another, or
 * -errno; -ETIME: not decided. */
static int try_variant(struct minimize *minimize, const char *axis, const json_t *variant, struct plan *plan)
{
    char error[640];
    struct plan smaller;
    cleanup_free char *best = path_in(minimize, "plan.yaml"), *scratch = path_in(minimize, "candidate.yaml");
    if (!best || !scratch)
        return -ENOMEM;
    int result = reducer_apply(best, variant, scratch, &smaller, error, sizeof error);
    enum sprt_verdict verdict = result ? SPRT_RARER : try_plan(minimize, &smaller);
    if (verdict == SPRT_OPEN) {
        plan_clear(&smaller);
        return -ETIME;
    }
    minimize->candidates++;
    if (verdict == SPRT_SAME && (result = write_plan(minimize, &smaller)) == 0) {
        minimize->accepted++;
        plan_clear(plan);
        *plan = smaller;
        say_step(minimize, axis, plan);
        return 1;
    }
    plan_clear(&smaller);
    return verdict == SPRT_SAME ? result : 0;
}

static bool is_over(const struct minimize *minimize)
{
    return minimize->interrupted || clock_now() >= minimize->deadline;
}

/* Tries the variants of a list that were not tried yet. Returns as try_variant; 0: none is good. */
static int try_list(struct minimize *minimize, const char *axis, const json_t *list, struct plan *plan)
{
    size_t i;
    const json_t *variant;
    int result = 0;
    json_array_foreach (list, i, variant) {
        cleanup_free char *text = json_dumps(variant, JSON_COMPACT | JSON_SORT_KEYS);
        if (!text || json_object_get(minimize->tried, text))
            continue;
        if (is_over(minimize))
            return -ETIME;
        result = try_variant(minimize, axis, variant, plan);
        if (result < 0)
            return result;
        json_object_set_new(minimize->tried, text, json_boolean(result));
        int error = write_state(minimize);
        if (error || result)
            return error ? error : result;
    }
    return 0;
}

/* Goes along all axes until no variant is left. Returns 0 or -errno; -ETIME: the time is over. */
static int reduce(struct minimize *minimize, struct plan *plan, char *error, size_t error_size)
{
    bool again = true;
    for (size_t axis = 0; axis < reducer_axis_count;
         axis = again && axis + 1 == reducer_axis_count ? 0 : axis + 1) {
        const char *name = reducer_axes[axis];
        int result;
        again = axis ? again : false;
        do {
            struct sentence why;
            json_auto_t *list = reducer_list(minimize->mode, name, plan, &minimize->needed, &why);
            if (!list)
                return fail(-EIO, error, error_size, "%s", why.what);
            result = try_list(minimize, name, list, plan);
            again |= result > 0;
        } while (result > 0);
        if (result < 0)
            return result == -ETIME ? result
                                    : fail(result, error, error_size, "cannot write under %s: %s",
                                           minimize->dir, strerror(-result));
    }
    return 0;
}

static int begin(struct minimize *minimize, struct plan *plan, char *error, size_t error_size)
{
    cleanup_free char *best = path_in(minimize, "plan.yaml");
    bool resumed = read_state(minimize);
    uint64_t now = clock_now();
    int result = best ? plan_load(resumed ? best : minimize->plan, plan, error, error_size) : -ENOMEM;
    if (result || resumed)
        return result;
    measure(minimize, plan, now + (minimize->deadline - now) / BEFORE_SHARE, &minimize->before,
            &minimize->before_seconds);
    if (minimize->before.found.again.hit == 0)
        return -ECANCELED;
    result = write_plan(minimize, plan);
    if (!result)
        result = write_state(minimize);
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
    int result = begin(minimize, &plan, error, error_size);
    if (!result && !minimize->complete)
        result = reduce(minimize, &plan, error, error_size);
    minimize->complete |= result == 0;
    if (result == 0 || (result == -ETIME && !minimize->interrupted)) {
        result = write_state(minimize);
        measure(minimize, &plan, clock_now() + 60 * CLOCK_SECOND, &minimize->after, &minimize->after_seconds);
    }
    minimize->seconds += clock_seconds(clock_now() - minimize->began);
    plan_clear(&plan);
    return result == -ETIME ? 0 : result;
}

void minimize_clear(struct minimize *minimize)
{
    json_decref(minimize->tried);
    minimize->tried = NULL;
}
