/* Calls of a sweep as plans of their own; those that failed, alone. */
#include "driver/sweep/sweep_unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"
#include "core/plan/detector_list.h"
#include "driver/merge/merge.h"
#include "driver/report/document.h"
#include "driver/report/report.h"
#include "driver/session/session.h"
#include "driver/sweep/sweep_child.h"
#include "driver/sweep/sweep_trial.h"

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)
#define OUTSIDE (BIT(CRASH) | BIT(HANG) | BIT(LOG))
#define SECONDS(n) ((n)*CLOCK_SECOND)
/* Iterations of a call that failed, and failed calls of one callable that are run again. */
#define ALONE_CALLS 30
#define ALONE_TRIES 3u
/* On a busy machine the imports alone take seconds; most trials end at their first call. */
#define ALONE_TIME SECONDS(18)
/* Less time shows nothing. */
#define TIME_LEAST SECONDS(1)
/* Children of a call that failed: with every block between inaccessible pages, so that the guilty instruction is
 * caught; and with the other detectors of one thread. */
static const struct member alone_members[] = {
    {.name = "guard", .alone = true, .detect = OUTSIDE | BIT(GUARD), .unique = BIT(GUARD)},
    {.name = "serial",
     .alone = true,
     .serial = true,
     .detect = OUTSIDE | BIT(INVARIANT) | BIT(TRIPWIRE),
     .unique = BIT(INVARIANT) | BIT(TRIPWIRE)},
    {.name = "bare", .alone = true, .detect = OUTSIDE, .unique = OUTSIDE},
};
static const struct member_set alone = {.members = alone_members,
                                        .n = sizeof alone_members / sizeof *alone_members,
                                        .fallback = &alone_members[2]};

void trial_add_ids(json_t *row, const json_t *findings)
{
    size_t i;
    const json_t *finding;
    if (!json_object_get(row, "findings"))
        json_object_set_new(row, "findings", json_array());
    json_t *ids = json_object_get(row, "findings");
    json_array_foreach (findings, i, finding)
        json_array_append(ids, json_object_get(finding, "id"));
}

static void count_session(struct unit *unit, const struct session *session, json_t *report)
{
    unit->children += session->run.children;
    unit->serial_calls += session->run.serial_calls;
    if (session->run.threads == 1) {
        unit->serial_calls += session->run.calls;
    } else {
        unit->thread_calls += session->run.calls;
        unit->sampled += session->run.sampled;
        unit->overlapped += session->run.overlapped;
    }
    json_object_update_missing(unit->environment, json_object_get(report, "environment"));
}

/* Of what one call shows by itself, leaves the cause: the instruction that was caught, else what comes first. */
static void leave_one(struct finding_list *findings)
{
    size_t best = 0;
    for (size_t i = findings->n; i-- > 0;)
        if (!findings->items[i]->cause && (findings->items[i]->trapped || findings->items[best]->cause))
            best = i;
    while (findings->n > 1) {
        size_t at = best == 0 ? 1 : 0;
        finding_list_remove(findings, at);
        best -= at < best;
    }
}

uint64_t trial_cut(const struct sweep *sweep, uint64_t time, uint64_t least)
{
    uint64_t now = clock_now(), left = sweep->trials_end > now ? sweep->trials_end - now : 0;
    left = left > least ? left : least;
    return sweep->trials_end && time > left ? left : time;
}

int trial_run(struct sweep *sweep, struct unit *unit, const struct trial *trial, json_t **ret_report)
{
    struct request request = *sweep->request;
    struct plan plan = trial->plan; /* borrows its texts */
    struct mode row = *sweep->mode->row;
    struct mode_run mode = *sweep->mode;
    struct session session = {.request = &request, .mode = &mode, .settings = sweep_child_settings(sweep)};
    request.quiet = true;
    plan.time = trial_cut(sweep, plan.time, TIME_LEAST);
    row.members = trial->members ? trial->members : row.members;
    mode.row = &row;
    mode.request = &request;
    session.run.name = strdup(trial->plan.name);
    session.run.seed = trial->plan.seed;
    session.run.share = trial->plan.share;
    session.run.threads = trial->plan.threads;
    session.run.out = request.out;
    session.run.python = mode.probe.executable;
    int error = report_kept(request.out, &session.run.findings);
    request.verify = trial_cut(sweep, trial->verify, 0);
    if (!error)
        error = session_run(&session, &plan, 1);
    if (!error && trial->plan.threads == 1)
        leave_one(&session.run.findings);
    *ret_report = error ? NULL : report_document(&session.run);
    if (!error && !*ret_report)
        error = -ENOMEM;
    if (!error && !trial->is_search)
        error = report_keep_findings(&session.run, *ret_report, request.out);
    if (session.interrupted) {
        atomic_store(&sweep->board->interrupted, true);
        unit->complete = false;
    }
    if (*ret_report)
        count_session(unit, &session, *ret_report);
    if (*ret_report && !trial->is_search)
        atomic_fetch_add(&sweep->board->found,
                         merge_add_findings(*ret_report, unit->findings, unit->verifications));
    session_clear(&session);
    return error;
}

static size_t count_findings(const json_t *report)
{
    return json_array_size(json_object_get(report, "findings"));
}

int trial_add_import(struct plan *plan, const char *module)
{
    cleanup_free char *line = NULL;
    if (asprintf(&line, "import %s", module) < 0)
        return -ENOMEM;
    return plan->setup && strstr(plan->setup, line) ? 0 : text_join(&plan->setup, "\n", line);
}

/* Adds the arrays that the call uses. */
static int add_inputs(const struct sweep *sweep, struct plan *plan, const char *call)
{
    size_t i;
    const json_t *input;
    int error = 0;
    json_array_foreach (json_object_get(sweep->catalogue, "inputs"), i, input) {
        const char *name = json_string_value(json_array_get(input, 0)), *at = call;
        bool used = false, known = false;
        size_t length = strlen(name);
        for (; (at = strstr(at, name)); at += length)
            used |= (at == call || strchr("(, =[", at[-1])) && (strchr("), [", at[length]) != NULL);
        for (unsigned k = 0; k < plan->ninputs; k++)
            known |= strcmp(plan->inputs[k].name, name) == 0;
        if (used && !known && !error)
            error = plan_add_input(plan, name, json_string_value(json_array_get(input, 1)));
    }
    return error;
}

int trial_add_step(const struct sweep *sweep, const struct unit *unit, const struct unit_call *call,
                   const char *object, struct plan *plan)
{
    const json_t *entry = json_array_get(unit->entries, call->owner);
    cleanup_free char *text = unit_call_as(call, object);
    int error = text ? trial_add_import(plan, document_text(entry, "module")) : -ENOMEM;
    error = error ? error : add_inputs(sweep, plan, call->text);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
    return error ? error : plan_add_text(&plan->steps, &plan->nsteps, text);
}

char *trial_name_object(const struct unit *unit, const struct unit_call *call)
{
    char *name;
    if (asprintf(&name, UNIT_OBJECT "%s", document_text(json_array_get(unit->entries, call->owner), "name")) <
        0)
        return NULL;
    for (char *c = name; *c; c++)
        *c = (char)(*c == '.' ? '_' : *c);
    return name;
}

/* Calls of one callable share an object. */
static int add_object(struct plan *plan, const char *name, const char *make)
{
    cleanup_free char *line = NULL;
    if (asprintf(&line, "%s = %s", name, make) < 0)
        return -ENOMEM;
    return plan->setup && strstr(plan->setup, line) ? 0 : text_join(&plan->setup, "\n", line);
}

int trial_add_call_on(const struct sweep *sweep, const struct unit *unit, const struct unit_call *call,
                      const char *object, struct plan *plan)
{
    const json_t *entry = json_array_get(unit->entries, call->owner);
    int error = trial_add_import(plan, document_text(entry, "module"));
    if (!error && object)
        error = add_object(plan, object, document_text(entry, "make"));
    return error ? error : trial_add_step(sweep, unit, call, object, plan);
}

int trial_add_call(const struct sweep *sweep, const struct unit *unit, const struct unit_call *call,
                   struct plan *plan)
{
    const char *make = document_text(json_array_get(unit->entries, call->owner), "make");
    cleanup_free char *object = *make ? trial_name_object(unit, call) : NULL;
    if (*make && !object)
        return -ENOMEM;
    return trial_add_call_on(sweep, unit, call, object, plan);
}

uint32_t trial_threads(const struct sweep *sweep)
{
    return REQUEST_GAVE(sweep->request, plan.threads) ? sweep->request->plan.threads : 4;
}

void trial_begin(const struct sweep *sweep, const char *name, struct plan *plan)
{
    plan_init(plan);
    plan->name = strdup(name);
    plan->seed = sweep->request->plan.seed;
}

/* Runs one call that failed, with nothing else in its process. Returns the number of findings, or -errno. */
static int try_alone(struct sweep *sweep, struct unit *unit, const struct unit_call *call)
{
    json_t *entry = json_array_get(unit->entries, call->owner);
    struct trial trial = {.members = &alone};
    json_auto_t *report = NULL;
    const char *make = document_text(entry, "make");
    cleanup_free char *name = unit_call_text(unit, call);
    trial_begin(sweep, name ? name : "", &trial.plan);
    trial.plan.threads = 1;
    trial.plan.iterations = ALONE_CALLS;
    trial.plan.time = ALONE_TIME;
    trial.plan.focus = strdup("*");
    trial.plan.stop_on_first = true;
    int error = trial_add_step(sweep, unit, call, *make ? make : NULL, &trial.plan);
    if (!error)
        error = trial_run(sweep, unit, &trial, &report);
    plan_clear(&trial.plan);
    if (error)
        return error;
    trial_add_ids(json_array_get(unit->rows, call->owner), json_object_get(report, "findings"));
    return (int)count_findings(report);
}

/* What writes in place in other calls has no failure. */
static void excuse_in_place(struct unit *unit)
{
    for (size_t i = 0; i < unit->n; i++)
        if (unit_is_in_place(unit, &unit->calls[i]))
            unit->calls[i].state = CALL_CHANGED;
}

static bool has_findings(const struct unit *unit, size_t owner)
{
    return json_array_size(json_object_get(json_array_get(unit->rows, owner), "findings")) > 0;
}

/* Some failed calls of a callable have a child each, until one shows a finding. NULL: no further one has. */
static struct unit_call *next_trial(const struct unit *unit, size_t owner)
{
    struct unit_call *next = NULL;
    unsigned tried = 0;
    for (size_t i = unit->n; i-- > 0;) {
        struct unit_call *call = &unit->calls[i];
        if (call->owner != owner || (call->state != CALL_CRASHED && call->state != CALL_SHOWN))
            continue;
        tried += call->is_tried;
        next = call->is_tried ? next : call;
    }
    return tried < ALONE_TRIES && !has_findings(unit, owner) ? next : NULL;
}

bool unit_wants_trial(const struct unit *unit, size_t owner)
{
    return next_trial(unit, owner) != NULL;
}

int unit_try_failures(struct sweep *sweep, struct unit *unit)
{
    struct unit_call *call;
    excuse_in_place(unit);
    for (size_t owner = 0; owner < json_array_size(unit->entries); owner++)
        while ((call = next_trial(unit, owner))) {
            if (sweep_is_over(sweep)) {
                unit->complete = false;
                return 0;
            }
            int found = try_alone(sweep, unit, call);
            if (found < 0)
                return found;
            call->is_tried = true;
        }
    return 0;
}
