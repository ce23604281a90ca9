/* Runs the children of a session in their order, and decides its status: findings, none, or nothing tested and why. */
#include "driver/session/session_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/plan/detector_list.h"
#include "driver/judge/blame.h"
#include "driver/judge/link.h"
#include "driver/session/portfolio.h"
#include "driver/session/unmask.h"
#include "driver/session/verify.h"

/* Children for the site of one damaged block. */
#define FOCUS_TRIES 3
/* A finding that more children saw brings its member no further turns. */
#define RARE 3

/* Returns the site of a block that was damaged by an instruction no detector saw, or NULL. With `suspect` the block is
 * of a package: stray writes damage blocks of the interpreter, too. A race may not show each time, so a site has
 * several turns. */
static const char *next_site(const struct session *session, bool suspect)
{
    const struct finding_list *findings = &session->run.findings;
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *finding = findings->items[i];
        unsigned tries = 0;
        if (!finding->site || finding->trapped || suspect != (finding_suspect(finding).blame == BLAME_TARGET))
            continue;
        for (unsigned k = 0; k < session->nfocused; k++)
            tries += strcmp(session->focused[k], finding->site) == 0;
        if (tries < FOCUS_TRIES)
            return finding->site;
    }
    return NULL;
}

/* Gives the next child to a damaged block's site, to catch what damages it there. */
static void focus_next(struct session *session, struct portfolio *portfolio)
{
    const char *site = next_site(session, true);
    site = site ? site : next_site(session, false);
    if (!site || session->nfocused == SESSION_FOCUS_MAX)
        return;
    session->focused[session->nfocused++] = site;
    portfolio_focus(portfolio, site);
}

/* Runs the same plan in children of different lengths, until the mode needs no further one. */
static int run_lengths(struct session *session, const struct plan *plan)
{
    const struct mode *mode = session->mode->row;
    uint64_t lengths[2];
    bool go_on = true;
    int error = 0;
    session->settings.lengths = lengths;
    session->progress.member = mode->name;
    while (!error && go_on && mode->next_lengths(&session->run, lengths)) {
        struct outcome outcome;
        error = job_run(plan, &session->settings, &outcome);
        if (!error)
            go_on = session_take(session, plan, mode->name, &outcome);
        outcome_clear(&outcome);
    }
    session->settings.lengths = NULL;
    return error;
}

/* Counts the findings of the last child that few children saw: their rates are hardly known. */
static unsigned count_rare(const struct run *run)
{
    unsigned rare = 0;
    for (size_t i = 0; i < run->findings.n; i++)
        rare += run->findings.items[i]->last_child == run->children && run->findings.items[i]->hit <= RARE;
    return rare;
}

/* What other members would find is not known. */
static void note_members(struct session *session, const struct plan *plan)
{
    const struct mode *mode = session->mode->row;
    if (member_are_named(mode->members, plan))
        note_add(&session->run.notes,
                 "members: only %s had turns; without --members, all kinds of children have some",
                 plan->members);
    else if (plan->members && !mode->members->is_named)
        note_add(&session->run.notes,
                 "members: %s left out, because a run in this mode (%s) has kinds of children of its own",
                 plan->members, mode->name);
}

static int cannot_run_members(struct session *session, const struct plan *plan)
{
    char *reason;
    if (asprintf(&reason,
                 "members: %s cannot run with these threads, detectors and perturbations; leave it out",
                 plan->members) < 0)
        return -ENOMEM;
    session_set_reason(session, STATUS_UNTESTED, reason);
    return 0;
}

static int run_portfolio(struct session *session, const struct plan *plan)
{
    struct portfolio portfolio;
    struct plan child;
    const char *member;
    struct unmask unmask;
    unmask_init(&unmask, plan);
    portfolio_init(&portfolio, &unmask.plan, session->mode->row->members);
    if (portfolio_is_empty(&portfolio)) {
        unmask_clear(&unmask);
        return cannot_run_members(session, plan);
    }
    session->progress.deadline = portfolio.deadline;
    session->nfocused = 0;
    note_members(session, plan);
    size_t from = session->run.log.n;
    bool go_on = true;
    int error = 0;
    while (!error && go_on && portfolio_next(&portfolio, &child, &member)) {
        struct outcome outcome;
        session->progress.member = member;
        error = job_run(&child, &session->settings, &outcome);
        if (!error) {
            go_on = session_take(session, &child, member, &outcome);
            portfolio_learn(&portfolio, count_rare(&session->run), outcome.seconds);
            focus_next(session, &portfolio);
            portfolio.start = session->run.start;
            unmask_learn(&unmask, &session->run, &outcome);
        }
        outcome_clear(&outcome);
    }
    if (!error && go_on)
        portfolio_list_no_turn(&portfolio, &session->run, from);
    unmask_clear(&unmask);
    return error;
}

static int run_plan(struct session *session, const struct plan *plan)
{
    bool on = isatty(STDERR_FILENO) && !session->request->quiet;
    progress_init(&session->progress, on, plan->name, 0);
    session->progress.findings = (unsigned)session->run.findings.n;
    int error = session->mode->row->next_lengths ? run_lengths(session, plan) : run_portfolio(session, plan);
    progress_clear(&session->progress);
    return error;
}

/* Verifies the findings of one plan: those of several plans would mix. */
static void verify(struct session *session, const struct plan *plan)
{
    struct run *run = &session->run;
    if (session->interrupted || session->request->verify == 0 || run->findings.n == 0 ||
        session->mode->row->has_no_trials || plan->stop_on_first)
        return;
    uint64_t deadline = clock_now() + session->request->verify;
    progress_init(&session->progress, session->progress.on, "trials", deadline);
    verify_run(run, plan, &session->settings, deadline);
    progress_clear(&session->progress);
}

/* Counts the children that could have seen each finding. */
static void count_chances(struct session *session)
{
    struct run *run = &session->run;
    for (size_t i = 0; i < run->findings.n; i++) {
        struct finding *finding = run->findings.items[i];
        for (unsigned k = 0; session->sightings && k < run->children; k++)
            if ((finding->serial ? session->sightings[k].detect : session->sightings[k].threads) &
                    DETECTOR_BIT(finding->detector) &&
                (finding->out_from == 0 || finding->last_child >= finding->out_from ||
                 k + 1 < finding->out_from))
                finding->of++;
        if (finding->of < finding->hit) /* a child may see it by another detector, such as its log */
            finding->of = finding->hit;
    }
}

/* Does the run have a finding that decides its status? */
static bool has_finding(const struct session *session)
{
    const struct finding_list *findings = &session->run.findings;
    for (size_t i = 0; i < findings->n; i++)
        if (!findings->items[i]->known &&
            (session->request->strict || findings->items[i]->blame != BLAME_USER))
            return true;
    return false;
}

static void mark_known(struct run *run)
{
    if (!run->known)
        return;
    known_mark(run->known, &run->findings);
    known_note_unused(run->known, &run->notes);
}

/* Do all detectors count over many calls? They need no two calls in flight together. */
static bool only_counted(const struct session *session)
{
    bool only = session->sightings != NULL;
    for (unsigned i = 0; only && i < session->run.children; i++)
        only = session->sightings[i].detect & (DETECTOR_COUNTERS | DETECTOR_BIT(DETECTOR_MEMCHECK));
    return only;
}

/* Decides the status of the run. It is clean only if target calls were in flight together. */
static void conclude(struct session *session)
{
    struct run *run = &session->run;
    const struct mode *mode = session->mode->row;
    const struct request *request = session->request;
    const struct {
        bool holds;
        const char *reason;
    } rows[] = {
        {session->unjudged,
         "children died or hung, and --detect leaves out the detector for it; leave --detect out"},
        {session->wire_lost,
         "records of a child were lost: the target closed or used their descriptor; leave that call out"},
        {session->killed > 0 && session->killed == run->children,
         "every child was ended by signal 9 (Killed), which none of them sent itself; see the note"},
        {session->interrupted, "interrupted before its end"},
        {request->plan.detect == 0 && REQUEST_GAVE(request, plan.detect),
         "no detector is on; leave --detect out"},
        {run->threads > 1 && run->calls == 0, "no call was made by two threads; give it more --time"},
        {run->threads > 1 && run->overlapped == 0 && !only_counted(session),
         "no two calls were ever in flight together; give it more --time, or threads with -t"},
        {run->calls + run->serial_calls == 0, "no call was made; give it more --time"},
    };
    struct sentence why;
    if (mode->conclude)
        mode->conclude(session->mode, run);
    mode_note_perturb(mode, &run->notes);
    if (request->plan.naudit > 0 && !(request->plan.detect & DETECTOR_BIT(DETECTOR_REFCOUNT)))
        note_add(
            &run->notes,
            "audit: no references were counted, because the detector refcount is off; add --detect refcount");
    run->interrupted = session->interrupted;
    if (has_finding(session)) {
        run->status = STATUS_FINDING;
        return;
    }
    if (run->harness_fault)
        session_set_reason(session, STATUS_HARNESS, strdup(run->harness_fault));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].holds)
            session_set_reason(session, STATUS_UNTESTED, strdup(rows[i].reason));
    if (mode->why_not_clean && mode->why_not_clean(session->mode, run, &why))
        session_set_reason(session, STATUS_UNTESTED, sentence_text(&why));
    run->status = run->reason ? (enum status)session->cannot : STATUS_CLEAN;
}

int session_run(struct session *session, const struct plan *plans, size_t n)
{
    uint64_t began = session->began = clock_now();
    session->one_plan = n == 1;
    session->settings.tick = progress_draw;
    session->settings.context = &session->progress;
    for (size_t i = 0; i < n && !session->interrupted; i++) {
        int error = run_plan(session, &plans[i]);
        if (error)
            return error;
    }
    session->run.seconds = clock_seconds(clock_now() - began);
    link_prune(&session->run);
    count_chances(session);
    if (n == 1)
        verify(session, &plans[0]);
    link_findings(&session->run);
    blame_findings(&session->run);
    mark_known(&session->run);
    conclude(session);
    return 0;
}

void session_clear(struct session *session)
{
    run_clear(&session->run);
    free(session->sightings);
}
