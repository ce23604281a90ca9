/* Judges changes of shared inputs, and results that one thread does not have. */
#include "driver/judge/judge_inside.h"

#include <ctype.h>
#include <string.h>

#include "base/fd.h"
#include "base/list.h"
#include "base/text.h"
#include "driver/leak/judge_leak.h"
#include "driver/outcome/package.h"

#define NO_NAME "a function without a name"

/* Hidden mutations: one finding for each function, one stack for each write. */

/* Returns true where the finding has a stack of the same instruction. */
static bool has_stack(const struct finding *finding, const struct symbol_stack *stack)
{
    for (size_t i = 0; i < finding->nstacks; i++)
        if (finding->stacks[i].stack.nframes > 0 && stack->nframes > 0 &&
            finding->stacks[i].stack.frames[0].offset == stack->frames[0].offset)
            return true;
    return stack->nframes == 0;
}

/* Only this child may have seen the change that an earlier finding of the same statements comes from. */
static void mark_earlier(const struct judge *judge, const char *statement)
{
    const struct finding_list *findings = &judge->run->findings;
    for (size_t i = 0; i < findings->n; i++) {
        struct finding *finding = findings->items[i];
        if (finding->evidence.shares && finding->plan && strstr(finding->plan, statement))
            judge_mark_users(judge, finding);
    }
}

static void note_in_place(struct judge *judge, const char *statement, const char *input)
{
    size_t root = strcspn(input, ".[");
    if (input[root]) { /* a library may change its own object */
        note_add(&judge->run->notes, "%s changes arrays inside %.*s for good, on one thread too", statement,
                 (int)root, input);
        return;
    }
    note_add(&judge->run->changers, "%s", statement);
    mark_earlier(judge, statement);
    judge->mutates_arrays = judge->mutates_arrays || judge->plan->share != RUNG_PRIVATE;
    note_add(&judge->run->notes, "%s changes %s for good: an in-place API, not a bug; declare the input @out",
             statement, input);
}

/* Notes a write that stays, or one of the same value: a data race without a visible effect. */
static void note_write(struct judge *judge, const struct record *record, const struct symbol_stack *stack)
{
    struct run *run = judge->run;
    const char *input = record_text(record, 0), *statement = record_text(record, 1);
    char package[128] = "unknown package";
    const struct symbol_frame *frame = package_frame(judge->outcome, stack, package, sizeof package);
    const char *function = frame ? frame->function : NULL;
    if (!record->values[WRITE_KEPT]) {
        note_add(&run->notes,
                 "value-benign: %s (%s) writes to its input %s the value that is there already: %s",
                 function ? function : NO_NAME, package, input, record_text(record, 2));
        return;
    }
    if (!record->values[WRITE_SERIAL]) {
        note_add(&run->notes, "%s was seen to write to %s (%s), but only while other threads ran", statement,
                 input, record_text(record, 2));
        return;
    }
    if (function)
        note_add(&run->in_place, "%s", function);
    note_in_place(judge, statement, input);
}

/* One function may change the inputs of several statements. */
static void note_statement(struct finding *finding, const char *statement)
{
    bool is_known = text_equal(finding->statement, statement);
    for (size_t i = 0; i < finding->nalso_in; i++)
        is_known |= strcmp(finding->also_in[i], statement) == 0;
    if (!is_known)
        strings_add(&finding->also_in, &finding->nalso_in, statement);
}

static struct finding *add_write(struct judge *judge, const struct record *record,
                                 const struct symbol_stack *stack)
{
    struct finding *finding =
        judge_new_finding(judge, FINDING_INPUT_MUTATED, SEVERITY_HIDDEN_MUTATION, DETECTOR_TRIPWIRE);
    if (!finding)
        return NULL;
    judge_suspect_stack(judge, finding, EVIDENCE_CAUGHT, stack);
    finding->serial |= record->values[WRITE_SERIAL] != 0;
    finding->rung = RUNG_READONLY;
    finding->count = (uint64_t)record->values[WRITE_COUNT];
    finding->input = strdup(record_text(record, 0));
    finding->statement = strdup(record_text(record, 1));
    const char *function = finding->evidence.function ? finding->evidence.function : NO_NAME;
    finding->message =
        judge_format("%s (%s) writes to the %s of its input %s and puts it back before it returns", function,
                     finding->evidence.package ? finding->evidence.package : "unknown package",
                     record->values[WRITE_METADATA] ? "metadata" : "data", finding->input);
    finding->signature = judge_format("input-mutated|%s", function);
    finding = judge_add(judge, finding);
    if (finding)
        note_statement(finding, record_text(record, 1));
    return finding;
}

void judge_write(struct judge *judge, const struct record *record)
{
    struct symbol_stack stack = judge_stack(judge, record->frames, record->nframes, true);
    struct finding *finding = NULL;
    if (record->values[WRITE_KEPT] || record->values[WRITE_SAME])
        note_write(judge, record, &stack);
    else
        finding = add_write(judge, record, &stack);
    if (!finding || has_stack(finding, &stack))
        symbol_stack_free(&stack);
    else
        finding_add_stack(finding, strdup(record_text(record, 2)), stack);
}

/* Signs "its shape became (40,), was (20,)" and "… (80,) …" alike: the text after "became" does not count, nor does
 * the place of the first byte. */
static char *invariant_signature(const struct record *record)
{
    const char *sentence = record_text(record, 1), *cut = strstr(sentence, " became");
    cut = cut ? cut : strstr(sentence, ", first at");
    char *signature = judge_format("invariant|%s|%.*s", record_text(record, 0),
                                   (int)(cut ? cut - sentence : (ptrdiff_t)strlen(sentence)), sentence);
    for (char *c = signature; c && *c; c++)
        if (isdigit((unsigned char)*c))
            *c = '#';
    return signature;
}

void judge_invariant(struct judge *judge, const struct record *record)
{
    bool is_result = strcmp(record_text(record, 0), "the result") == 0;
    if (record->values[INVARIANT_SERIAL]) {
        if (is_result)
            note_add(&judge->run->notes, "%s: the result %s, on one thread too", record_text(record, 2),
                     record_text(record, 1));
        else
            note_in_place(judge, record_text(record, 2), record_text(record, 0));
        return;
    }
    struct finding *finding =
        judge_new_finding(judge, is_result ? FINDING_WRONG_RESULT : FINDING_INPUT_MUTATED,
                          SEVERITY_WRONG_RESULT, DETECTOR_INVARIANT);
    if (!finding)
        return;
    const char *statement = record_text(record, 2);
    evidence_set(&finding->evidence, EVIDENCE_SHARING, BLAME_TARGET, NULL, NULL);
    finding->input = strdup(record_text(record, 0));
    finding->statement = *statement ? strdup(statement) : NULL;
    finding->message =
        judge_format("%s%s: %s, while the threads only read it%s%s", is_result ? "" : "input ",
                     finding->input, record_text(record, 1), *statement ? "; seen after " : "", statement);
    finding->signature = invariant_signature(record);
    judge_note_changes(judge, finding);
    judge_add(judge, finding);
}

/* The same bug as that of the detector refcount, without its figures. An object has a name, except where the child's
 * memory is damaged: its counts say nothing then. */
void judge_underflow(struct judge *judge, const struct record *record)
{
    if (!(judge->plan->detect & DETECTOR_BIT(DETECTOR_CRASH)) || !*record_text(record, 0))
        return;
    struct finding *finding =
        judge_new_finding(judge, FINDING_REFCOUNT_UNDERFLOW, SEVERITY_CRASH, DETECTOR_CRASH);
    if (!finding)
        return;
    const char *statement = record_text(record, 1);
    judge_suspect_call(judge, finding);
    finding->serial |= *statement != 0;
    if (!finding->statement && *statement)
        finding->statement = strdup(statement);
    finding->input = strdup(record_text(record, 0));
    finding->message =
        judge_format(JUDGE_TOO_OFTEN ": fewer references to %s are left than the harness holds; "
                                     "--detect refcount counts the references that each call releases",
                     finding->input);
    finding->signature = judge_format("refcount|" JUDGE_TOO_OFTEN "|%s", finding->input);
    judge_note_changes(judge, finding);
    judge_add(judge, finding);
}

/* The child ran one thread again before it reported this. */
void judge_diverge(struct judge *judge, const struct record *record)
{
    struct finding *finding =
        judge_new_finding(judge, FINDING_WRONG_RESULT, SEVERITY_WRONG_RESULT, DETECTOR_DIVERGE);
    if (!finding)
        return;
    const char *statement = record_text(record, 1);
    judge_suspect_level(judge, finding);
    finding->count = (uint64_t)record->values[DIVERGE_COUNT];
    finding->statement = strdup(statement);
    finding->message = judge_format("%s %s", statement, record_text(record, 0));
    finding->signature = judge_format("diverge|%s", statement);
    judge_note_changes(judge, finding);
    judge_add(judge, finding);
}
