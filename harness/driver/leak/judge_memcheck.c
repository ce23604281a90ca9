/* Makes findings of memcheck's report: one for each error, and for leaks by comparison with other lengths. */
#include "driver/leak/judge_leak.h"

#include <stdlib.h>
#include <string.h>

#include "driver/outcome/package.h"

/* memcheck's names of errors. Others become notes. */
static const struct kind {
    const char *name;
    enum finding_kind as, freed; /* the second is for a freed block */
    enum severity severity;
    bool unset; /* uses a value that was never set, as the interpreter does harmlessly */
} kinds[] = {
    {"InvalidRead", FINDING_HEAP_CORRUPTION, FINDING_USE_AFTER_FREE, SEVERITY_CRASH, false},
    {"InvalidWrite", FINDING_HEAP_CORRUPTION, FINDING_USE_AFTER_FREE, SEVERITY_CRASH, false},
    {"InvalidFree", FINDING_HEAP_CORRUPTION, FINDING_DOUBLE_FREE, SEVERITY_CRASH, false},
    {"MismatchedFree", FINDING_HEAP_CORRUPTION, FINDING_HEAP_CORRUPTION, SEVERITY_CRASH, false},
    {"InvalidJump", FINDING_CRASH, FINDING_CRASH, SEVERITY_CRASH, false},
    {"Overlap", FINDING_WRONG_RESULT, FINDING_WRONG_RESULT, SEVERITY_WRONG_RESULT, false},
    {"UninitCondition", FINDING_WRONG_RESULT, FINDING_WRONG_RESULT, SEVERITY_WRONG_RESULT, true},
    {"UninitValue", FINDING_WRONG_RESULT, FINDING_WRONG_RESULT, SEVERITY_WRONG_RESULT, true},
    {"SyscallParam", FINDING_WRONG_RESULT, FINDING_WRONG_RESULT, SEVERITY_WRONG_RESULT, true},
};

/* Converts frames; the log owns their names. Free the frames with free. */
static struct symbol_stack frames_of(const struct memcheck_part *part)
{
    struct symbol_stack stack = {.frames = calloc(part->nframes + 1, sizeof *stack.frames)};
    for (size_t i = 0; stack.frames && i < part->nframes; i++) {
        const struct memcheck_frame *frame = &part->frames[i];
        bool is_inlined = i + 1 < part->nframes && frame[1].ip == frame->ip;
        /* Code of a header that is inlined into a function counts as that function. */
        if (is_inlined && frame->file && strstr(frame->file, "/include/"))
            continue;
        stack.frames[stack.nframes++] = (struct symbol_frame){.address = frame->ip,
                                                              .function = (char *)frame->function,
                                                              .module = (char *)frame->module,
                                                              .file = (char *)frame->file,
                                                              .line = frame->line};
    }
    return stack;
}

/* Returns the innermost owner, past the C library and code that was compiled at run time. */
static enum owner innermost(const struct judge *judge, const struct symbol_stack *stack)
{
    enum owner owner = OWNER_UNKNOWN;
    for (size_t i = 0; i < stack->nframes && (owner == OWNER_UNKNOWN || owner == OWNER_SYSTEM); i++)
        owner = package_frame_owner(judge->outcome, &stack->frames[i], NULL, 0);
    return owner;
}

/* The interpreter may only meet damage that a package did earlier: then the suspect is the package that freed or
 * allocated the block without Python code in between, or else the caller of the interpreter. */
static void set_suspect(const struct judge *judge, struct finding *finding,
                        const struct memcheck_error *error, const struct symbol_stack *stack)
{
    if (innermost(judge, stack) == OWNER_PACKAGE || !package_any_loaded(judge->outcome)) {
        judge_suspect_stack(judge, finding, EVIDENCE_STACK, stack);
        return;
    }
    for (size_t i = 1; i < error->nparts && !finding->evidence.function; i++) {
        struct symbol_stack block = frames_of(&error->parts[i]);
        judge_suspect_maker(judge, finding, EVIDENCE_BLOCK, &block);
        free(block.frames);
    }
    if (!finding->evidence.function)
        judge_suspect_maker(judge, finding, EVIDENCE_STACK, stack);
}

static const char *text_of(const struct memcheck_error *error)
{
    return error->parts[0].text ? error->parts[0].text : error->kind;
}

/* Returns "8 bytes after a block of size 32 alloc'd" without the address, which differs each time. */
static const char *place_of(const struct memcheck_error *error)
{
    for (size_t i = 1; i < error->nparts; i++) {
        const char *text = error->parts[i].text, *is = text ? strstr(text, " is ") : NULL;
        if (is && strncmp(text, "Address ", 8) == 0)
            return is + 4;
    }
    return NULL;
}

static char *say(const struct evidence *suspect, const char *text, const char *place)
{
    const char *comma = place ? ", " : "";
    place = place ? place : "";
    if (!suspect->function)
        return judge_format("error inside the interpreter, probably from earlier damage: %s%s%s", text, comma,
                            place);
    return judge_format("%s (%s): %s%s%s", suspect->function,
                        suspect->package ? suspect->package : "unknown package", text, comma, place);
}

/* Damage that the interpreter meets in many places is one finding. */
static char *sign(const struct finding *finding, const struct memcheck_error *error)
{
    const char *kind = finding_kind_names[finding->kind],
               *package = finding->evidence.package ? finding->evidence.package : "";
    if (!finding->evidence.function)
        return judge_format("memcheck|%s|", kind);
    return judge_format("memcheck|%s|%s|%.*s|%s", error->kind, kind, (int)strcspn(package, " "), package,
                        finding->evidence.function);
}

static void add_stacks(struct judge *judge, struct finding *finding, const struct memcheck_error *error)
{
    for (size_t i = 0; i < error->nparts; i++) {
        const struct memcheck_part *part = &error->parts[i];
        uint64_t ips[JUDGE_MEMCHECK_FRAMES];
        size_t n = 0;
        for (; n < part->nframes && n < JUDGE_MEMCHECK_FRAMES; n++)
            ips[n] = part->frames[n].ip;
        if (n > 0)
            finding_add_stack(finding, strdup(part->text ? part->text : error->kind),
                              judge_memcheck_stack(judge, ips, n));
    }
}

static void add_finding(struct judge *judge, const struct memcheck_error *error, const struct kind *kind,
                        const struct symbol_stack *stack)
{
    const char *place = place_of(error);
    struct finding *finding = judge_new_finding(
        judge, place && strstr(place, "free'd") ? kind->freed : kind->as, kind->severity, DETECTOR_MEMCHECK);
    if (!finding)
        return;
    const char *statement = judge_statement_text(judge, judge_statement_number(judge, stack));
    set_suspect(judge, finding, error, stack);
    judge_memcheck_demangle(&finding->evidence.function);
    finding->count = error->count;
    finding->serial = judge->plan->threads == 1;
    finding->statement = statement ? strdup(statement) : NULL;
    finding->message = say(&finding->evidence, text_of(error), place);
    finding->signature = sign(finding, error);
    finding = finding_list_add(&judge->run->findings, finding, judge->child);
    if (!finding || finding->nstacks > 0)
        return;
    if (finding->evidence.blame == BLAME_UNKNOWN)
        finding_add_line(finding,
                         strdup("an object may have been released too often: --detect refcount may name it"));
    add_stacks(judge, finding, error);
}

/* Returns true where the interpreter's own code uses values that were never set: these are only counted. */
static bool judge_error(struct judge *judge, const struct memcheck_error *error,
                        const struct symbol_stack *stack, enum owner owner)
{
    const struct kind *kind = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, error->kind) == 0)
            kind = &kinds[i];
    if (kind && kind->unset && owner != OWNER_PACKAGE)
        return true;
    if (kind)
        add_finding(judge, error, kind, stack);
    else
        note_add(&judge->run->notes, "memcheck also reports: %s", text_of(error));
    return false;
}

static void judge_all(struct judge *judge, struct memcheck *run, const struct memcheck_log *log)
{
    unsigned apart = 0;
    for (size_t i = 0; i < log->n; i++) {
        const struct memcheck_error *error = &log->errors[i];
        struct symbol_stack stack = frames_of(&error->parts[0]);
        enum owner owner = innermost(judge, &stack);
        if (strncmp(error->kind, "Leak_", 5) == 0)
            judge_memcheck_leak(judge, run, error, &stack, owner == OWNER_HARNESS);
        else if (owner != OWNER_HARNESS)
            apart += judge_error(judge, error, &stack, owner);
        free(stack.frames);
    }
    if (apart)
        note_add(
            &judge->run->notes,
            "memcheck: values that were never set, used by code of no package in %u place%s, are left out",
            apart, apart == 1 ? "" : "s");
}

/* Reads the length of this run from the child's counts. */
static void measure(const struct judge *judge, struct memcheck_length *length)
{
    for (size_t i = 0; i < judge->outcome->nrecords; i++) {
        const struct record *record = judge->outcome->records[i];
        int64_t arm = record->values[ARM_ARM];
        if (arm != MEMCHECK_CALLS && arm != MEMCHECK_NEW)
            continue;
        if (record->type == RECORD_ARM)
            length->calls[arm] = (uint64_t)record->values[ARM_POINTS + 1];
        else if (record->type == RECORD_SERIES && record->values[SERIES_OF] == SERIES_CODE_BYTES &&
                 arm == MEMCHECK_NEW)
            length->code = record->values[SERIES_POINTS + 1];
    }
    length->threads = judge->plan->threads;
    length->statements = (unsigned)judge_per_iteration(judge);
}

/* Only runs that came to their end can be compared. */
static void take_length(struct judge *judge, struct memcheck *run, bool whole)
{
    if (!whole || !judge->outcome->finished) {
        note_add(
            &judge->run->notes,
            "a child ended before Valgrind had looked for leaks: of it, only the errors until then are known");
        return;
    }
    measure(judge, &run->lengths[0]);
    memcheck_take(&judge->run->memcheck, run);
    judge_memcheck_lengths(judge);
}

void judge_memcheck(struct judge *judge)
{
    const struct outcome *outcome = judge->outcome;
    struct memcheck *memcheck = &judge->run->memcheck, run = {0};
    struct memcheck_log log;
    if (!memcheck->on || memcheck->n == MEMCHECK_LENGTHS || outcome->cannot)
        return;
    memcheck->has_new = judge->plan->fresh;
    memcheck->has_release = judge->plan->release;
    if (!outcome->tool_log || memcheck_log_read(outcome->tool_log, outcome->tool_log_size, &log) < 0) {
        note_add(&judge->run->notes, "Valgrind left no report; --verbose shows its output");
        return;
    }
    judge_all(judge, &run, &log);
    take_length(judge, &run, log.whole);
    memcheck_clear(&run);
    memcheck_log_clear(&log);
}
