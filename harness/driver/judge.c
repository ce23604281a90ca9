#include "driver/judge_inside.h"

#include <ctype.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver/callable.h"
#include "driver/log_rule.h"
#include "driver/package.h"

char *judge_format(const char *text, ...)
{
    char *out;
    va_list arguments;
    va_start(arguments, text);
    int n = vasprintf(&out, text, arguments);
    va_end(arguments);
    return n < 0 ? NULL : out;
}

struct symbol_stack judge_stack(struct judge *judge, const uint64_t *frames, size_t n, bool exact)
{
    struct symbol_stack stack = {0};
    if (!judge->symbols && judge->outcome->maps)
        symbols_open(judge->outcome->maps, &judge->symbols);
    if (judge->symbols)
        symbols_stack(judge->symbols, frames, n, exact, &stack);
    return stack;
}

static struct symbol_stack symbolise(struct judge *judge, const struct record *record)
{
    return judge_stack(judge, record->frames, record->nframes, true);
}

/* "numpy 2.2.2", or "numpy" when the version is not known. */
char *judge_name_package(const struct judge *judge, const char *module, const char *name)
{
    const char *owner = package_distribution(judge->outcome, module, name);
    if (owner)
        return strdup(owner);
    const char *version = outcome_environment(judge->outcome, name);
    return version ? judge_format("%s %s", name, version) : strdup(name);
}

/* Compilers split and clone functions: bug.cold and bug.constprop.0 are bug. What has more than one word in its name
 * was mangled, and has lost that already. */
char *judge_plain_name(const char *function)
{
    size_t word = function ? strcspn(function, "<({ :") : 0;
    if (!function || function[word])
        return function ? strdup(function) : NULL;
    return strndup(function, *function ? 1 + strcspn(function + 1, ".") : 0);
}

static void blame_interpreter(const struct judge *judge, struct finding *finding, const char *function)
{
    const char *version = outcome_environment(judge->outcome, "python");
    finding->blame = BLAME_INTERPRETER;
    free(finding->function);
    free(finding->package);
    finding->function = judge_plain_name(function);
    finding->package =
        judge_format("CPython %.*s", (int)strcspn(version ? version : "", " "), version ? version : "");
}

/* Memory-safe statements without any package's code in the process leave nobody else: whatever the symptom, and with or
 * without a stack. Odd values and exceptions are no breakage. */
static void blame_who_is_left(const struct judge *judge, struct finding *finding)
{
    bool breakage = finding->kind != FINDING_EXCEPTION && finding->kind != FINDING_WRONG_RESULT &&
                    finding->kind != FINDING_INPUT_MUTATED;
    if (breakage && finding->blame == BLAME_UNKNOWN && !judge->plan->native &&
        !package_any_loaded(judge->outcome))
        blame_interpreter(judge, finding, NULL);
}

/* What the interrupted code belongs to decides the blame, unless the memory was corrupt long before. */
void judge_blame_stack(const struct judge *judge, struct finding *finding, const struct symbol_stack *stack)
{
    char name[128];
    const struct symbol_frame *frame = package_frame(judge->outcome, stack, name, sizeof name);
    if (frame) {
        finding->blame = BLAME_TARGET;
        finding->function = frame->function ? judge_plain_name(frame->function) : strdup(name);
        finding->package = judge_name_package(judge, frame->module, name);
        return;
    }
    frame = package_interpreter_frame(judge->outcome, stack);
    if (frame)
        blame_interpreter(judge, finding, frame->function);
}

double judge_per_iteration(const struct judge *judge)
{
    size_t bodies = judge->plan->nroles ? judge->plan->nroles : 1,
           told = judge->outcome->statements.n / bodies;
    size_t n = told ? told : judge->plan->nsteps;
    return n > 1 ? (double)n : 1;
}

bool judge_sees_changes(const struct judge *judge)
{
    const char *mutates = outcome_environment(judge->outcome, "mutates");
    return mutates && strcmp(mutates, "yes") == 0;
}

struct finding *judge_new_finding(const struct judge *judge, enum finding_kind kind, const char *severity,
                                  enum detector_id detector)
{
    struct finding *finding = calloc(1, sizeof *finding);
    if (!finding)
        return NULL;
    finding->kind = kind;
    finding->severity = severity;
    finding->detector = detector_rows[detector].name;
    finding->blame = BLAME_UNKNOWN;
    finding->rung = judge->plan->share;
    if (outcome_environment(judge->outcome, "mutates") && finding->rung > RUNG_PRIVATE)
        finding->rung = RUNG_ALL;
    finding->threads = judge->plan->threads;
    finding->count = 1;
    if (plan_print(judge->plan, &finding->plan) < 0)
        finding->plan = NULL;
    return finding;
}

/* Arrays that the statements themselves change while others read them: documented user error, and said so. */
void judge_label_user_error(const struct judge *judge, struct finding *finding)
{
    if (!judge->mutates_arrays || judge->plan->share == RUNG_PRIVATE || finding->serial)
        return;
    finding->blame = BLAME_USER;
    finding->severity = "user-error";
    if (!judge->writes_arrays)
        finding->rung = RUNG_ALL;
}

/* The interpreter falls over what a package damaged: where a statement calls one, the frames of the interpreter alone
 * say nothing yet. One thread leaves nobody but the package. */
static void doubt_interpreter(const struct judge *judge, struct finding *finding)
{
    const struct statement *statement = statement_find(&judge->report->statements, finding->statement);
    if (finding->blame != BLAME_INTERPRETER || !statement || statement->plain || !statement->package)
        return;
    free(finding->function);
    free(finding->package);
    finding->blame = finding->serial ? BLAME_TARGET : BLAME_UNKNOWN;
    finding->function = finding->serial ? callable_of(statement->source, judge->plan->setup) : NULL;
    finding->package = finding->serial ? strdup(statement->package) : NULL;
}

static struct finding *add(struct judge *judge, struct finding *finding)
{
    doubt_interpreter(judge, finding);
    blame_who_is_left(judge, finding);
    return finding_list_add(&judge->report->findings, finding, judge->child);
}

/* Hidden mutations: one finding for each function, one stack for each write. */

/* The same instruction, whatever value it wrote. */
static bool has_stack(const struct finding *finding, const struct symbol_stack *stack)
{
    for (size_t i = 0; i < finding->nstacks; i++)
        if (finding->stacks[i].stack.nframes > 0 && stack->nframes > 0 &&
            finding->stacks[i].stack.frames[0].offset == stack->frames[0].offset)
            return true;
    return stack->nframes == 0;
}

static void note_in_place(struct judge *judge, const char *statement, const char *input)
{
    judge->mutates_arrays = judge->mutates_arrays || judge->plan->share != RUNG_PRIVATE;
    note_add(&judge->report->notes,
             "%s changes %s for good: an in-place API, not a bug; declare the input @out", statement, input);
}

/* A data race by the letter, without an effect that any thread could see: worth a line, no alarm. */
static void note_same_value(struct judge *judge, const struct record *record)
{
    struct symbol_stack stack = symbolise(judge, record);
    char package[128] = "unknown package";
    const struct symbol_frame *frame = package_frame(judge->outcome, &stack, package, sizeof package);
    note_add(&judge->report->notes,
             "value-benign: %s (%s) writes to its input %s the value that is there already: %s",
             frame && frame->function ? frame->function : "a function without a name", package,
             record_text(record, 0), record_text(record, 2));
    symbol_stack_free(&stack);
}

static void judge_write(struct judge *judge, const struct record *record)
{
    if (record->values[WRITE_KEPT] && !record->values[WRITE_SERIAL]) {
        note_add(&judge->report->notes, "%s was seen to write to %s (%s), but only while other threads ran",
                 record_text(record, 1), record_text(record, 0), record_text(record, 2));
        return;
    }
    if (record->values[WRITE_KEPT]) {
        struct symbol_stack kept = symbolise(judge, record);
        char package[128];
        const struct symbol_frame *frame = package_frame(judge->outcome, &kept, package, sizeof package);
        if (frame && frame->function)
            note_add(&judge->report->in_place, "%s", frame->function);
        symbol_stack_free(&kept);
        note_in_place(judge, record_text(record, 1), record_text(record, 0));
        return;
    }
    if (record->values[WRITE_SAME]) {
        note_same_value(judge, record);
        return;
    }
    struct finding *finding =
        judge_new_finding(judge, FINDING_INPUT_MUTATED, "hidden-mutation", DETECTOR_TRIPWIRE);
    if (!finding)
        return;
    struct symbol_stack stack = symbolise(judge, record);
    judge_blame_stack(judge, finding, &stack);
    finding->serial = record->values[WRITE_SERIAL];
    finding->rung = RUNG_READONLY;
    finding->count = (uint64_t)record->values[WRITE_COUNT];
    finding->input = strdup(record_text(record, 0));
    finding->statement = strdup(record_text(record, 1));
    const char *function = finding->function ? finding->function : "a function without a name";
    finding->message =
        judge_format("%s (%s) writes to the %s of its input %s and puts it back before it returns", function,
                     finding->package ? finding->package : "unknown package",
                     record->values[WRITE_METADATA] ? "metadata" : "data", finding->input);
    finding->signature = judge_format("input-mutated|%s", function);
    finding = add(judge, finding);
    if (!finding || has_stack(finding, &stack))
        symbol_stack_free(&stack);
    else
        finding_add_stack(finding, strdup(record_text(record, 2)), stack);
}

/* "its shape became (40,), was (20,)" and "… (80,) …" are one: what follows "became" does not count. */
static char *invariant_signature(const struct record *record)
{
    const char *sentence = record_text(record, 1), *cut = strstr(sentence, " became");
    char *signature = judge_format("invariant|%s|%.*s", record_text(record, 0),
                                   (int)(cut ? cut - sentence : (ptrdiff_t)strlen(sentence)), sentence);
    for (char *c = signature; c && *c; c++)
        if (isdigit((unsigned char)*c))
            *c = '#';
    return signature;
}

static void judge_invariant(struct judge *judge, const struct record *record)
{
    bool is_result = strcmp(record_text(record, 0), "the result") == 0;
    if (record->values[INVARIANT_SERIAL]) {
        if (is_result)
            note_add(&judge->report->notes, "%s: the result %s, on one thread too", record_text(record, 2),
                     record_text(record, 1));
        else
            note_in_place(judge, record_text(record, 2), record_text(record, 0));
        return;
    }
    struct finding *finding = judge_new_finding(
        judge, is_result ? FINDING_WRONG_RESULT : FINDING_INPUT_MUTATED, "wrong-result", DETECTOR_INVARIANT);
    if (!finding)
        return;
    const char *statement = record_text(record, 2);
    finding->blame = BLAME_TARGET;
    finding->input = strdup(record_text(record, 0));
    finding->statement = *statement ? strdup(statement) : NULL;
    finding->message =
        judge_format("%s%s: %s, while the threads only read it%s%s", is_result ? "" : "input ",
                     finding->input, record_text(record, 1), *statement ? "; seen after " : "", statement);
    finding->signature = invariant_signature(record);
    judge_label_user_error(judge, finding);
    add(judge, finding);
}

static void judge_exception(struct judge *judge, const struct record *record)
{
    if (record->values[EXCEPTION_SERIAL])
        return;
    /* The count that comes at the end names no statement; the note was made then. */
    if (record->values[EXCEPTION_MUTABLE] && !*record_text(record, 2))
        return;
    if (record->values[EXCEPTION_MUTABLE]) {
        note_add(&judge->report->notes,
                 "%s raises %s under threads: no finding, because the statements change what they share",
                 record_text(record, 2), record_text(record, 1));
        return;
    }
    struct finding *finding = judge_new_finding(judge, FINDING_EXCEPTION, "exception", DETECTOR_EXCEPTION);
    if (!finding)
        return;
    finding->blame = judge->plan->share <= RUNG_READONLY ? BLAME_TARGET : BLAME_UNKNOWN;
    finding->count = (uint64_t)record->values[EXCEPTION_COUNT];
    finding->statement = strdup(record_text(record, 2));
    finding->message =
        judge_format("%s; raised by %s, never on one thread", record_text(record, 0), record_text(record, 2));
    finding->signature = judge_format("exception|%s", record_text(record, 1));
    judge_label_user_error(judge, finding);
    add(judge, finding);
}

/* The child asked one thread again before it said so. */
static void judge_diverge(struct judge *judge, const struct record *record)
{
    struct finding *finding =
        judge_new_finding(judge, FINDING_WRONG_RESULT, "wrong-result", DETECTOR_DIVERGE);
    if (!finding)
        return;
    const char *statement = record_text(record, 1);
    finding->blame = judge->plan->share <= RUNG_READONLY ? BLAME_TARGET : BLAME_UNKNOWN;
    finding->count = (uint64_t)record->values[DIVERGE_COUNT];
    finding->statement = strdup(statement);
    finding->message = judge_format("%s %s", statement, record_text(record, 0));
    finding->signature = judge_format("diverge|%s", statement);
    judge_label_user_error(judge, finding);
    add(judge, finding);
}

/* Ends of the process */

static const struct record *crash_record(const struct outcome *outcome)
{
    for (size_t i = 0; i < outcome->nrecords; i++)
        if (outcome->records[i]->type == RECORD_CRASH)
            return outcome->records[i];
    return NULL;
}

/* What every thread was at. */
static void add_ends(const struct judge *judge, struct finding *finding, unsigned crashed)
{
    unsigned n = judge->plan->threads;
    finding->ends = judge->outcome->phase == BOARD_RUN ? calloc(n, sizeof *finding->ends) : NULL;
    finding->nends = finding->ends ? n : 0;
    for (unsigned i = 0; i < finding->nends; i++) {
        struct finding_end *end = &finding->ends[i];
        unsigned inside = judge->outcome->workers[i].inside;
        const struct statement *statement =
            inside ? statement_at(&judge->outcome->statements, i, inside - 1) : NULL;
        end->calls = judge->outcome->workers[i].calls;
        end->inside = statement ? strdup(statement->source) : NULL;
        end->crashed = i == crashed;
    }
}

static char *last_lines(const char *text)
{
    size_t length = text ? strlen(text) : 0;
    const char *at = text + (length > 2000 ? length - 2000 : 0);
    return length ? strdup(at) : NULL;
}

static const char *when(const struct outcome *outcome)
{
    switch (outcome->phase) {
    case BOARD_START:
    case BOARD_SETUP:
        return " during setup, before any thread was started";
    case BOARD_SERIAL:
        return " already on one thread";
    case BOARD_FINISH:
        return " while Python was shutting down";
    default:
        return "";
    }
}

/* A signal that somebody sent (abort, kill) has no address; an address that the processor refused is not told. */
static bool has_address(const struct record *crash)
{
    bool refused = crash->values[CRASH_CODE] == SI_KERNEL && crash->values[CRASH_ADDRESS] == 0;
    return crash->values[CRASH_SIGNAL] != SIGABRT && crash->values[CRASH_CODE] > 0 && !refused;
}

static char *describe_end(const struct judge *judge, const struct record *crash, const char *line)
{
    int status = judge->outcome->wait_status;
    const char *statement = crash ? record_text(crash, 0) : "";
    const char *in = *statement ? " in " : "";
    if (line)
        return judge_format("%s%s%s%s", line, in, statement, when(judge->outcome));
    if (crash && has_address(crash))
        return judge_format("%s at address %#llx%s%s%s", strsignal((int)crash->values[CRASH_SIGNAL]),
                            (unsigned long long)crash->values[CRASH_ADDRESS], in, statement,
                            when(judge->outcome));
    if (crash)
        return judge_format("%s%s%s%s", strsignal((int)crash->values[CRASH_SIGNAL]), in, statement,
                            when(judge->outcome));
    if (WIFSIGNALED(status))
        return judge_format("the process was ended by signal %d (%s)%s", WTERMSIG(status),
                            strsignal(WTERMSIG(status)), when(judge->outcome));
    return judge_format("the process exited with status %d in the middle of the run%s", WEXITSTATUS(status),
                        when(judge->outcome));
}

/* On one thread nothing can have corrupted what the harness stands on: a crash in its own code is its own. */
static bool is_own_fault(const struct judge *judge, const struct symbol_stack *stack)
{
    char name[128];
    return judge->outcome->phase <= BOARD_SERIAL && stack->nframes > 0 &&
           package_frame_owner(judge->outcome, &stack->frames[0], name, sizeof name) == OWNER_HARNESS;
}

static void set_harness_fault(struct judge *judge, const struct symbol_stack *stack)
{
    const char *function = stack->frames[0].function;
    if (!judge->report->harness_fault)
        judge->report->harness_fault =
            judge_format("ftstress itself crashed in %s; please report it with this command line",
                         function ? function : "??");
}

/* CPython's debug hooks are there for the pyheap detector, which hears them where the log detector is off. */
static const struct log_rule *find_sentence(const struct judge *judge, char **ret_line,
                                            enum detector_id *ret_by)
{
    const struct outcome *outcome = judge->outcome;
    const struct log_rule *rule = log_rule_find(outcome->stderr_text, ret_line);
    if (!rule)
        rule = log_rule_find(outcome->sentence, ret_line);
    bool pyheap = judge->plan->detect & DETECTOR_BIT(DETECTOR_PYHEAP);
    *ret_by = pyheap && rule && log_rule_is_hooks(rule) ? DETECTOR_PYHEAP : DETECTOR_LOG;
    if (!rule || judge->plan->detect & DETECTOR_BIT(*ret_by))
        return rule;
    free(*ret_line);
    *ret_line = NULL;
    return NULL;
}

bool judge_hears(const struct plan *plan, const struct outcome *outcome)
{
    const struct judge judge = {.plan = plan, .outcome = outcome};
    char *line = NULL;
    enum detector_id by;
    bool heard = find_sentence(&judge, &line, &by) != NULL;
    free(line);
    return heard;
}

/* What the hooks print of a block, in one line instead of fifteen. */
static char *retell(const struct judge *judge, const struct log_rule *rule, char *line)
{
    char *whole =
        rule && log_rule_is_hooks(rule) ? log_rule_hooks_sentence(judge->outcome->stderr_text) : NULL;
    if (!whole)
        return line;
    free(line);
    return whole;
}

/* glibc notices a double free in the second free itself, but other corruption long after. CPython's debug hooks, too;
 * that they then stand in the interpreter is not its fault. */
static bool may_blame(const struct judge *judge, const struct log_rule *rule,
                      const struct symbol_stack *stack)
{
    char name[128];
    if (rule && rule->kind != FINDING_CRASH && rule->kind != FINDING_DOUBLE_FREE)
        return false;
    return !rule || !log_rule_is_hooks(rule) || package_frame(judge->outcome, stack, name, sizeof name);
}

enum detector_id judge_witness(const struct plan *plan, const struct outcome *outcome)
{
    if (plan->detect & DETECTOR_BIT(DETECTOR_CRASH))
        return DETECTOR_CRASH;
    if (plan->detect & DETECTOR_BIT(DETECTOR_SHUTDOWN) && outcome->phase == BOARD_FINISH)
        return DETECTOR_SHUTDOWN;
    return DETECTOR_COUNT;
}

static void judge_crash(struct judge *judge)
{
    const struct record *crash = crash_record(judge->outcome);
    char *line = NULL;
    enum detector_id by;
    const struct log_rule *rule = find_sentence(judge, &line, &by);
    enum detector_id witness = judge_witness(judge->plan, judge->outcome);
    bool known = rule || witness != DETECTOR_COUNT;
    struct finding *finding =
        known ? judge_new_finding(judge, rule ? rule->kind : FINDING_CRASH, "crash", rule ? by : witness)
              : NULL;
    if (!finding) {
        free(line);
        return;
    }
    struct symbol_stack stack = crash ? symbolise(judge, crash) : (struct symbol_stack){0};
    if (is_own_fault(judge, &stack)) {
        set_harness_fault(judge, &stack);
        finding_free(finding);
        free(line);
        symbol_stack_free(&stack);
        return;
    }
    finding->serial = judge->outcome->phase <= BOARD_SERIAL || judge->plan->threads == 1;
    finding->statement = crash && *record_text(crash, 0) ? strdup(record_text(crash, 0)) : NULL;
    finding->evidence = last_lines(judge->outcome->stderr_text);
    line = retell(judge, rule, line);
    finding->message = describe_end(judge, crash, line);
    if (may_blame(judge, rule, &stack))
        judge_blame_stack(judge, finding, &stack);
    finding->signature =
        judge_format("%s|%s", finding_kind_names[finding->kind], finding->function ? finding->function : "");
    judge_explain_crash(judge, finding, crash);
    judge_threads(judge, finding, crash ? (pid_t)crash->values[CRASH_TID] : 0, stack);
    add_ends(judge, finding, crash ? crash->worker : RECORD_MAIN);
    judge_label_user_error(judge, finding);
    free(line);
    finding = add(judge, finding);
    if (finding && judge->leak && judge->outcome->phase == BOARD_FINISH && !finding->cause)
        finding->cause = strdup(judge->leak->id);
}

static void blame_thread(struct judge *judge, struct finding *finding, pid_t tid)
{
    for (size_t i = 0; i < judge->outcome->nthreads && !finding->function; i++) {
        const struct symbol_thread *thread = &judge->outcome->threads[i];
        if (!(tid ? thread->tid == tid : judge_is_worker(judge, thread)))
            continue;
        if (!judge_blame_python(judge, finding, thread))
            judge_blame_stack(judge, finding, &thread->stack);
    }
}

/* Who waits for another says more than who is busy. */
static void blame_stuck(struct judge *judge, struct finding *finding)
{
    for (size_t i = 0; i < finding->nwaits && !finding->function; i++)
        blame_thread(judge, finding, finding->waits[i].tid);
    blame_thread(judge, finding, 0);
}

static void judge_hang(struct judge *judge)
{
    if (!(judge->plan->detect & DETECTOR_BIT(DETECTOR_HANG)))
        return;
    struct finding *finding = judge_new_finding(judge, FINDING_HANG, "hang", DETECTOR_HANG);
    if (!finding)
        return;
    char *deadlock = judge_waits(judge, finding);
    blame_stuck(judge, finding);
    finding->serial = judge->outcome->phase <= BOARD_SERIAL;
    finding->evidence = last_lines(judge->outcome->stderr_text);
    finding->message =
        judge_format("no thread gets any further%s: %s%s%s", when(judge->outcome),
                     deadlock ? deadlock : "a deadlock or an endless loop",
                     finding->function ? "; inside " : "", finding->function ? finding->function : "");
    free(deadlock);
    finding->signature = judge_format("hang|%s", finding->function ? finding->function : "");
    judge_threads(judge, finding, 0, (struct symbol_stack){0});
    add_ends(judge, finding, RECORD_MAIN);
    judge_label_user_error(judge, finding);
    add(judge, finding);
}

/* A sentence of the allocator or the interpreter in a process that lived on. */
static void judge_log(struct judge *judge)
{
    char *line = NULL;
    enum detector_id by;
    const struct log_rule *rule = find_sentence(judge, &line, &by);
    struct finding *finding = rule ? judge_new_finding(judge, rule->kind, "crash", by) : NULL;
    if (!finding) {
        free(line);
        return;
    }
    finding->message = line;
    finding->evidence = last_lines(judge->outcome->stderr_text);
    finding->signature = judge_format("log|%s", rule->sentence);
    add(judge, finding);
}

/* Damage in memory that a detector of the child walked over: it says where, not who did it. */
static void judge_corrupt(struct judge *judge, const struct record *record)
{
    enum detector_id detector = (enum detector_id)record->values[CORRUPT_DETECTOR];
    struct finding *finding = (unsigned)detector < DETECTOR_COUNT
                                  ? judge_new_finding(judge, FINDING_HEAP_CORRUPTION, "crash", detector)
                                  : NULL;
    if (!finding)
        return;
    const char *statement = record_text(record, 2);
    finding->count = (uint64_t)record->values[CORRUPT_COUNT];
    finding->serial = judge->plan->threads == 1;
    finding->statement = *statement ? strdup(statement) : NULL;
    finding->message = strdup(record_text(record, 0));
    finding->signature = strdup(record_text(record, 1));
    judge_label_user_error(judge, finding);
    add(judge, finding);
}

static void judge_record(struct judge *judge, const struct record *record)
{
    switch (record->type) {
    case RECORD_WRITE:
        judge_write(judge, record);
        break;
    case RECORD_INVARIANT:
        judge_invariant(judge, record);
        break;
    case RECORD_EXCEPTION:
        judge_exception(judge, record);
        break;
    case RECORD_DIVERGE:
        judge_diverge(judge, record);
        break;
    case RECORD_HEAP:
        judge_heap(judge, record);
        break;
    case RECORD_CORRUPT:
        judge_corrupt(judge, record);
        break;
    case RECORD_NOTE:
        note_add(&judge->report->notes, "%s", record_text(record, 0));
        break;
    default:
        break;
    }
}

unsigned judge_outcome(struct report *report, const struct plan *plan, const struct outcome *outcome,
                       unsigned child)
{
    struct judge judge = {.report = report, .plan = plan, .outcome = outcome, .child = child};
    judge.writes_arrays = plan->share >= RUNG_ONE_WRITER && outcome_environment(outcome, "_writes");
    judge.mutates_arrays = judge.writes_arrays;
    size_t before = report->findings.n;
    for (size_t i = 0; i < outcome->nrecords; i++)
        judge_record(&judge, outcome->records[i]);
    judge_refcount(&judge);
    judge_growth(&judge);
    judge_held(&judge);
    judge_shutdown(&judge);
    judge_tsan(&judge);
    judge_memcheck(&judge);
    judge.leak = judge_nanobind(&judge);
    if (outcome->hung)
        judge_hang(&judge);
    else if (outcome_crashed(outcome) && (crash_record(outcome) || !judge_tsan_crash(&judge)))
        judge_crash(&judge);
    else if (!outcome_crashed(outcome))
        judge_log(&judge);
    symbols_close(judge.symbols);
    return (unsigned)(report->findings.n - before);
}

static bool is_mutation(const struct finding *finding)
{
    return strcmp(finding->severity, "hidden-mutation") == 0;
}

void judge_take_cause(struct finding *finding, const struct finding *cause)
{
    free(finding->cause);
    finding->cause = strdup(cause->id);
    finding->blame = cause->blame;
    free(finding->function);
    free(finding->package);
    finding->function = cause->function ? strdup(cause->function) : NULL;
    finding->package = cause->package ? strdup(cause->package) : NULL;
}

/* A function that changes inputs for good is an in-place API; that one of its writes left no trace is chance. */
static bool is_in_place(const struct report *report, const struct finding *finding)
{
    if (strcmp(finding->detector, "tripwire") != 0 || !finding->function)
        return false;
    for (size_t i = 0; i < report->in_place.n; i++)
        if (strcmp(report->in_place.items[i], finding->function) == 0)
            return true;
    return false;
}

static void drop_in_place(struct report *report)
{
    for (size_t i = 0; i < report->findings.n;)
        if (is_in_place(report, report->findings.items[i]))
            finding_list_remove(&report->findings, i);
        else
            i++;
}

/* A function that writes to the shared input explains a corrupt heap, a crash, a changed input and a late exception of
 * the same run. Two such functions: nobody can say which. */
void judge_link(struct report *report)
{
    const struct finding *cause = NULL;
    unsigned causes = 0;
    drop_in_place(report);
    judge_link_heap(report);
    for (size_t i = 0; i < report->findings.n; i++)
        if (is_mutation(report->findings.items[i])) {
            cause = report->findings.items[i];
            causes++;
        }
    if (causes == 0 && (cause = judge_link_tsan(report)))
        causes = 1;
    for (size_t i = 0; causes == 1 && i < report->findings.n; i++) {
        struct finding *finding = report->findings.items[i];
        bool counted = finding->kind >= FINDING_REFCOUNT_UNDERFLOW && finding->kind <= FINDING_SHUTDOWN_LEAK;
        bool foreign = counted || finding->blame == BLAME_USER || finding->kind == FINDING_HANG ||
                       strcmp(finding->detector, cause->detector) == 0;
        if (finding != cause && !foreign)
            judge_take_cause(finding, cause);
    }
    judge_link_counted(report);
    finding_list_sort(&report->findings);
}
