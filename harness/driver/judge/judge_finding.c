/* A finding from its first word to its place in the list: its names, its stack, and whose it is. */
#include "driver/judge/judge_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/outcome/callable.h"
#include "driver/outcome/package.h"

char *judge_format(const char *text, ...)
{
    char *out;
    va_list arguments;
    va_start(arguments, text);
    int n = vasprintf(&out, text, arguments);
    va_end(arguments);
    return n < 0 ? NULL : out;
}

struct symbols *judge_symbols(struct judge *judge)
{
    if (!judge->symbols && judge->outcome->maps)
        symbols_open(judge->outcome->maps, &judge->symbols);
    return judge->symbols;
}

struct symbol_stack judge_stack(struct judge *judge, const uint64_t *frames, size_t n, bool exact)
{
    struct symbol_stack stack = {0};
    if (judge_symbols(judge))
        symbols_stack(judge->symbols, frames, n, exact, &stack);
    return stack;
}

struct symbol_stack judge_symbolise(struct judge *judge, const struct record *record)
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

struct finding *judge_new_finding(const struct judge *judge, enum finding_kind kind, enum severity severity,
                                  enum detector_id detector)
{
    struct finding *finding = calloc(1, sizeof *finding);
    if (!finding)
        return NULL;
    finding->kind = kind;
    finding->severity = severity;
    finding->detector = detector;
    finding->blame = BLAME_UNKNOWN;
    finding->rung = judge->plan->share;
    if (judge->outcome->facts.changes && finding->rung > RUNG_PRIVATE)
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
    finding->severity = SEVERITY_USER_ERROR;
    if (!judge->writes_arrays)
        finding->rung = RUNG_ALL;
}

/* The interpreter falls over what a package damaged: where a statement calls one, the frames of the interpreter alone
 * say nothing yet. One thread leaves nobody but the package. */
static void doubt_interpreter(const struct judge *judge, struct finding *finding)
{
    const struct statement *statement = statement_find(&judge->run->statements, finding->statement);
    if (finding->blame != BLAME_INTERPRETER || !statement || statement->plain || !statement->package)
        return;
    free(finding->function);
    free(finding->package);
    finding->blame = finding->serial ? BLAME_TARGET : BLAME_UNKNOWN;
    finding->function = finding->serial ? callable_of(statement->source, judge->plan->setup) : NULL;
    finding->package = finding->serial ? strdup(statement->package) : NULL;
}

struct finding *judge_add(struct judge *judge, struct finding *finding)
{
    doubt_interpreter(judge, finding);
    blame_who_is_left(judge, finding);
    return finding_list_add(&judge->run->findings, finding, judge->child);
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
