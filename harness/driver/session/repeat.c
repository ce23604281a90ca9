#include "driver/session/repeat.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/plan/detector_list.h"
#include "driver/judge/blame.h"
#include "driver/judge/link.h"
#include "driver/session/session_inside.h"

/* After its start a child has at least this time. */
#define WORK_LEAST (1200 * UINT64_C(1000000))
#define START_FACTOR 1.2

bool repeat_is_same(const struct repeat *repeat, const struct finding *finding)
{
    return strcmp(finding->signature, repeat->signature) == 0 || strcmp(finding->id, repeat->id) == 0 ||
           (finding->alias && strcmp(finding->alias, repeat->signature) == 0);
}

static bool is_wanted(const struct repeat *repeat, const struct finding *finding, const struct plan *plan)
{
    return repeat->like ? likeness_holds(repeat->like, finding, plan) : repeat_is_same(repeat, finding);
}

/* Returns true where the last child showed the failure. */
static bool look_at_child(struct repeat *repeat, const struct run *run, const struct plan *plan)
{
    bool same = false, other = false;
    for (size_t i = 0; i < run->findings.n; i++) {
        const struct finding *finding = run->findings.items[i];
        if (finding->last_child != run->children)
            continue;
        bool wanted = is_wanted(repeat, finding, plan);
        same |= wanted;
        other |= !wanted;
    }
    repeat->others |= other && !same;
    return same;
}

static void count_child(struct repeat *repeat, const struct run *run, const struct plan *plan,
                        const struct outcome *outcome)
{
    struct verification *found = &repeat->found;
    if (outcome->cannot)
        return;
    bool fails = look_at_child(repeat, run, plan);
    found->again.of++;
    found->again.hit += fails;
    if (!fails || found->nfirst == VERIFICATION_HITS || outcome->seconds_to_hit <= 0)
        return;
    found->first[found->nfirst].calls = outcome->calls_to_hit;
    found->first[found->nfirst++].seconds = outcome->seconds_to_hit;
}

/* A child ends at its first finding, until another finding did that before this one came. Detectors that count need all
 * of its time. */
static struct plan plan_child(const struct repeat *repeat, const struct session *session,
                              const struct plan *plan)
{
    struct plan child = *plan;
    uint64_t start = (uint64_t)(START_FACTOR * session->run.start * (double)CLOCK_SECOND);
    child.stop_on_first = !repeat->others && !(plan->detect & DETECTOR_COUNTERS);
    if (child.time && repeat->brief)
        child.time += start;
    else if (child.time && child.time < start + WORK_LEAST)
        child.time = start + WORK_LEAST;
    return child;
}

static void begin(struct repeat *repeat, struct session *session, const struct plan *plan)
{
    bool on = isatty(STDERR_FILENO) && !session->request->quiet;
    struct run *run = &session->run;
    repeat->started = true;
    run->threads = plan->threads;
    run->seed = plan->seed;
    run->share = plan->share;
    if (session->mode->row->configure)
        session->mode->row->configure(session->mode, &session->settings, run);
    session->began = clock_now();
    session->one_plan = true;
    session->settings.tick = progress_draw;
    session->settings.context = &session->progress;
    progress_init(&session->progress, on, plan->name, repeat->deadline);
    session->progress.member = "trials";
}

int repeat_run(struct repeat *repeat, struct session *session, const struct plan *plan)
{
    const struct trials *again = &repeat->found.again;
    int error = 0;
    if (!repeat->started)
        begin(repeat, session, plan);
    while (!error && !session->run.reason && !session->run.harness_fault && !session->interrupted &&
           again->hit < repeat->hits && again->of < repeat->most && clock_now() < repeat->deadline) {
        struct outcome outcome;
        struct plan child = plan_child(repeat, session, plan);
        error = job_run(&child, &session->settings, &outcome);
        if (!error) {
            session_take(session, &child, "trial", &outcome);
            count_child(repeat, &session->run, plan, &outcome);
        }
        outcome_clear(&outcome);
    }
    progress_clear(&session->progress);
    return error;
}

int repeat_once(struct repeat *repeat, struct session *session, const struct plan *plan)
{
    const struct trials *again = &repeat->found.again, before = *again;
    repeat->most = before.of + 1;
    if (repeat_run(repeat, session, plan) < 0 || again->of == before.of)
        return -1;
    return again->hit > before.hit;
}

void repeat_conclude(struct session *session)
{
    session->run.seconds = clock_seconds(clock_now() - session->began);
    link_prune(&session->run);
    link_findings(&session->run);
    blame_findings(&session->run);
}
