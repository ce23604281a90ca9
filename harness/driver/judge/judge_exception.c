/* Judges exceptions that one thread does not raise: by the Python code that raised them, not by their messages. */
#include "driver/judge/judge_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

#define FRAMES 16
#define FORMS 6 /* other forms of a finding that are listed */

/* A Python frame of a traceback. */
struct frame {
    int line;
    char *function, *file;
    enum owner owner; /* OWNER_SYSTEM: code of the user's */
    char package[128];
};

/* The frames, outermost first, and those that matter; or NULL. */
struct place {
    struct frame frames[FRAMES];
    size_t n;
    const struct frame *entry;   /* outermost of a package: what the statement calls */
    const struct frame *inner;   /* innermost that is not of CPython's library */
    const struct frame *library; /* innermost of all, where it is of CPython's library */
};

/* Splits the text, which keeps the strings. */
static void place_read(const struct judge *judge, char *text, struct place *place)
{
    char *line;
    while ((line = strsep(&text, "\n")) && place->n < FRAMES) {
        struct frame *frame = &place->frames[place->n];
        frame->line = (int)strtol(line, &line, 10);
        line += *line == ' ';
        frame->function = strsep(&line, " ");
        frame->file = line;
        if (!line)
            continue;
        frame->owner = package_python_owner(judge->outcome, line, frame->package, sizeof frame->package);
        place->n++;
        if (frame->owner == OWNER_PACKAGE && !place->entry)
            place->entry = frame;
        place->library = frame->owner == OWNER_INTERPRETER ? frame : NULL;
        place->inner = place->library ? place->inner : frame;
    }
}

/* Where threads only read shared inputs, a failure that one thread does not have is the target's. */
void judge_suspect_level(const struct judge *judge, struct finding *finding)
{
    evidence_set(&finding->evidence, EVIDENCE_SHARING,
                 judge->plan->share <= RUNG_READONLY ? BLAME_TARGET : BLAME_UNKNOWN, NULL, NULL);
}

/* A test asserts what other code returns, itself or by a function of another package. Where a package asserts inside of
 * its own functions, its own state is wrong. */
static bool is_check(const struct place *place, const char *type)
{
    const struct frame *entry = place->entry, *inner = place->inner;
    return strcmp(type, "AssertionError") == 0 && entry &&
           (entry == inner || strcmp(entry->package, inner->package) != 0);
}

/* CPython's library refuses a wrong argument with a statement of its own: then its caller is the suspect. Where one of
 * its containers lacks what was just there, it is the suspect itself; any other operation may have either reason. */
static void suspect(const struct judge *judge, struct finding *finding, const struct place *place,
                    const char *type, int how)
{
    const struct frame *inner = place->inner;
    bool reads = judge->plan->share <= RUNG_READONLY;
    if (is_check(place, type)) {
        evidence_set(&finding->evidence, EVIDENCE_ASSERTED, BLAME_UNKNOWN, NULL, NULL);
    } else if (place->library && how != RAISED_BY_STATEMENT && reads) {
        enum blame blame = how == RAISED_BY_CONTAINER ? BLAME_INTERPRETER : BLAME_UNKNOWN;
        evidence_set(&finding->evidence, EVIDENCE_RAISED, blame, strdup(place->library->function),
                     judge_name_interpreter(judge));
        finding->evidence.library = true;
    } else if (inner && inner->owner == OWNER_PACKAGE) {
        evidence_set(&finding->evidence, reads ? EVIDENCE_RAISED : EVIDENCE_SHARING,
                     reads ? BLAME_TARGET : BLAME_UNKNOWN, strdup(inner->function),
                     judge_name_package(judge, inner->file, inner->package));
    } else {
        judge_suspect_level(judge, finding);
    }
}

/* One call of a statement into a package is one place, whatever it raises: no trial can separate its exceptions. */
static void sign(struct finding *finding, const struct place *place, const char *type)
{
    const struct frame *entry = finding->evidence.library ? NULL : place->entry;
    const struct frame *inner = place->library ? place->library : place->inner;
    if (entry)
        finding->signature =
            judge_format("exception|%s|%s|%s", entry->function, entry->package, finding->statement);
    else
        finding->signature = judge_format("exception|%s|%s%s%s", type, inner ? inner->function : "",
                                          inner ? "|" : "", finding->statement);
    finding->is_signed = inner != NULL;
}

/* "ValueError in Image.load (PIL/Image.py:12)"; without a frame "ValueError: its message". */
static char *form_of(const struct place *place, const char *type, const char *text)
{
    const struct frame *at = place->library ? place->library : place->inner;
    return at ? judge_format("%s in %s (%s:%d)", type, at->function, at->file, at->line) : strdup(text);
}

/* Adds "raised: …" for the first form, "also raised: …" for one at another place. Without a frame the type is the form,
 * and the first message an example: messages may have random bytes. */
static void add_form(struct finding *finding, const struct place *place, const char *type,
                     const struct record *record, bool is_first)
{
    size_t n = finding->nlines;
    if ((place->n == 0 && !is_first) || n > FORMS)
        return;
    if (n == FORMS) {
        finding_add_line(finding, strdup("also raised: other forms, which are not listed"));
        return;
    }
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): cleanup_free */
    cleanup_free char *form = form_of(place, type, record_text(record, 0));
    cleanup_free char *line = judge_format("raised: %s", form ? form : type);
    finding_make_printable(line, false);
    for (size_t i = 0; line && i < n; i++)
        if (strstr(finding->lines[i], line))
            return;
    const char *message = is_first ? "" : record_text(record, 0) + strlen(type);
    finding_add_line(finding, judge_format("%s%s%s", is_first ? "" : "also ", line ? line : "", message));
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
}

/* Shows the traceback of the first, innermost frame first. */
static void add_traceback(struct finding *finding, const struct place *place)
{
    if (place->n == 0 || finding_add_stack(finding, strdup("raised here"), (struct symbol_stack){0}) < 0)
        return;
    struct finding_stack *stack = &finding->stacks[finding->nstacks - 1];
    stack->python = calloc(place->n, sizeof *stack->python);
    for (size_t i = place->n; stack->python && i-- > 0;) {
        const struct frame *frame = &place->frames[i];
        stack->python[stack->npython] =
            (struct finding_python){strdup(frame->function), strdup(frame->file), frame->line};
        finding_make_printable(stack->python[stack->npython].function, false);
        finding_make_printable(stack->python[stack->npython++].file, false);
    }
}

/* Adds what a child counted to the finding of its first record. */
static void add_count(struct judge *judge, const struct finding *again)
{
    struct finding_list *list = &judge->run->findings;
    size_t n = strlen(again->signature);
    for (size_t i = 0; i < list->n; i++)
        if (strncmp(list->items[i]->signature, again->signature, n) == 0 &&
            (list->items[i]->signature[n] == '\0' || list->items[i]->signature[n] == '|')) {
            list->items[i]->count += again->count;
            return;
        }
}

/* Statements that change shared objects may raise by themselves. */
static void note(struct judge *judge, const struct record *record, const struct place *place,
                 const char *type)
{
    cleanup_free char *form = form_of(place, type, record_text(record, 1));
    note_add(&judge->run->notes,
             "%s raises %s under threads: no finding, because the statements %schange what they share",
             record_text(record, 3), form ? form : type,
             judge->outcome->facts.changes == CHANGES_SEEN ? "" : "may ");
}

static struct finding *make(const struct judge *judge, const struct record *record, const struct place *place,
                            const char *type)
{
    struct finding *finding =
        judge_new_finding(judge, FINDING_EXCEPTION, SEVERITY_EXCEPTION, DETECTOR_EXCEPTION);
    if (!finding)
        return NULL;
    finding->count = (uint64_t)record->values[EXCEPTION_COUNT];
    finding->statement = strdup(record_text(record, 3));
    finding->message =
        judge_format("%s; raised by %s, never on one thread", record_text(record, 0), finding->statement);
    suspect(judge, finding, place, type, (int)record->values[EXCEPTION_HOW]);
    sign(finding, place, type);
    return finding;
}

static void add(struct judge *judge, const struct record *record, const struct place *place, const char *type)
{
    size_t before = judge->run->findings.n;
    struct finding *finding = make(judge, record, place, type);
    if (finding && record->values[EXCEPTION_AGAIN]) {
        add_count(judge, finding);
        finding_free(finding);
        return;
    }
    if (finding)
        judge_note_changes(judge, finding);
    finding = finding ? judge_add(judge, finding) : NULL;
    if (!finding)
        return;
    bool is_new = judge->run->findings.n > before;
    add_form(finding, place, type, record, is_new);
    if (is_new)
        add_traceback(finding, place);
}

void judge_exception(struct judge *judge, const struct record *record)
{
    if (record->values[EXCEPTION_SERIAL])
        return;
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): cleanup_free */
    cleanup_free char *text = strdup(record_text(record, 2));
    struct place place = {.n = 0};
    char type[128];
    place_read(judge, text, &place);
    snprintf(type, sizeof type, "%.*s", (int)strcspn(record_text(record, 0), ":"), record_text(record, 0));
    if (record->values[EXCEPTION_MUTABLE])
        note(judge, record, &place, type);
    else
        add(judge, record, &place, type);
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
}
