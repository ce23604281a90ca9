/* Judges the end of a child: a crash, a hang, or a sentence in the log that reports damage. */
#include "driver/judge/judge_inside.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "driver/finding/log_rule.h"
#include "driver/log/nanobind_log.h"
#include "driver/outcome/package.h"

static char *last_lines(const char *text)
{
    size_t length = text ? strlen(text) : 0;
    const char *at = text + (length > 2000 ? length - 2000 : 0);
    return length ? strdup(at) : NULL;
}

/* Completes the finding with the end of the log and, of every thread, its stack and state; then adds it. `crash`: what
 * the thread that crashed sent, or NULL. Takes the stack over. */
static struct finding *add_end(struct judge *judge, struct finding *finding, const struct record *crash,
                               struct symbol_stack stack)
{
    unsigned n = judge->plan->threads;
    finding->log_end = last_lines(judge->outcome->stderr_text);
    judge_threads(judge, finding, crash ? (pid_t)crash->values[CRASH_TID] : 0, stack);
    finding->ends = judge->outcome->phase == BOARD_RUN ? calloc(n, sizeof *finding->ends) : NULL;
    finding->nends = finding->ends ? n : 0;
    for (unsigned i = 0; i < finding->nends; i++) {
        unsigned inside = judge->outcome->workers[i].inside;
        const struct statement *statement =
            inside ? statement_at(&judge->outcome->statements, i, inside - 1) : NULL;
        finding->ends[i] =
            (struct finding_end){.calls = judge->outcome->workers[i].calls,
                                 .inside = statement && *statement->source ? strdup(statement->source) : NULL,
                                 .crashed = crash && i == crash->worker};
    }
    judge_note_changes(judge, finding);
    return judge_add(judge, finding);
}

static const char *when(const struct outcome *outcome)
{
    switch (outcome->phase) {
    case BOARD_START:
    case BOARD_SETUP:
        return " during setup, before any thread was started";
    case BOARD_SERIAL:
        return " already in calls from one thread";
    case BOARD_FINISH:
        return " while Python was shutting down";
    default:
        return "";
    }
}

/* A signal that a process sent (abort, kill) has no address; the processor does not report an address that it
 * refused. */
static bool has_address(const struct record *crash)
{
    bool refused = crash->values[CRASH_CODE] == SI_KERNEL && crash->values[CRASH_ADDRESS] == 0;
    return crash->values[CRASH_SIGNAL] != SIGABRT && crash->values[CRASH_CODE] > 0 && !refused;
}

static char *describe_end(const struct judge *judge, const struct record *crash, const char *line)
{
    int status = judge->outcome->wait_status;
    const char *statement = crash ? record_text(crash, 0) : "", *in = *statement ? " in " : "";
    char address[40] = "";
    if (crash && !line && has_address(crash))
        snprintf(address, sizeof address, " at address %#llx",
                 (unsigned long long)crash->values[CRASH_ADDRESS]);
    if (crash && !line)
        line = strsignal((int)crash->values[CRASH_SIGNAL]);
    if (line)
        return judge_format("%s%s%s%s%s", line, address, in, statement, when(judge->outcome));
    if (WIFSIGNALED(status))
        return judge_format("the process was ended by signal %d (%s)%s", WTERMSIG(status),
                            strsignal(WTERMSIG(status)), when(judge->outcome));
    const char *leaving = judge->outcome->leaving, *by = *leaving ? ", in " : "",
               *phase = when(judge->outcome);
    if (judge->outcome->handled)
        return judge_format("a handler of the target got %s and ended the process with status %d%s%s%s",
                            strsignal(judge->outcome->handled), WEXITSTATUS(status), phase, by, leaving);
    return judge_format("the process exited with status %d%s%s%s", WEXITSTATUS(status),
                        *phase ? phase : " in the middle of the run", by, leaving);
}

/* On one thread no race can damage the harness: a crash in its code is its own fault. Returns false for others. */
static bool note_own_fault(const struct judge *judge, const struct symbol_stack *stack)
{
    if (judge->outcome->phase > BOARD_SERIAL || stack->nframes == 0 ||
        package_frame_owner(judge->outcome, &stack->frames[0], NULL, 0) != OWNER_HARNESS)
        return false;
    const char *function = stack->frames[0].function;
    if (!judge->run->harness_fault)
        judge->run->harness_fault =
            judge_format("ftstress itself crashed in %s; please report it with this command line",
                         function ? function : "??");
    return true;
}

/* Finds the first line with a known sentence, whatever detectors are on. */
static const struct log_rule *find_printed(const struct outcome *outcome, char **ret_line)
{
    const struct log_rule *rule = log_rule_find(outcome->stderr_text, ret_line);
    return rule ? rule : log_rule_find(outcome->sentence, ret_line);
}

/* As find_printed, for the plan's detectors. CPython's debug hooks belong to the pyheap detector, too, which reads
 * them where the log detector is off. */
static const struct log_rule *find_sentence(const struct plan *plan, const struct outcome *outcome,
                                            char **ret_line, enum detector_id *ret_by)
{
    const struct log_rule *rule = find_printed(outcome, ret_line);
    bool pyheap = plan->detect & DETECTOR_BIT(DETECTOR_PYHEAP);
    *ret_by = pyheap && rule && rule->by_hooks ? DETECTOR_PYHEAP : DETECTOR_LOG;
    if (!rule || plan->detect & DETECTOR_BIT(*ret_by))
        return rule;
    free(*ret_line);
    *ret_line = NULL;
    return NULL;
}

bool judge_reads_reason(const struct plan *plan, const struct outcome *outcome)
{
    cleanup_free char *line = NULL;
    enum detector_id by;
    return find_sentence(plan, outcome, &line, &by);
}

/* An allocation has no pointer of its caller's: where it breaks, memory was damaged before. */
static bool is_met_by_allocator(const struct judge *judge, const struct symbol_stack *stack)
{
    static const char *const names[] = {"malloc", "calloc", "memalign", "aligned_alloc", "posix_memalign"};
    static const char prefix[] = "__libc_";
    for (size_t i = 0; i < stack->nframes; i++) {
        const struct symbol_frame *frame = &stack->frames[i];
        const char *name = frame->function ? frame->function : "";
        if (package_frame_owner(judge->outcome, frame, NULL, 0) == OWNER_PACKAGE)
            return false;
        name += strncmp(name, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0;
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            if (strcmp(name, names[k]) == 0)
                return true;
    }
    return false;
}

/* Returns true where the stack shows the fault itself. glibc detects a double free in the second free, but other
 * damage much later, as CPython's debug hooks do; their frames in the interpreter are no evidence. */
static bool may_blame(const struct judge *judge, const struct symbol_stack *stack)
{
    cleanup_free char *line = NULL;
    const struct log_rule *rule = find_printed(judge->outcome, &line);
    if (rule && rule->kind != FINDING_CRASH && rule->kind != FINDING_DOUBLE_FREE)
        return false;
    return !rule || !rule->by_hooks || package_frame(judge->outcome, stack, NULL, 0);
}

static bool is_fault(int number)
{
    return number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE ||
           number == SIGTRAP || number == SIGABRT || number == SIGSYS;
}

/* Sets the evidence of an end that is no fault. Returns false for a fault. */
static bool suspect_end(const struct judge *judge, struct finding *finding, const struct record *crash)
{
    int status = judge->outcome->wait_status;
    if (!crash && WIFEXITED(status)) {
        bool code = judge->plan->native || package_any_loaded(judge->outcome);
        evidence_set(&finding->evidence, EVIDENCE_EXIT, code ? BLAME_UNKNOWN : BLAME_TARGET, NULL, NULL);
        return true;
    }
    bool sent = crash ? crash->values[CRASH_CODE] <= 0 && crash->values[CRASH_SIGNAL] != SIGABRT
                      : !is_fault(WTERMSIG(status));
    if (sent)
        evidence_set(&finding->evidence, EVIDENCE_SENT, BLAME_UNKNOWN, NULL, NULL);
    return sent;
}

/* The interpreter and libc print a reason before they abort: without one Python code did it, as os.abort does. */
static bool suspect_abort(struct judge *judge, struct finding *finding, const struct record *crash,
                          const struct symbol_stack *stack)
{
    if (!crash || crash->values[CRASH_SIGNAL] != SIGABRT || package_frame(judge->outcome, stack, NULL, 0) ||
        !package_interpreter_frame(judge->outcome, stack))
        return false;
    judge_suspect_code(judge, finding, outcome_page(judge->outcome, (pid_t)crash->values[CRASH_TID]),
                       EVIDENCE_ABORT);
    return true;
}

static void suspect_fault(struct judge *judge, struct finding *finding, const struct record *crash,
                          const struct symbol_stack *stack)
{
    const struct scene_page *page =
        crash ? outcome_page(judge->outcome, (pid_t)crash->values[CRASH_TID]) : NULL;
    if (judge_is_in_foreign_call(judge, stack))
        judge_suspect_code(judge, finding, page, EVIDENCE_FOREIGN);
    else
        judge_suspect_crash(judge, finding, page, stack);
}

enum detector_id judge_witness(const struct plan *plan, const struct outcome *outcome)
{
    if (plan->detect & DETECTOR_BIT(DETECTOR_CRASH))
        return DETECTOR_CRASH;
    if (plan->detect & DETECTOR_BIT(DETECTOR_SHUTDOWN) && outcome->phase == BOARD_FINISH)
        return DETECTOR_SHUTDOWN;
    return DETECTOR_COUNT;
}

/* Returns the finding of nanobind's own report, which may abort the process; or NULL. */
static const struct finding *judge_nanobind(struct judge *judge)
{
    struct nanobind_report report;
    bool shutdown = judge->plan->detect & DETECTOR_BIT(DETECTOR_SHUTDOWN);
    bool on = shutdown || judge->plan->detect & DETECTOR_BIT(DETECTOR_LOG);
    if (!on || !nanobind_report_parse(judge->outcome->stderr_text, &report))
        return NULL;
    struct finding *finding = judge_new_finding(judge, FINDING_SHUTDOWN_LEAK, SEVERITY_LEAK,
                                                shutdown ? DETECTOR_SHUTDOWN : DETECTOR_LOG);
    cleanup_free char *sentence = nanobind_report_sentence(&report);
    if (finding) {
        finding->serial = true;
        finding->message = judge_format(
            "nanobind counts, after Python's end, %s; the report does not separate cached objects from lost ones",
            sentence ? sentence : "");
        finding->signature =
            judge_format("nanobind|%s", report.nnamed > 0 ? report.named[0].name : "no instance");
        finding->count = report.instances;
        if (report.module)
            evidence_set(&finding->evidence, EVIDENCE_NAME, BLAME_TARGET, NULL,
                         judge_name_package(judge, NULL, report.module));
        finding = finding_list_add(&judge->run->findings, finding, judge->child);
    }
    nanobind_report_clear(&report);
    return finding;
}

static void judge_crash(struct judge *judge, const struct record *crash, const struct finding *leak)
{
    cleanup_free char *line = NULL, *whole = NULL;
    enum detector_id by;
    const struct log_rule *rule = find_sentence(judge->plan, judge->outcome, &line, &by);
    if (!rule)
        by = judge_witness(judge->plan, judge->outcome);
    if (by == DETECTOR_COUNT)
        return;
    struct symbol_stack stack =
        crash ? judge_stack(judge, crash->frames, crash->nframes, true) : (struct symbol_stack){0};
    struct finding *finding =
        note_own_fault(judge, &stack)
            ? NULL
            : judge_new_finding(judge, rule ? rule->kind : FINDING_CRASH, SEVERITY_CRASH, by);
    if (!finding) {
        symbol_stack_free(&stack);
        return;
    }
    finding->serial |= judge->outcome->phase <= BOARD_SERIAL;
    const char *statement = crash ? record_text(crash, 0) : judge->outcome->leaving;
    finding->statement = *statement ? strdup(statement) : NULL;
    if (rule && rule->by_hooks)
        whole = log_rule_hooks_sentence(judge->outcome->stderr_text);
    finding->message = describe_end(judge, crash, whole ? whole : line);
    bool has_fault =
        rule || (!suspect_end(judge, finding, crash) && !suspect_abort(judge, finding, crash, &stack));
    if (has_fault && is_met_by_allocator(judge, &stack))
        evidence_set(&finding->evidence, EVIDENCE_ALLOCATOR, BLAME_UNKNOWN, NULL, NULL);
    else if (has_fault && may_blame(judge, &stack))
        suspect_fault(judge, finding, crash, &stack);
    const char *function = finding->evidence.function ? finding->evidence.function : "";
    finding->signature = judge_format("%s|%s", finding_kind_names[finding->kind], function);
    if (crash)
        judge_explain_crash(judge, finding, crash);
    finding = add_end(judge, finding, crash, stack);
    if (finding && leak && judge->outcome->phase == BOARD_FINISH && !finding->evidence.follows)
        finding->evidence.follows = strdup(leak->id);
}

static bool is_open(const struct finding *finding)
{
    return finding->evidence.by == EVIDENCE_NONE;
}

static void suspect_thread(struct judge *judge, struct finding *finding, pid_t tid)
{
    for (size_t i = 0; i < judge->outcome->nthreads && is_open(finding); i++) {
        const struct symbol_thread *thread = &judge->outcome->threads[i];
        if (!(tid ? thread->tid == tid : judge_is_worker(judge, thread) && !judge_is_between(thread)))
            continue; /* a worker between two rounds waits for the stuck ones */
        if (!judge_suspect_python(judge, finding, thread))
            judge_suspect_stack(judge, finding, EVIDENCE_STACK, &thread->stack);
    }
}

/* Takes Python code that stays without a lock first: the others may wait for it; then threads that wait. */
static void suspect_stuck(struct judge *judge, struct finding *finding)
{
    const struct outcome *outcome = judge->outcome;
    for (size_t i = 0; i < outcome->nthreads && is_open(finding); i++)
        if (!deadlock_find(finding->waits, finding->nwaits, outcome->threads[i].tid))
            judge_suspect_python(judge, finding, &outcome->threads[i]);
    for (size_t i = 0; i < finding->nwaits && is_open(finding); i++)
        suspect_thread(judge, finding, finding->waits[i].tid);
    suspect_thread(judge, finding, 0);
}

/* Reports how long nothing moved, and how much of that the machine withheld. */
static void add_still(const struct judge *judge, struct finding *finding)
{
    const struct outcome_still *still = &judge->outcome->still;
    char starved[80] = "";
    if (still->starved >= 0.05 * still->seconds)
        snprintf(starved, sizeof starved, ", and waited %.1f s for a processor or a disk", still->starved);
    if (still->seconds > 0)
        finding_add_line(finding,
                         judge_format("no call began or ended for %.1f s, in which the threads used %.1f s "
                                      "of processor time%s",
                                      still->seconds, still->ran, starved));
    if (still->proven)
        finding_add_line(finding,
                         strdup("no thread can wake another: each one sleeps without a time limit, or waits "
                                "for the others to stop, and none made a step meanwhile"));
}

static void judge_hang(struct judge *judge)
{
    if (!(judge->plan->detect & DETECTOR_BIT(DETECTOR_HANG)))
        return;
    struct finding *finding = judge_new_finding(judge, FINDING_HANG, SEVERITY_HANG, DETECTOR_HANG);
    if (!finding)
        return;
    cleanup_free char *deadlock = judge_waits(judge, finding);
    add_still(judge, finding);
    suspect_stuck(judge, finding);
    finding->serial |= judge->outcome->phase <= BOARD_SERIAL;
    const char *function = finding->evidence.function;
    finding->message = judge_format("no thread gets any further%s: %s%s%s", when(judge->outcome),
                                    deadlock                                ? deadlock
                                    : finding->evidence.by == EVIDENCE_STAY ? "Python code blocks or loops"
                                                                            : "a deadlock or an endless loop",
                                    function ? "; inside " : "", function ? function : "");
    finding->signature = judge_format("hang|%s", function ? function : "");
    add_end(judge, finding, NULL, (struct symbol_stack){0});
}

/* Reports a sentence of the allocator or the interpreter in a process that did not crash. */
static void judge_log(struct judge *judge)
{
    cleanup_free char *line = NULL;
    enum detector_id by;
    const struct log_rule *rule = find_sentence(judge->plan, judge->outcome, &line, &by);
    struct finding *finding = rule ? judge_new_finding(judge, rule->kind, SEVERITY_CRASH, by) : NULL;
    if (!finding)
        return;
    finding->message = strdup(line);
    finding->log_end = last_lines(judge->outcome->stderr_text);
    finding->signature = judge_format("log|%s", rule->sentence);
    judge_note_changes(judge, finding);
    judge_add(judge, finding);
}

void judge_end(struct judge *judge)
{
    const struct outcome *outcome = judge->outcome;
    const struct finding *leak = judge_nanobind(judge);
    const struct record *crash = NULL;
    for (size_t i = 0; i < outcome->nrecords && !crash; i++)
        crash = outcome->records[i]->type == RECORD_CRASH ? outcome->records[i] : NULL;
    if (outcome->hung)
        judge_hang(judge);
    else if (!outcome_crashed(outcome))
        judge_log(judge);
    else if (crash || !judge_tsan_crash(judge))
        judge_crash(judge, crash, leak);
}
