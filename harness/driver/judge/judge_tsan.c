/* Makes a finding for each unordered pair of functions that ThreadSanitizer reports, with the stacks of all pairs of
 * places. */
#include "driver/judge/judge_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "driver/outcome/package.h"

/* Pairs of stacks in one finding. */
#define PAIRS_MAX 8

/* One access and its owner. */
struct side {
    const struct tsan_part *part;
    const struct symbol_frame *frame; /* innermost of a package, or else of the interpreter; or NULL */
    enum owner own;                   /* owner of the innermost frame outside of the runtime and the system */
    char package[128];
};

/* Replaces addresses by frames with names, unless they have names already. */
static void name_frames(struct judge *judge, struct symbol_stack *stack)
{
    uint64_t addresses[TSAN_FRAMES_MAX];
    for (size_t i = 0; i < stack->nframes; i++)
        addresses[i] = stack->frames[i].address;
    if (stack->nframes == 0 || stack->frames[0].module)
        return;
    struct symbol_stack named = judge_stack(judge, addresses, stack->nframes, false);
    if (named.nframes == 0)
        return;
    symbol_stack_free(stack);
    *stack = named;
}

/* The runtime is part of the child's file; its frames get a module of their own. */
static void name_stacks(struct judge *judge, struct tsan_report *report)
{
    for (size_t i = 0; i < report->nparts; i++) {
        struct symbol_stack *stack = &report->parts[i].stack;
        name_frames(judge, stack);
        for (size_t k = 0; k < stack->nframes; k++)
            if (package_is_runtime(&stack->frames[k])) {
                free(stack->frames[k].module);
                stack->frames[k].module = strdup("ThreadSanitizer");
            }
    }
}

/* The owner is that of the file, on purpose: header code of CPython that is inlined into the child is the harness's. */
static struct side side_of(const struct judge *judge, const struct tsan_part *part)
{
    struct side side = {.part = part, .own = OWNER_UNKNOWN};
    const struct symbol_stack *stack = &part->stack;
    size_t i = 0;
    while (i < stack->nframes && (side.own == OWNER_UNKNOWN || side.own == OWNER_SYSTEM))
        side.own = package_owner(judge->outcome, stack->frames[i++].module, NULL, 0);
    side.frame = judge_direct_frame(judge, stack, side.package, sizeof side.package);
    if (!side.frame && side.own == OWNER_INTERPRETER)
        side.frame = &stack->frames[i - 1];
    return side;
}

static const char *function_of(const struct side *side)
{
    return side->frame && side->frame->function ? side->frame->function : "a function without a name";
}

/* Statements */

/* Returns the statement that the thread ran, or NULL. */
static const char *statement_of(const struct judge *judge, const struct tsan_part *part)
{
    int number = judge_statement_number(judge, &part->stack);
    if (number < 0)
        return part->thread > 0 ? judge->plan->native : NULL;
    return judge_statement_text(judge, number);
}

static char *statements_of(const struct judge *judge, const struct side sides[2])
{
    const char *one = statement_of(judge, sides[0].part), *other = statement_of(judge, sides[1].part);
    if (!one || !other || strcmp(one, other) == 0)
        return one || other ? strdup(one ? one : other) : NULL;
    return judge_format("%s, while another thread runs %s", one, other);
}

/* Titles */

static char *say_thread(const struct tsan_report *report, int number)
{
    const struct tsan_part *thread = tsan_report_thread(report, number);
    const char *name = thread && thread->name ? thread->name : "without a name";
    unsigned worker;
    if (number == 0)
        return strdup("the main thread");
    if (sscanf(name, "worker %u", &worker) == 1)
        return judge_format("thread %u", worker);
    return judge_format("a thread of its own (%s)", name);
}

/* Writes "earlier write of 8 bytes by thread 3, holding write M0, in np.repeat(x, 2)". */
static char *title_of(const struct judge *judge, const struct tsan_report *report,
                      const struct tsan_part *part)
{
    const char *statement = statement_of(judge, part);
    cleanup_free char *thread = say_thread(report, part->thread);
    return judge_format("%s%s%s of %u byte%s by %s%s%s%s%s", part->previous ? "earlier " : "",
                        part->atomic ? "atomic " : "", part->write ? "write" : "read", part->size,
                        part->size == 1 ? "" : "s", thread ? thread : "?", part->mutexes ? ", holding " : "",
                        part->mutexes ? part->mutexes : "", statement ? ", in " : "",
                        statement ? statement : "");
}

static void say_place(const struct side *side, char *text, size_t size)
{
    const struct symbol_frame *frame = side->frame;
    *text = '\0';
    if (frame && frame->file)
        snprintf(text, size, " at %s:%d", path_base(frame->file), frame->line);
}

static char *say_race(const struct tsan_report *report, const struct side sides[2], const char *package)
{
    char one[128], other[128];
    const struct tsan_part *first = sides[0].part;
    const char *kind = strcmp(report->kind, "data race") == 0 ? NULL : report->kind;
    say_place(&sides[0], one, sizeof one);
    say_place(&sides[1], other, sizeof other);
    return judge_format("%s (%s) %s %u byte%s%s that %s %s%s in another thread; nothing orders the two%s%s",
                        function_of(&sides[0]), package ? package : "unknown package",
                        first->write ? "writes" : "reads", first->size, first->size == 1 ? "" : "s", one,
                        function_of(&sides[1]), sides[1].part->write ? "writes" : "reads", other,
                        kind ? ": " : "", kind ? kind : "");
}

/* Blame */

/* Two accesses of the interpreter for a package leave the blame open: the call may have been wrong. */
static enum blame blame_of(const struct side sides[2])
{
    bool inside = sides[0].own == OWNER_INTERPRETER && sides[1].own == OWNER_INTERPRETER;
    bool packages = *sides[0].package || *sides[1].package;
    if (inside)
        return packages ? BLAME_UNKNOWN : BLAME_INTERPRETER;
    return packages ? BLAME_TARGET : BLAME_UNKNOWN;
}

static void set_suspect(const struct judge *judge, struct finding *finding, const struct side sides[2])
{
    /* The access that writes; of two the later. */
    const struct side *guilty = &sides[!sides[0].part->write && sides[1].part->write];
    if (!*guilty->package && *sides[guilty == sides].package)
        guilty = &sides[guilty == sides];
    const struct symbol_frame *frame = guilty->frame;
    char *package = NULL;
    if (*guilty->package)
        package = judge_name_package(judge, frame ? frame->module : NULL, guilty->package);
    else if (guilty->own == OWNER_INTERPRETER)
        package = judge_name_interpreter(judge);
    evidence_set(&finding->evidence, EVIDENCE_ACCESS, blame_of(sides),
                 frame && frame->function ? strdup(frame->function) : NULL, package);
}

/* Is the memory a variable of a module, or of a thread? Statements do not share these, but arrays. */
static bool is_variable(struct judge *judge, const struct tsan_report *report, uint64_t address)
{
    const struct tsan_part *location = tsan_report_part(report, TSAN_LOCATION, 0);
    cleanup_free char *name = NULL;
    if (location)
        return strstr(location->title, "is TLS");
    return judge_symbols(judge) && symbols_variable(judge->symbols, address, &name) == 0;
}

static char *signature_of(const struct finding *finding, const struct side sides[2])
{
    const char *one = function_of(&sides[0]), *other = function_of(&sides[1]);
    bool swap = strcmp(one, other) > 0;
    return judge_format("%s|%s|%s", finding_kind_names[finding->kind], swap ? other : one,
                        swap ? one : other);
}

/* Stacks */

static uint64_t top_offset(const struct symbol_stack *stack)
{
    return stack->nframes > 0 ? stack->frames[0].offset : 0;
}

static bool has_pair(const struct finding *finding, const struct side sides[2])
{
    uint64_t one = top_offset(&sides[0].part->stack), other = top_offset(&sides[1].part->stack);
    for (size_t i = 0; i + 1 < finding->nstacks; i++) {
        uint64_t a = top_offset(&finding->stacks[i].stack), b = top_offset(&finding->stacks[i + 1].stack);
        if ((a == one && b == other) || (a == other && b == one))
            return true;
    }
    return false;
}

static void move_stack(struct finding *finding, char *title, const struct tsan_part *part)
{
    struct symbol_stack *stack = &((struct tsan_part *)part)->stack;
    finding_add_stack(finding, title, *stack);
    *stack = (struct symbol_stack){0};
}

/* Adds the stack that created a thread of the target. */
static void add_creation(const struct judge *judge, struct finding *finding, const struct tsan_report *report,
                         const struct side *side)
{
    const struct tsan_part *thread = tsan_report_thread(report, side->part->thread);
    if (thread && package_frame(judge->outcome, &thread->stack, NULL, 0))
        move_stack(finding, strdup(thread->title), thread);
}

static void add_stacks(const struct judge *judge, struct finding *finding, const struct tsan_report *report,
                       const struct side sides[2])
{
    const struct tsan_part *location = tsan_report_part(report, TSAN_LOCATION, 0);
    if (finding->nstacks >= (size_t)2 * PAIRS_MAX || has_pair(finding, sides))
        return;
    /* Titles first: they need the stacks. */
    char *titles[] = {title_of(judge, report, sides[0].part), title_of(judge, report, sides[1].part)};
    move_stack(finding, titles[0], sides[0].part);
    move_stack(finding, titles[1], sides[1].part);
    if (finding->nstacks == 2 && location && location->stack.nframes > 0)
        move_stack(finding, strdup(location->title), location);
    add_creation(judge, finding, report, &sides[0]);
    add_creation(judge, finding, report, &sides[1]);
}

static const char *innermost(const struct side *side)
{
    const struct symbol_stack *stack = &side->part->stack;
    return stack->nframes > 0 && stack->frames[0].function ? stack->frames[0].function : "??";
}

/* Notes races that are not the target's. Returns false for the target's. */
static bool note_race(struct judge *judge, const struct side sides[2])
{
    struct note_list *notes = &judge->run->notes;
    const char *one = innermost(&sides[0]), *other = innermost(&sides[1]);
    bool ours = sides[0].own == OWNER_HARNESS || sides[1].own == OWNER_HARNESS;
    bool packages = *sides[0].package || *sides[1].package;
    /* Threads that begin and end, imports, collections between rounds. */
    bool is_beside = !packages && !statement_of(judge, sides[0].part) && !statement_of(judge, sides[1].part);
    if (ours && packages)
        note_add(notes, "ThreadSanitizer reports that the target meets ftstress's own memory: %s with %s",
                 one, other);
    else if (ours)
        note_add(notes,
                 "ThreadSanitizer reports a race of ftstress itself (%s with %s); please report it with this "
                 "command line",
                 one, other);
    else if (is_beside)
        note_add(notes, "ThreadSanitizer reports a race beside the statements: %s with %s", one, other);
    else
        return false;
    return true;
}

static void judge_report(struct judge *judge, struct tsan_report *report)
{
    const struct tsan_part *one = tsan_report_part(report, TSAN_ACCESS, 0),
                           *other = tsan_report_part(report, TSAN_ACCESS, 1);
    const struct side sides[2] = {side_of(judge, one), side_of(judge, other)};
    if (note_race(judge, sides))
        return;
    struct finding *finding = judge_new_finding(
        judge, strstr(report->kind, "use-after-free") ? FINDING_USE_AFTER_FREE : FINDING_DATA_RACE,
        SEVERITY_DATA_RACE, DETECTOR_TSAN);
    if (!finding)
        return;
    set_suspect(judge, finding, sides);
    finding->count = report->count;
    finding->statement = statements_of(judge, sides);
    finding->signature = signature_of(finding, sides);
    finding->message = say_race(report, sides, finding->evidence.package);
    if (!is_variable(judge, report, one->address))
        judge_note_changes(judge, finding);
    finding = finding_list_add(&judge->run->findings, finding, judge->child);
    if (finding)
        add_stacks(judge, finding, report, sides);
}

/* Notes reports without two accesses, such as misuse of a mutex. */
static void note_other(struct judge *judge, const struct tsan_report *report)
{
    char name[128] = "";
    const struct symbol_frame *frame =
        package_frame(judge->outcome, &report->parts[0].stack, name, sizeof name);
    note_add(&judge->run->notes, "ThreadSanitizer also reports: %s%s%s", report->kind, frame ? " in " : "",
             frame && frame->function ? frame->function : name);
}

void judge_tsan(struct judge *judge)
{
    const struct suppression_list *rules = judge->run->suppressions;
    if (!(judge->plan->detect & DETECTOR_BIT(DETECTOR_TSAN)))
        return;
    if (judge->outcome->dropped_races)
        note_add(&judge->run->notes, "a child reported more races than are kept: %zu reports are left out",
                 judge->outcome->dropped_races);
    for (size_t i = 0; i < judge->outcome->nraces; i++) {
        struct tsan_report *report = judge->outcome->races[i];
        name_stacks(judge, report);
        struct suppression *rule = rules ? suppression_find(rules, report) : NULL;
        if (rule)
            rule->hits += report->count;
        else if (tsan_report_part(report, TSAN_ACCESS, 1))
            judge_report(judge, report);
        else if (!report->fatal)
            note_other(judge, report);
    }
}

bool judge_tsan_crash(struct judge *judge)
{
    struct tsan_report *fatal = NULL;
    for (size_t i = 0; i < judge->outcome->nraces && !fatal; i++)
        fatal = judge->outcome->races[i]->fatal ? judge->outcome->races[i] : NULL;
    struct finding *finding =
        fatal ? judge_new_finding(judge, FINDING_CRASH, SEVERITY_CRASH, DETECTOR_CRASH) : NULL;
    if (!finding)
        return false;
    name_stacks(judge, fatal);
    judge_suspect_stack(judge, finding, EVIDENCE_STACK, &fatal->parts[0].stack);
    finding->message = judge_format("%.*s", (int)strcspn(fatal->kind, "("), fatal->kind);
    finding->signature =
        judge_format("crash|%s", finding->evidence.function ? finding->evidence.function : "");
    move_stack(finding, strdup("the thread that crashed"), &fatal->parts[0]);
    judge_note_changes(judge, finding);
    return finding_list_add(&judge->run->findings, finding, judge->child) != NULL;
}
