/* Adds the outcome of a child to the session: counts, judges and logs it, and decides whether another child follows. */
#include "driver/session/session_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/list.h"
#include "core/plan/detector_list.h"
#include "core/plan/perturb.h"
#include "driver/judge/judge.h"
#include "driver/outcome/file_id.h"
#include "driver/finding/log_rule.h"

/* After this number of children in a row that died before their first round, the next one would die too. */
#define STILLBORN_MAX 3

void session_set_reason(struct session *session, int status, char *reason)
{
    if (session->run.reason) {
        free(reason);
        return;
    }
    session->run.reason = reason;
    session->cannot = status;
}

static bool has_key(const struct run *run, const char *entry, size_t length)
{
    for (size_t i = 0; i < run->nenvironment; i++)
        if (strncmp(run->environment[i], entry, length) == 0)
            return true;
    return false;
}

/* Adds "_file PATH=HASH" for each extension file that is new: a build of one's own has no version. */
static void add_files(struct run *run, const struct outcome *outcome)
{
    for (size_t i = 0; i + 1 < outcome->npackages; i += 2) {
        cleanup_free char *key = NULL, *entry = NULL;
        if (asprintf(&key, RUN_FILE_KEY "%s=", outcome->packages[i]) < 0 || has_key(run, key, strlen(key)) ||
            asprintf(&entry, "%s%016" PRIx64, key, file_id(outcome->packages[i])) < 0)
            continue;
        strings_add(&run->environment, &run->nenvironment, entry);
    }
}

static void add_environment(struct run *run, const struct outcome *outcome)
{
    for (size_t i = 0; i < outcome->nenvironment; i++) {
        const char *entry = outcome->environment[i];
        if (!has_key(run, entry, strcspn(entry, "=") + 1))
            strings_add(&run->environment, &run->nenvironment, entry);
    }
    add_files(run, outcome);
    facts_merge(&run->facts, &outcome->facts);
    for (size_t i = 0; i < outcome->compared.n; i++)
        compared_add(&run->compared, &outcome->compared.items[i]);
}

/* Names the module that turned the GIL on, which CPython reports on standard error only. */
static char *name_reason(const struct outcome *outcome)
{
    char *reason;
    cleanup_free char *module =
        outcome->cannot_reason == CANNOT_GIL ? log_rule_gil_module(outcome->stderr_text) : NULL;
    if (!module)
        return asprintf(&reason, "%s%s", outcome->cannot,
                        outcome->limited ? "; the target lowered its own limit on memory" : "") < 0
                   ? NULL
                   : reason;
    return asprintf(
               &reason,
               "importing '%s' turned the GIL back on, because it does not declare free threading; use a version "
               "that does, or set PYTHON_GIL=0 to run it without the GIL all the same",
               module) < 0
               ? NULL
               : reason;
}

/* The detectors that look at calls under threads. Where threads stall, the tripwire is around those on one thread. */
static uint32_t detect_under_threads(const struct plan *plan)
{
    uint32_t detect =
        plan->perturb & PERTURB_STALL ? plan->detect & ~DETECTOR_BIT(DETECTOR_TRIPWIRE) : plan->detect;
    return plan->threads > 1 ? detect : 0;
}

static void count_looks(struct run *run, const struct plan *plan, const struct outcome *outcome)
{
    bool has_calls = outcome->totals.calls > 0;
    for (unsigned i = 0; i < DETECTOR_COUNT; i++)
        if (outcome->finished && plan->detect & DETECTOR_BIT(i) &&
            outcome->totals.calls + outcome->totals.serial > 0) {
            run->looks[i].all++;
            run->looks[i].threads += has_calls && detect_under_threads(plan) & DETECTOR_BIT(i);
        }
}

static void count_child(struct session *session, const struct plan *plan, const struct outcome *outcome)
{
    struct run *run = &session->run;
    if (list_grow(&session->sightings, run->children, sizeof *session->sightings) == 0)
        session->sightings[run->children++] =
            (struct session_sighting){plan->detect, detect_under_threads(plan)};
    count_looks(run, plan, outcome);
    run->calls += outcome->totals.calls;
    run->serial_calls += outcome->totals.serial;
    run->serialized = session->mode->row->is_serial;
    if (plan->detect & DETECTOR_COUNTERS || run->serialized)
        run->counted_calls += outcome->totals.calls;
    if (outcome->worked > 0) {
        run->rated_calls += outcome->totals.calls;
        run->rated_time += outcome->worked;
    }
    if (outcome->seconds_to_run > 0 && (run->start == 0 || outcome->seconds_to_run < run->start))
        run->start = outcome->seconds_to_run;
    run->processes += outcome->processes;
    run->processes_time += outcome->processes_time;
    run->walks.rounds += outcome->walks.rounds;
    run->walks.blocks += outcome->walks.blocks;
    run->walks.nanoseconds += outcome->walks.nanoseconds;
    if (outcome->walks.present > run->walks.present)
        run->walks.present = outcome->walks.present;
    run->sampled += outcome->totals.sampled;
    run->overlapped += outcome->totals.overlapped;
    add_environment(run, outcome);
    bool stillborn = outcome_crashed(outcome) && outcome->phase < BOARD_RUN;
    session->stillborn = stillborn ? session->stillborn + 1 : 0;
}

static const char *describe_end(const struct outcome *outcome)
{
    if (outcome->cannot)
        return "could not run";
    if (outcome->hung)
        return "hung";
    if (outcome->stopped)
        return "was stopped";
    if (outcome->over_memory)
        return "reached the memory limit";
    if (WIFSIGNALED(outcome->wait_status))
        return strsignal(WTERMSIG(outcome->wait_status));
    return outcome->finished ? "finished" : "exited early";
}

static void print_child(struct session *session, const char *member, const struct outcome *outcome)
{
    progress_clear(&session->progress);
    fprintf(stderr, "child %u (%s): %s after %.1f s, %llu calls, %zu records\n", session->run.children,
            member, describe_end(outcome), outcome->seconds, (unsigned long long)outcome->totals.calls,
            outcome->nrecords);
    if (outcome->stderr_text && *outcome->stderr_text)
        fprintf(stderr, "%s%s", outcome->stderr_text,
                outcome->stderr_text[strlen(outcome->stderr_text) - 1] == '\n' ? "" : "\n");
}

/* Notes an end for which no detector is on: the run is then not a clean one. */
static void note_unjudged(struct session *session, const struct plan *plan, const struct outcome *outcome)
{
    struct note_list *notes = &session->run.notes;
    bool died = outcome_crashed(outcome) && judge_witness(plan, outcome) == DETECTOR_COUNT &&
                !judge_reads_reason(plan, outcome);
    bool stuck = outcome->hung && !(plan->detect & DETECTOR_BIT(DETECTOR_HANG));
    if (died)
        note_add(notes, "a child ended early (%s); no finding, because --detect leaves out crash",
                 describe_end(outcome));
    if (stuck)
        note_add(notes, "a child hung and was ended; no finding, because --detect leaves out hang");
    session->unjudged |= died || stuck;
}

static void log_child(struct session *session, const char *member, const struct outcome *outcome)
{
    const struct child_entry entry = {.member = member,
                                      .end = describe_end(outcome),
                                      .began = clock_seconds(clock_now() - session->began) - outcome->seconds,
                                      .seconds = outcome->seconds,
                                      .start = outcome->seconds_to_run,
                                      .calls = outcome->totals.calls,
                                      .unfit = outcome->unfit};
    run_log_child(&session->run, &entry);
}

/* Without a result of the first child nothing was tested; later children only add to it. */
static void explain_overrun(struct session *session, const struct outcome *outcome)
{
    char text[256] = "a child did not end when its time was over, and was ended";
    bool first = session->run.children == 1;
    if (outcome->phase <= BOARD_SETUP)
        snprintf(
            text, sizeof text,
            "the setup did not return after %.0f s of processor time, and the child was ended; a --timeout above "
            "60s gives it more",
            outcome->still.ran);
    else if (outcome->phase == BOARD_SERIAL && first)
        snprintf(
            text, sizeof text,
            "one call on one thread did not return while the time lasted; give it more --time, or leave it out");
    if (first && outcome->phase <= BOARD_SERIAL)
        session_set_reason(session, STATUS_UNTESTED, strdup(text));
    else
        note_add(&session->run.notes, "%s", text);
}

/* Reports why nothing was tested, or less than the plan says. */
static void explain(struct session *session, const struct outcome *outcome)
{
    const struct mode *mode = session->mode->row;
    struct sentence why;
    bool untrusted = mode->why_untrusted && mode->why_untrusted(session->mode, outcome, &why);
    if (outcome->cannot)
        session_set_reason(session, outcome->cannot_status, name_reason(outcome));
    if (untrusted)
        session_set_reason(session, STATUS_UNTESTED, sentence_text(&why));
    session->wire_lost |= outcome->wire_lost;
    if (outcome->limited)
        note_add(&session->run.notes,
                 "the target lowered its own limit on memory in a child, where the harness needs some of "
                 "it, too: a failure for lack of memory may not happen without the harness");
    if (outcome->wire_lost)
        note_add(&session->run.notes,
                 "the target closed or used the descriptor of the harness's records in a child: "
                 "what the detectors saw there afterwards is lost, and its end is not judged");
    if (outcome_killed(outcome)) {
        session->killed++;
        note_add(
            &session->run.notes,
            "a child was ended by signal 9 (Killed), which it did not send itself: by the kernel, because "
            "memory was out or a limit was reached, or by an operator");
    }
    if (outcome->over_memory)
        note_add(&session->run.notes,
                 "a child reached the memory limit of %llu MB and was ended; --memory raises it",
                 (unsigned long long)(session->settings.memory >> 20));
    if (outcome->stopped)
        note_add(
            &session->run.notes,
            "a signal that the target did not send to itself stopped a child; it made no progress, and was "
            "ended without a finding");
    if (outcome->overran && !outcome->cannot)
        explain_overrun(session, outcome);
}

bool session_take(struct session *session, const struct plan *plan, const char *member,
                  struct outcome *outcome)
{
    count_child(session, plan, outcome);
    if (session->request->verbose)
        print_child(session, member, outcome);
    if (session->one_plan && statement_learn(&session->run.statements, outcome) == 0 &&
        !session->mode->row->is_serial)
        statement_count(&session->run.statements, outcome, &session->run.pairs);
    meetings_learn(&session->run.meetings, outcome, plan);
    judge_outcome(&session->run, plan, outcome, session->run.children);
    note_unjudged(session, plan, outcome);
    log_child(session, member, outcome);
    progress_child_done(&session->progress, &outcome->totals);
    session->progress.findings = (unsigned)session->run.findings.n;
    session->interrupted |= outcome->interrupted;
    explain(session, outcome);
    return !session->run.reason && !session->interrupted && !session->run.harness_fault &&
           session->stillborn < STILLBORN_MAX && !(plan->stop_on_first && session->run.findings.n > 0);
}
