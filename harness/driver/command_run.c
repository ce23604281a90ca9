/* `ftstress run`: from a command line to a report. */
#include "driver/command.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "core/detector_list.h"
#include "driver/gil_run.h"
#include "driver/job.h"
#include "driver/judge.h"
#include "driver/log_rule.h"
#include "driver/portfolio.h"
#include "driver/probe.h"
#include "driver/progress.h"
#include "driver/report.h"
#include "driver/target.h"
#include "driver/tsan.h"
#include "driver/unmask.h"
#include "driver/valgrind.h"
#include "driver/verify.h"

/* Children that die before their first round, one after the other: the next one will too. */
#define STILLBORN_MAX 3
/* Children for the sites of damaged blocks, for each and in all. */
#define FOCUS_TRIES 3
#define FOCUS_MAX 24

/* What each child could have seen, to say "in k of N". */
struct sighting {
    uint32_t detect;
    bool serial;
};

struct session {
    const struct request *request;
    struct report report;
    struct job_settings settings;
    struct tsan *tsan;       /* or NULL */
    const struct tool *tool; /* that children run under, or NULL */
    struct progress progress;
    struct sighting *sightings;
    unsigned stillborn;
    const char *focused[FOCUS_MAX]; /* sites that had a child of their own */
    unsigned nfocused;
    bool interrupted;
    bool one_plan;
    uint64_t began; /* clock_now() */
    bool unjudged;  /* a child died or hung, and the detector for it is off */
    int cannot;     /* status of a plan that could not be run */
};

static void on_tick(void *context, const struct board_totals *now)
{
    progress_draw(context, now);
}

static int keep_environment(struct report *report, const struct outcome *outcome)
{
    for (size_t i = 0; i < outcome->nenvironment; i++) {
        const char *entry = outcome->environment[i];
        size_t key = strcspn(entry, "=") + 1;
        bool known = false;
        for (size_t k = 0; k < report->nenvironment; k++)
            known |= strncmp(report->environment[k], entry, key) == 0;
        char **grown =
            known ? NULL : realloc(report->environment, (report->nenvironment + 1) * sizeof *grown);
        if (!grown)
            continue;
        report->environment = grown;
        grown[report->nenvironment++] = strdup(entry);
    }
    return 0;
}

/* "the GIL is on" becomes the name of who turned it on, which CPython says on standard error only. */
static char *reason_of(const struct outcome *outcome)
{
    char *reason = NULL;
    cleanup_free char *module = log_rule_gil_module(outcome->stderr_text);
    if (!module || strncmp(outcome->cannot, "the GIL is on", 13) != 0)
        return strdup(outcome->cannot);
    if (asprintf(
            &reason,
            "importing '%s' turned the GIL back on, because it does not declare free threading; use a version that "
            "does, or set PYTHON_GIL=0 to run it without the GIL all the same",
            module) < 0)
        return NULL;
    return reason;
}

static void set_reason(struct session *session, int status, char *reason)
{
    if (session->report.reason) {
        free(reason);
        return;
    }
    session->report.reason = reason;
    session->cannot = status;
}

static void count_child(struct session *session, const struct plan *plan, const struct outcome *outcome)
{
    struct report *report = &session->report;
    struct sighting *grown = realloc(session->sightings, (report->children + 1) * sizeof *grown);
    if (grown) {
        session->sightings = grown;
        grown[report->children] = (struct sighting){plan->detect, plan->threads == 1};
    }
    report->children++;
    report->calls += outcome->totals.calls;
    report->serial_calls += outcome->serial_calls;
    if (outcome->worked > 0) {
        report->rated_calls += outcome->totals.calls;
        report->rated_time += outcome->worked;
    }
    if (outcome->seconds_to_run > 0 && (report->start == 0 || outcome->seconds_to_run < report->start))
        report->start = outcome->seconds_to_run;
    report->walks.rounds += outcome->walks.rounds;
    report->walks.blocks += outcome->walks.blocks;
    report->walks.nanoseconds += outcome->walks.nanoseconds;
    if (outcome->walks.present > report->walks.present)
        report->walks.present = outcome->walks.present;
    report->sampled += outcome->totals.sampled;
    report->overlapped += outcome->totals.overlapped;
    keep_environment(report, outcome);
    bool stillborn = outcome_crashed(outcome) && outcome->phase < BOARD_RUN;
    session->stillborn = stillborn ? session->stillborn + 1 : 0;
}

static const char *describe_end(const struct outcome *outcome)
{
    if (outcome->cannot)
        return "could not run";
    if (outcome->hung)
        return "hung";
    if (outcome->over_memory)
        return "reached the memory limit";
    if (WIFSIGNALED(outcome->wait_status))
        return strsignal(WTERMSIG(outcome->wait_status));
    return outcome->finished ? "finished" : "exited early";
}

static void tell_child(struct session *session, const char *member, const struct outcome *outcome)
{
    progress_clear(&session->progress);
    fprintf(stderr, "child %u (%s): %s after %.1f s, %llu calls, %zu records\n", session->report.children,
            member, describe_end(outcome), outcome->seconds, (unsigned long long)outcome->totals.calls,
            outcome->nrecords);
    if (outcome->stderr_text && *outcome->stderr_text)
        fprintf(stderr, "%s%s", outcome->stderr_text,
                outcome->stderr_text[strlen(outcome->stderr_text) - 1] == '\n' ? "" : "\n");
}

/* What no detector was asked to judge is still said, and keeps the run from passing for clean. */
static void note_unjudged(struct session *session, const struct plan *plan, const struct outcome *outcome)
{
    struct note_list *notes = &session->report.notes;
    bool died = outcome_crashed(outcome) && judge_witness(plan, outcome) == DETECTOR_COUNT &&
                !judge_hears(plan, outcome);
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
                                      .calls = outcome->totals.calls};
    child_log_add(&session->report.log, &entry, &session->report.findings, session->report.children);
}

/* Returns false when the run is to end. */
static bool take_outcome(struct session *session, const struct plan *plan, const char *member,
                         const struct outcome *outcome)
{
    count_child(session, plan, outcome);
    if (session->request->verbose)
        tell_child(session, member, outcome);
    /* Under a tool one thread runs at a time: who met whom says nothing. */
    if (session->one_plan && statement_learn(&session->report.statements, outcome) == 0 && !session->tool)
        statement_count(&session->report.statements, outcome, &session->report.pairs);
    judge_outcome(&session->report, plan, outcome, session->report.children);
    note_unjudged(session, plan, outcome);
    log_child(session, member, outcome);
    progress_child_done(&session->progress, &outcome->totals);
    session->progress.findings = (unsigned)session->report.findings.n;
    session->interrupted |= outcome->interrupted;
    char *distrust = session->tsan ? tsan_take_child(session->tsan, outcome) : NULL;
    if (outcome->cannot)
        set_reason(session, outcome->cannot_status, reason_of(outcome));
    if (distrust)
        set_reason(session, STATUS_UNTESTED, distrust);
    if (outcome->over_memory)
        note_add(&session->report.notes,
                 "a child reached the memory limit of %llu MB and was ended; --memory raises it",
                 (unsigned long long)(session->settings.memory >> 20));
    /* A first child that gets nowhere: nothing was tested. Later ones only add to what was. */
    if (outcome->overran && outcome->phase <= BOARD_SERIAL && session->report.children == 1)
        set_reason(
            session, STATUS_UNTESTED,
            strdup(
                "one call on one thread did not return while the time lasted; give it more --time, or leave it out"));
    else if (outcome->overran)
        note_add(&session->report.notes, "a child did not end when its time was over, and was ended");
    return !session->report.reason && !session->interrupted && !session->report.harness_fault &&
           session->stillborn < STILLBORN_MAX && !(plan->stop_on_first && session->report.findings.n > 0);
}

/* A site whose block was damaged, by an instruction that nobody saw: the next child catches it in the act. A race may
 * not show each time, so a site has several turns. */
static void focus_next(struct session *session, struct portfolio *portfolio)
{
    const struct finding_list *findings = &session->report.findings;
    for (size_t i = 0; i < findings->n; i++) {
        const struct finding *finding = findings->items[i];
        unsigned tries = 0;
        if (!finding->site || finding->trapped)
            continue;
        for (unsigned k = 0; k < session->nfocused; k++)
            tries += strcmp(session->focused[k], finding->site) == 0;
        if (tries == FOCUS_TRIES || session->nfocused == FOCUS_MAX)
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
    session->report.memcheck.on = true;
    session->settings.lengths = lengths;
    progress_init(&session->progress, on, plan->name, 0);
    session->progress.member = plan->under;
    for (unsigned had = 0; go_on && memcheck_next(&session->report.memcheck, lengths); had++) {
        struct outcome outcome;
        if (had > session->report.memcheck.n) /* the last one did not come to its end */
            break;
        error = job_run(plan, &session->settings, &outcome);
        if (!error)
            go_on = take_outcome(session, plan, plan->under, &outcome);
        outcome_clear(&outcome);
        if (error)
            break;
    }
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
    session->progress.findings = (unsigned)session->report.findings.n;
    session->nfocused = 0;
    bool go_on = true;
    int error = 0;
    while (go_on && portfolio_next(&portfolio, &child, &member)) {
        struct outcome outcome;
        session->progress.member = member;
        error = job_run(&child, &session->settings, &outcome);
        if (!error)
            go_on = take_outcome(session, &child, member, &outcome);
        if (!error) {
            focus_next(session, &portfolio);
            portfolio.start = session->report.start;
            unmask_learn(&unmask, &session->report, &outcome);
        }
        outcome_clear(&outcome);
        if (error)
            break;
    }
    unmask_clear(&unmask);
    progress_clear(&session->progress);
    return error;
}

static void count_chances(struct session *session)
{
    struct report *report = &session->report;
    for (size_t i = 0; i < report->findings.n; i++) {
        struct finding *finding = report->findings.items[i];
        for (unsigned k = 0; session->sightings && k < report->children; k++)
            for (int id = 0; id < DETECTOR_COUNT; id++)
                if (strcmp(detector_rows[id].name, finding->detector) == 0 &&
                    (session->sightings[k].detect & DETECTOR_BIT(id)) &&
                    (finding->serial || !session->sightings[k].serial) &&
                    (finding->out_from == 0 || finding->last_child >= finding->out_from ||
                     k + 1 < finding->out_from))
                    finding->of++;
    }
}

/* Is there a finding that is not the user's own, documented error? */
static bool counts(const struct session *session)
{
    const struct finding_list *findings = &session->report.findings;
    for (size_t i = 0; i < findings->n; i++)
        if (session->request->strict || findings->items[i]->blame != BLAME_USER)
            return true;
    return false;
}

/* What is counted over many calls needs no two of them in flight together. */
static bool only_counted(const struct session *session)
{
    bool only = session->sightings != NULL;
    for (unsigned i = 0; only && i < session->report.children; i++)
        only = session->sightings[i].detect & (DETECTOR_COUNTERS | DETECTOR_BIT(DETECTOR_MEMCHECK));
    return only;
}

/* Only a run in which target calls were truly in flight together can call something clean. */
static void conclude(struct session *session)
{
    struct report *report = &session->report;
    char *doubt = session->tsan ? tsan_doubt(session->tsan, report->threads) : NULL;
    judge_link(report);
    count_chances(session);
    if (session->tsan)
        tsan_tell(session->tsan, session->request->verbose, &report->notes);
    if (counts(session)) {
        report->status = STATUS_FINDING;
        free(doubt);
        return;
    }
    if (report->harness_fault)
        set_reason(session, STATUS_HARNESS, strdup(report->harness_fault));
    else if (session->unjudged)
        set_reason(
            session, STATUS_UNTESTED,
            strdup("children died or hung, and --detect leaves out the detector for it; leave --detect out"));
    else if (session->interrupted)
        set_reason(session, STATUS_UNTESTED, strdup("interrupted before its end"));
    else if (session->request->plan.detect == 0 && session->request->has_detect)
        set_reason(session, STATUS_UNTESTED, strdup("no detector is on; leave --detect out"));
    else if (report->threads > 1 && report->calls == 0)
        set_reason(session, STATUS_UNTESTED, strdup("no call was made by two threads; give it more --time"));
    else if (report->threads > 1 && report->overlapped == 0 && !only_counted(session))
        set_reason(
            session, STATUS_UNTESTED,
            strdup("no two calls were ever in flight together; give it more --time, or threads with -t"));
    else if (report->calls + report->serial_calls == 0)
        set_reason(session, STATUS_UNTESTED, strdup("no call was made; give it more --time"));
    else if (doubt)
        set_reason(session, STATUS_UNTESTED, strdup(doubt));
    else if (memcheck_doubt(&report->memcheck))
        set_reason(session, STATUS_UNTESTED, strdup(memcheck_doubt(&report->memcheck)));
    free(doubt);
    report->status = report->reason ? (enum status)session->cannot : STATUS_CLEAN;
}

static bool wants_colour(const struct request *request, FILE *out)
{
    return !request->no_color && !getenv("NO_COLOR") && isatty(fileno(out));
}

static int write_json(const struct report *report, const char *path)
{
    cleanup_free char *text = NULL;
    int error = report_json(report, &text);
    if (error)
        return error;
    if (strcmp(path, "-") == 0)
        return puts(text) < 0 || fflush(stdout) != 0 ? -errno : 0;
    return fd_write_file(path, text, strlen(text));
}

/* Every way of keeping results is tried, whatever became of the others; the last line always comes. */
static int tell(struct session *session)
{
    const struct request *request = session->request;
    struct report *report = &session->report;
    int status = report->status;
    bool other_on_stdout = (request->json && strcmp(request->json, "-") == 0) ||
                           (request->as && (!request->output || strcmp(request->output, "-") == 0));
    if (!other_on_stdout)
        report_text(report, stdout, wants_colour(request, stdout), request->quiet);
    int error = request->json ? write_json(report, request->json) : 0;
    if (error)
        status = command_fail(STATUS_HARNESS, "cannot write %s: %s; the report above is complete",
                              request->json, strerror(-error));
    error = request->as || request->output ? command_write_form(report, request) : 0;
    if (error)
        status = error;
    error = report_keep(report, request->out);
    if (error)
        status =
            command_fail(STATUS_HARNESS, "cannot keep findings under %s: %s; name another folder with --out",
                         request->out, strerror(-error));
    else if (report->findings.n > 0 && !request->quiet && !other_on_stdout)
        printf("\n  kept under %s/\n", request->out);
    fflush(stdout);
    fprintf(stderr, "ftstress: %zu findings in %" PRIu64 " calls, %.1f s", report->findings.n,
            report->calls + report->serial_calls, report->seconds);
    fprintf(stderr, report->reason ? "; could not test: %s\n" : "\n", report->reason);
    return status;
}

static int open_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static uint64_t half_of_memory(void)
{
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) / 2;
}

/* Numbers that are easy to retype. */
static uint64_t draw_seed(void)
{
    uint32_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = (uint32_t)clock_now();
    return seed;
}

static void draw_seeds(const struct request *request, struct target_list *targets)
{
    uint64_t seed = draw_seed();
    for (size_t i = 0; i < targets->n; i++)
        if (!request->has_seed && targets->plans[i].seed == 0)
            targets->plans[i].seed = seed;
}

static int print_plans(const struct target_list *targets)
{
    for (size_t i = 0; i < targets->n; i++) {
        cleanup_free char *text = NULL;
        int error = plan_print(&targets->plans[i], &text);
        if (error)
            return command_fail(STATUS_HARNESS, "cannot print the plan: %s", strerror(-error));
        fputs(text, stdout);
    }
    return STATUS_CLEAN;
}

/* The child runs in the environment that was asked for: *child becomes the one of its ABI. */
static int choose_python(const struct request *request, char **child, struct probe *probe)
{
    char error[640], abi[PROBE_ABI_SIZE];
    cleanup_free char *own = NULL;
    if (probe_child(*child, abi, &own, error, sizeof error) < 0)
        return command_fail(STATUS_HARNESS, "%s", error);
    if (probe_interpreter(probe_choose(request->python, own), probe, error, sizeof error) < 0)
        return command_fail(STATUS_UNTESTED, "%s", error);
    if (strcmp(probe->abi, abi) != 0) {
        cleanup_free char *others = NULL;
        command_child_of_abi(probe->abi, child);
        if (probe_child(*child, abi, &others, error, sizeof error) < 0)
            return command_fail(STATUS_HARNESS, "%s", error);
    }
    if (probe_check_abi(probe, abi, error, sizeof error) < 0)
        return command_fail(STATUS_UNTESTED, "%s", error);
    return 0;
}

/* True: the plans are for an interpreter with the GIL that is named on purpose, and look for leaks. */
static bool narrow_to_gil(const struct request *request, const struct probe *probe,
                          struct target_list *targets, int *status)
{
    char error[640];
    if (probe->free_threaded || request->allow_gil)
        return false;
    for (size_t i = 0; i < targets->n && request->plan.under; i++)
        targets->plans[i].threads = 1;
    if (request->plan.under)
        return true;
    for (size_t i = 0; i < targets->n; i++)
        if (gil_run_narrow(&targets->plans[i], probe, error, sizeof error) < 0) {
            *status = command_fail(STATUS_UNTESTED, "%s", error);
            return false;
        }
    return true;
}

/* What a run of one plan found is run again; of several plans nobody could say which. */
static void verify(struct session *session, const struct plan *plan)
{
    struct report *report = &session->report;
    bool dear = session->tool; /* a run takes minutes, and what it counts is the same each time */
    if (session->interrupted || session->request->verify == 0 || report->findings.n == 0 || dear ||
        plan->stop_on_first)
        return;
    uint64_t deadline = clock_now() + session->request->verify;
    progress_init(&session->progress, session->progress.on, "run again", deadline);
    verify_run(report, plan, &session->settings, deadline);
    if (verify_apply(report))
        judge_link(report);
    progress_clear(&session->progress);
}

static int run_session(struct session *session, const struct target_list *targets)
{
    uint64_t began = session->began = clock_now();
    session->one_plan = targets->n == 1;
    for (size_t i = 0; i < targets->n && !session->interrupted; i++) {
        const struct plan *plan = &targets->plans[i];
        int error = session->tool ? run_lengths(session, plan) : run_one(session, plan);
        if (error)
            return command_fail(STATUS_HARNESS, "cannot start a child: %s", strerror(-error));
    }
    session->report.seconds = clock_seconds(clock_now() - began);
    conclude(session);
    if (targets->n == 1)
        verify(session, &targets->plans[0]);
    /* A label may have been taken back. */
    if (counts(session))
        session->report.status = STATUS_FINDING;
    return tell(session);
}

static void name_report(struct report *report, const struct target_list *targets)
{
    size_t size;
    FILE *out = open_memstream(&report->name, &size);
    for (size_t i = 0; out && i < targets->n; i++)
        fprintf(out, "%s%s", i ? ", " : "", targets->plans[i].name);
    if (out)
        fclose(out);
    report->seed = targets->plans[0].seed;
    report->share = targets->plans[0].share;
    for (size_t i = 0; i < targets->n; i++)
        if (targets->plans[i].threads > report->threads)
            report->threads = targets->plans[i].threads;
}

/* Which child, and under ThreadSanitizer whether it can be trusted. Returns 0 or an exit status, after saying why. */
static int choose_child(const struct request *request, struct tsan *tsan, char **ret_child)
{
    char error[640];
    if (!request->tsan) {
        if (command_child_path(ret_child) == 0)
            return 0;
        return command_fail(STATUS_HARNESS,
                            "ftstress-child is not beside this program; build it with scripts/setup.sh");
    }
    int result = tsan_prepare(tsan, request->suppressions, error, sizeof error);
    if (!result)
        *ret_child = strdup(tsan->child);
    return result ? command_fail(result == -EINVAL ? STATUS_USAGE : STATUS_UNTESTED, "%s", error) : 0;
}

/* Returns 0 or an exit status, after saying why. */
static int choose_tool(const struct request *request, const char *child, struct valgrind *valgrind)
{
    char error[640];
    if (!request->plan.under)
        return 0;
    if (valgrind_prepare(valgrind, child, request->suppressions, error, sizeof error) < 0)
        return command_fail(STATUS_UNTESTED, "%s", error);
    return 0;
}

/* What a run under Valgrind is about, and what it does not see. */
static void note_tool(struct note_list *notes, const struct valgrind *valgrind, const struct probe *probe)
{
    note_add(notes, "Valgrind %s runs one thread at a time: this run is about memory, not about races%s",
             valgrind->version,
             probe->free_threaded
                 ? ", and it does not see Python objects of a free-threaded CPython, which are not "
                   "malloc's: the growth detector counts those"
                 : "");
}

static int run_targets(const struct request *request, struct target_list *targets)
{
    cleanup_free char *child = NULL;
    struct probe probe = {0};
    struct tsan tsan = {0};
    struct valgrind valgrind = {0};
    int status = choose_child(request, &tsan, &child);
    if (!status)
        status = choose_python(request, &child, &probe);
    if (!status)
        status = choose_tool(request, child, &valgrind);
    bool gil = !status && narrow_to_gil(request, &probe, targets, &status);
    if (!status) {
        struct session session = {.request = request, .tsan = request->tsan ? &tsan : NULL};
        if (gil)
            gil_run_note(&session.report.notes, &probe);
        session.tool = request->plan.under ? tool_find(request->plan.under) : NULL;
        if (session.tool)
            note_tool(&session.report.notes, &valgrind, &probe);
        name_report(&session.report, targets);
        session.report.verbose = request->verbose;
        session.report.suppressions = &tsan.suppressions;
        session.settings =
            (struct job_settings){.child = child,
                                  .python = probe.executable,
                                  .allow_gil = request->allow_gil || gil,
                                  .tsan = request->tsan,
                                  .tool = session.tool,
                                  .tool_argv = valgrind.argv,
                                  .plain_malloc = !probe.free_threaded,
                                  .timeout = request->timeout,
                                  .memory = request->memory ? request->memory : half_of_memory(),
                                  .signals = open_signals(),
                                  .tick = on_tick,
                                  .context = &session.progress};
        if (!request->quiet)
            fprintf(stderr, "ftstress: seed %llu\n", (unsigned long long)session.report.seed);
        status = run_session(&session, targets);
        report_clear(&session.report);
        free(session.sightings);
    }
    probe_clear(&probe); /* NOLINT(clang-analyzer-unix.Malloc): cleanup_free */
    tsan_clear(&tsan);
    valgrind_clear(&valgrind);
    return status;
}

/* What no other detector can be asked for with it, and it with no other child. */
static void settle_tsan(struct request *request, struct target_list *targets)
{
    const uint32_t bit = DETECTOR_BIT(DETECTOR_TSAN);
    request->tsan |= request->has_detect && request->plan.detect == bit;
    for (size_t i = 0; request->tsan && i < targets->n; i++)
        targets->plans[i].detect |= bit;
}

/* What is looked for under a tool, and what needs it. */
static int settle_under(struct request *request, struct target_list *targets, char *error, size_t size)
{
    const uint32_t others =
        DETECTOR_BIT(DETECTOR_CRASH) | DETECTOR_BIT(DETECTOR_HANG) | DETECTOR_BIT(DETECTOR_LOG);
    for (size_t i = 0; i < targets->n; i++) {
        struct plan *plan = &targets->plans[i];
        if (plan->under && targets->n > 1) {
            snprintf(error, size, "a run under %s is of one plan; name one", plan->under);
            return -EINVAL;
        }
        if (!plan->under)
            continue;
        plan->detect = (plan->detect & others) | DETECTOR_BIT(DETECTOR_MEMCHECK);
        if (!request->plan.under && !(request->plan.under = strdup(plan->under)))
            return -ENOMEM;
    }
    if (!request->plan.under || !request->tsan)
        return 0;
    snprintf(error, size, "--tsan and --under %s do not go together: each wants a child of its own; keep one",
             request->plan.under);
    return -EINVAL;
}

int command_run(const struct command *self, int argc, char **argv)
{
    struct request request;
    struct target_list targets = {0};
    char error[640];
    int status;
    request_init(&request);

    /* The request, and the plans that it asks for. */
    int result = option_parse(argc, argv, &request, error, sizeof error);
    if (!result && request.help) {
        command_help(self);
        request_clear(&request);
        return STATUS_CLEAN;
    }
    if (!result)
        result = command_check_form(&request, error, sizeof error);
    if (!result)
        result = target_resolve(&request, &targets, error, sizeof error);
    draw_seeds(&request, &targets);
    settle_tsan(&request, &targets);
    if (!result)
        result = settle_under(&request, &targets, error, sizeof error);
    if (!result && request.suppressions && !request.tsan && !request.plan.under) {
        snprintf(error, sizeof error, "--suppressions is for --tsan and --under; give one of them, too");
        result = -EINVAL;
    }

    /* The run. */
    if (result)
        status = command_fail(STATUS_USAGE, "%s", error);
    else if (request.dry_run)
        status = print_plans(&targets);
    else
        status = run_targets(&request, &targets);
    target_list_clear(&targets);
    request_clear(&request);
    return status;
}
