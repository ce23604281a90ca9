/* A run under ThreadSanitizer: an instrumented child of its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan/detector_list.h"
#include "core/wire/status.h"
#include "driver/mode/mode.h"
#include "driver/tool/tsan.h"

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)

/* The detectors of the harness read inputs and results, which would race with the target; others are not instrumented,
 * or replace the runtime's malloc. */
static const struct member member = {
    .name = "tsan", .detect = BIT(CRASH) | BIT(HANG) | BIT(LOG) | BIT(EXCEPTION) | BIT(TSAN)};
static const struct member_set member_set = {.fallback = &member};

static bool is_selected(const struct mode_query *query)
{
    const struct request *request = query->request;
    return request->tsan || (REQUEST_GAVE(request, plan.detect) && request->plan.detect == BIT(TSAN));
}

static int narrow(struct plan *plans, size_t n, struct sentence *error)
{
    (void)error;
    for (size_t i = 0; i < n; i++)
        plans[i].detect |= BIT(TSAN);
    return 0;
}

static int find_child(struct mode_run *run, struct sentence *error)
{
    struct tsan *tsan = run->own = calloc(1, sizeof *tsan);
    if (!tsan)
        return sentence_fail(STATUS_HARNESS, error, "", "no memory");
    int result = tsan_prepare(tsan, run->request->suppressions, error);
    if (result)
        return result == -EINVAL ? STATUS_USAGE : STATUS_UNTESTED;
    run->child = strdup(tsan->child);
    run->launch = tsan->launch;
    return 0;
}

static void configure(const struct mode_run *run, struct job_settings *settings, struct run *report)
{
    const struct tsan *tsan = run->own;
    settings->reads_races = true;
    settings->patience = TSAN_PATIENCE;
    report->suppressions = &tsan->suppressions;
}

static bool distrust(struct mode_run *run, const struct outcome *outcome, struct sentence *ret)
{
    return tsan_take_child(run->own, outcome, ret);
}

static bool doubt(const struct mode_run *run, const struct run *report, struct sentence *ret)
{
    return tsan_doubt(run->own, report->threads, ret);
}

static void conclude(const struct mode_run *run, struct run *report)
{
    tsan_note(run->own, run->request->verbose, &report->notes);
}

static void clear(struct mode_run *run)
{
    tsan_clear(run->own);
    free(run->own);
}

const struct mode mode_tsan = {
    .name = "tsan",
    .option = "--tsan",
    .has_suppressions = true,
    .members = &member_set,
    .is_selected = is_selected,
    .find_child = find_child,
    .narrow = narrow,
    .configure = configure,
    .distrust = distrust,
    .doubt = doubt,
    .conclude = conclude,
    .clear = clear,
};
