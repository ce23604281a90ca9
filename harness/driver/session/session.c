/* Which children a session runs, in which order, and when it is over. */
#include "driver/session/session_inside.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "driver/judge/blame.h"
#include "driver/judge/link.h"
#include "driver/session/portfolio.h"
#include "driver/session/unmask.h"
#include "driver/session/verify.h"

/* Children for the site of one damaged block. */
#define FOCUS_TRIES 3

static void on_tick(void *context, const struct board_totals *now)
{
    progress_draw(context, now);
}

/* A site whose block was damaged, by an instruction that nobody saw: the next child catches it in the act. A race may
 * not show each time, so a site has several turns. */
static void focus_next(struct session *session, struct portfolio *portfolio)
{
    const struct finding_list *findings = &session->run.findings;
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *finding = findings->items[i];
        unsigned tries = 0;
        if (!finding->site || finding->trapped)
            continue;
        for (unsigned k = 0; k < session->nfocused; k++)
            tries += strcmp(session->focused[k], finding->site) == 0;
        if (tries == FOCUS_TRIES || session->nfocused == SESSION_FOCUS_MAX)
            continue;
        session->focused[session->nfocused++] = finding->site;
        portfolio_focus(portfolio, finding->site);
        return;
    }
}

/* Under a tool: the same plan in a few lengths, until it is clear what grows. */
static int run_lengths(struct session *session, const struct plan *plan)
{
    uint64_t lengths[2];
    bool on = isatty(STDERR_FILENO) && !session->request->quiet, go_on = true;
    int error = 0;
    session->run.memcheck.on = true;
    session->settings.lengths = lengths;
    progress_init(&session->progress, on, plan->name, 0);
    session->progress.member = plan->under;
    for (unsigned had = 0; go_on && memcheck_next(&session->run.memcheck, lengths); had++) {
        struct outcome outcome;
        if (had > session->run.memcheck.n) /* the last one did not come to its end */
            break;
        error = job_run(plan, &session->settings, &outcome);
        if (!error)
            go_on = session_take(session, plan, plan->under, &outcome);
        outcome_clear(&outcome);
        if (error)
            break;
    }
    session->settings.lengths = NULL;
    progress_clear(&session->progress);
    return error;
}

static int run_one(struct session *session, const struct plan *plan)
{
    struct portfolio portfolio;
    struct plan child;
    const char *member;
    bool on = isatty(STDERR_FILENO) && !session->request->quiet;
    struct unmask unmask;
    unmask_init(&unmask, plan);
    portfolio_init(&portfolio, &unmask.plan);
    portfolio.tsan = session->request->tsan;
    progress_init(&session->progress, on, plan->name, portfolio.deadline);
    session->progress.findings = (unsigned)session->run.findings.n;
    session->nfocused = 0;
    bool go_on = true;
    int error = 0;
    while (go_on && portfolio_next(&portfolio, &child, &member)) {
        struct outcome outcome;
        session->progress.member = member;
        error = job_run(&child, &session->settings, &outcome);
        if (!error)
            go_on = session_take(session, &child, member, &outcome);
        if (!error) {
            focus_next(session, &portfolio);
            portfolio.start = session->run.start;
            unmask_learn(&unmask, &session->run, &outcome);
        }
        outcome_clear(&outcome);
        if (error)
            break;
    }
    unmask_clear(&unmask);
    progress_clear(&session->progress);
    return error;
}

/* What a run of one plan found is run again; of several plans nobody could say which. */
static void verify(struct session *session, const struct plan *plan)
{
    struct run *run = &session->run;
    bool dear = session->tool; /* a run takes minutes, and what it counts is the same each time */
    if (session->interrupted || session->request->verify == 0 || run->findings.n == 0 || dear ||
        plan->stop_on_first)
        return;
    uint64_t deadline = clock_now() + session->request->verify;
    progress_init(&session->progress, session->progress.on, "run again", deadline);
    verify_run(run, plan, &session->settings, deadline);
    progress_clear(&session->progress);
}

int session_run(struct session *session, const struct plan *plans, size_t n)
{
    uint64_t began = session->began = clock_now();
    session->one_plan = n == 1;
    session->settings.tick = on_tick;
    session->settings.context = &session->progress;
    for (size_t i = 0; i < n && !session->interrupted; i++) {
        const struct plan *plan = &plans[i];
        int error = session->tool ? run_lengths(session, plan) : run_one(session, plan);
        if (error)
            return error;
    }
    session->run.seconds = clock_seconds(clock_now() - began);
    link_prune(&session->run);
    session_count_chances(session);
    if (n == 1)
        verify(session, &plans[0]);
    link_findings(&session->run);
    blame_findings(&session->run);
    session_conclude(session);
    return 0;
}

void session_clear(struct session *session)
{
    run_clear(&session->run);
    free(session->sightings);
}
