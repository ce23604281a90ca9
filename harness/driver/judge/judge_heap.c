/* Makes a finding of a violation: its site, its suspect, its stacks, and a sentence with the bytes. */
#include "driver/judge/judge_inside.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "driver/outcome/package.h"

#define CHAIN 6 /* frames of a package that identify a site of array data */
#define TEXT 512

/* What findings of each kind are; the side distinguishes bugs of one site, or of one function. */
static const struct {
    const char *side;
    enum finding_kind kind;
} faults[VIOLATION_KINDS] = {
    [VIOLATION_AFTER] = {"overrun", FINDING_HEAP_CORRUPTION},
    [VIOLATION_BEFORE] = {"underrun", FINDING_HEAP_CORRUPTION},
    [VIOLATION_FREED_WRITE] = {"write after free", FINDING_USE_AFTER_FREE},
    [VIOLATION_STRAY] = {"stray write", FINDING_HEAP_CORRUPTION},
    [VIOLATION_READ_AFTER] = {"read outside", FINDING_HEAP_CORRUPTION},
    [VIOLATION_READ_BEFORE] = {"read outside", FINDING_HEAP_CORRUPTION},
    [VIOLATION_FREED_READ] = {"read after free", FINDING_USE_AFTER_FREE},
    [VIOLATION_DOUBLE_FREE] = {"double free", FINDING_DOUBLE_FREE},
    [VIOLATION_INTERIOR_FREE] = {"interior free", FINDING_HEAP_CORRUPTION},
    [VIOLATION_FOREIGN_FREE] = {"foreign free", FINDING_HEAP_CORRUPTION},
    [VIOLATION_MISMATCH] = {"mismatch", FINDING_HEAP_CORRUPTION},
};

/* Returns true where the thread that was stopped did the damage. */
static bool is_caught(const struct violation *violation)
{
    return violation->found == FOUND_TRAP || violation->kind >= VIOLATION_DOUBLE_FREE;
}

/* Names a frame by its place in the file; `plain`: so that the name stays the same in a rebuild, by its function, or
 * else by its file's plain name. */
static char *name_frame(const struct symbol_frame *frame, bool plain)
{
    const char *file = frame->module ? path_base(frame->module) : "?";
    if (!plain)
        return judge_format("%s+%#llx", file, (unsigned long long)frame->offset);
    return frame->function ? strdup(frame->function) : strndup(file, strcspn(file, "."));
}

/* Names a site so that it is equal in each run: the innermost frame of the allocation; for array data, which NumPy
 * allocates in one place, all functions of that package on the way to it. */
static void name_site(const struct judge *judge, const struct violation *violation,
                      const struct symbol_stack *stack, bool plain, char *text, size_t size)
{
    char first[128] = "", name[128];
    size_t most = violation->block == BLOCK_ARRAY ? CHAIN : 1;
    text[0] = '\0';
    for (size_t i = 0; i < stack->nframes && i < most; i++) {
        const struct symbol_frame *frame = &stack->frames[i];
        package_frame_owner(judge->outcome, frame, name, sizeof name);
        if (i == 0)
            snprintf(first, sizeof first, "%s", name);
        else if (strcmp(first, name) != 0)
            break;
        cleanup_free char *called = name_frame(frame, plain);
        text_add(text, size, "<", "%s", called ? called : "?");
    }
}

/* Returns the site for --focus. */
static char *focus_of(const struct violation *violation, const struct symbol_stack *stack)
{
    if (violation->kind > VIOLATION_FREED_READ)
        return NULL;
    if (violation->block == BLOCK_ARRAY)
        return strdup("arrays");
    return stack->nframes > 0 && stack->frames[0].module ? name_frame(&stack->frames[0], false) : NULL;
}

/* Adds the stack unless it is one of the harness. */
static void add_stack(struct judge *judge, struct finding *finding, const uint64_t *frames, unsigned n,
                      bool exact, char *title)
{
    struct symbol_stack stack = judge_stack(judge, frames, n, exact);
    if (title && stack.nframes > 0 &&
        package_frame_owner(judge->outcome, &stack.frames[0], NULL, 0) != OWNER_HARNESS) {
        finding_add_stack(finding, title, stack);
        return;
    }
    free(title);
    symbol_stack_free(&stack);
}

static char *thread_title(const char *what, uint16_t worker)
{
    return worker >= BLOCK_SERIAL ? strdup(what) : judge_format("%s by thread %u", what, worker);
}

static void add_stacks(struct judge *judge, struct finding *finding, const struct violation *violation)
{
    bool trap = violation->found == FOUND_TRAP;
    if (is_caught(violation))
        add_stack(judge, finding, violation->here, violation->nfound, trap,
                  strdup(trap ? "the access, at the instruction" : "the call"));
    if (violation->kind != VIOLATION_FOREIGN_FREE)
        add_stack(judge, finding, violation->alloc, violation->nalloc, false,
                  thread_title("the block, allocated", violation->worker));
    if (violation->nfree > 0 && violation->kind != VIOLATION_MISMATCH)
        add_stack(judge, finding, violation->free, violation->nfree, false,
                  thread_title("the block, freed", violation->free_worker));
    if (!is_caught(violation) && violation->nfound > 1)
        add_stack(judge, finding, violation->here, violation->nfound, false,
                  strdup("where it was noticed, which need not be where it was done"));
}

/* Returns the frame that allocated the block: the innermost one of a package; for array data that of the caller of the
 * package that makes arrays, or that package's outermost function. */
static const struct symbol_frame *maker_of(const struct judge *judge, const struct violation *violation,
                                           const struct symbol_stack *stack, char *name, size_t size)
{
    char caller[128];
    const struct symbol_frame *frame = package_frame(judge->outcome, stack, name, size);
    while (frame && violation->block == BLOCK_ARRAY && frame + 1 < stack->frames + stack->nframes &&
           package_frame_owner(judge->outcome, frame + 1, caller, sizeof caller) == OWNER_PACKAGE) {
        frame++;
        if (strcmp(caller, name) != 0) {
            snprintf(name, size, "%s", caller);
            break;
        }
    }
    return frame;
}

static void suspect_maker(const struct judge *judge, struct finding *finding,
                          const struct symbol_frame *maker, const char *name)
{
    const char *function = package_function(maker);
    evidence_set(&finding->evidence, EVIDENCE_BLOCK, BLAME_TARGET, function ? strdup(function) : NULL,
                 judge_name_package(judge, maker->module, name));
}

/* Suspects the code that was caught, or else the allocation site of the block. Arrays of all functions are made in the
 * same places, so that the only call says more. */
static void set_suspect(struct judge *judge, struct finding *finding, const struct violation *violation,
                        const struct symbol_stack *alloc)
{
    char name[128];
    const struct symbol_frame *maker = maker_of(judge, violation, alloc, name, sizeof name);
    if (is_caught(violation)) {
        struct symbol_stack stack =
            judge_stack(judge, violation->here, violation->nfound, violation->found == FOUND_TRAP);
        judge_suspect_stack(judge, finding, EVIDENCE_CAUGHT, &stack);
        finding->trapped = true;
        symbol_stack_free(&stack);
        return;
    }
    bool has_own = maker && violation->kind != VIOLATION_STRAY;
    bool is_others = has_own && violation->block != BLOCK_ARRAY;
    if (is_others || (!judge_suspect_only(judge, finding) && has_own))
        suspect_maker(judge, finding, maker, name);
}

/* Sets names and suspect by the stack of the allocation, or of the call where the call is the fault. */
static void identify(struct judge *judge, struct finding *finding, const struct violation *violation)
{
    char site[TEXT];
    const char *side = faults[violation->kind].side;
    bool by_caller = violation->kind >= VIOLATION_DOUBLE_FREE;
    struct symbol_stack stack = judge_stack(judge, by_caller ? violation->here : violation->alloc,
                                            by_caller ? violation->nfound : violation->nalloc, false);
    name_site(judge, violation, &stack, false, site, sizeof site);
    finding->site = focus_of(violation, &stack);
    finding->alias = judge_format("guard|%s|%s", side, site);
    set_suspect(judge, finding, violation, &stack);
    name_site(judge, violation, &stack, true, site, sizeof site);
    symbol_stack_free(&stack);
    const char *by = finding->trapped ? finding->evidence.function : NULL;
    finding->signature = judge_format("guard|%s|%s%s", side, by ? "by " : "", by ? by : site);
    if (finding->signature)
        finding_sign(finding);
}

/* Returns the statement that made the block, which is the plan's, or NULL. */
static const char *statement_of(const struct plan *plan, const struct violation *violation)
{
    if (violation->worker == BLOCK_NOBODY)
        return NULL;
    if (plan->nroles > 0 && violation->worker != BLOCK_SERIAL)
        return plan->roles[violation->worker % plan->nroles];
    if (violation->step < plan->nsteps)
        return plan->steps[violation->step];
    return plan->native;
}

static void say_maker(const struct judge *judge, const struct violation *violation, char *text, size_t size)
{
    const char *statement = statement_of(judge->plan, violation);
    statement = statement ? statement : "a statement";
    if (violation->kind == VIOLATION_FOREIGN_FREE || violation->kind == VIOLATION_STRAY)
        text[0] = '\0';
    else if (violation->worker == BLOCK_NOBODY)
        snprintf(text, size, ", made by another thread, or outside the statements");
    else if (violation->worker == BLOCK_SERIAL)
        snprintf(text, size, ", made in %s by the serial pass at iteration %u", statement,
                 violation->iteration);
    else
        snprintf(text, size, ", made in %s by thread %u at iteration %u", statement, violation->worker,
                 violation->iteration);
}

/* Finds the generated input with these bytes. */
static bool find_input(const struct plan *plan, const unsigned char *bytes, size_t n, char *text, size_t size)
{
    char error[256];
    for (unsigned i = 0; i < plan->ninputs; i++) {
        struct recipe recipe;
        struct recipe_layout layout;
        if (recipe_parse(plan->inputs[i].recipe, &recipe, error, sizeof error) < 0)
            continue;
        recipe_layout(&recipe, &layout);
        size_t length = layout.base_items * recipe.itemsize;
        unsigned char *base = length >= n && length < (64U << 20) ? malloc(length) : NULL;
        if (!base)
            continue;
        recipe_fill(&recipe, plan->seed, plan_input_stream(plan, i), base);
        const unsigned char *at = memmem(base, length, bytes, n);
        if (at)
            snprintf(text, size, "what the input %s holds from element %zu on", plan->inputs[i].name,
                     (size_t)(at - base) / recipe.itemsize);
        free(base);
        if (at)
            return true;
    }
    return false;
}

/* Returns true for bytes that identify an input: eight or more, and not all equal. */
static bool is_telling(const unsigned char *bytes, unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        if (bytes[i] != bytes[0])
            return n >= 8;
    return false;
}

static void say_numbers(const struct violation *violation, char *text, size_t size)
{
    snprintf(text, size, "float64");
    for (unsigned i = 0; i + 8 <= violation->nbytes && i < 32; i += 8) {
        double number;
        memcpy(&number, violation->bytes + i, 8);
        text_add(text, size, i ? ", " : " ", "%g", number);
    }
}

static void say_hex(const struct violation *violation, char *text, size_t size)
{
    unsigned n = violation->nbytes < 16 ? violation->nbytes : 16;
    bool printable = n >= 2;
    text[0] = '\0';
    for (unsigned i = 0; i < n; i++) {
        text_add(text, size, " ", "%02x", violation->bytes[i]);
        printable &= isprint(violation->bytes[i]) != 0;
    }
    if (printable)
        text_add(text, size, " ", "('%.*s')", (int)n, (const char *)violation->bytes);
}

/* Describes the bytes that were written. */
static void say_bytes(const struct judge *judge, const struct violation *violation, char *text, size_t size)
{
    bool floats = violation->array.type == 'f' && violation->array.itemsize == 8;
    if (is_telling(violation->bytes, violation->nbytes) &&
        find_input(judge->plan, violation->bytes, 8, text, size))
        return;
    if (floats && violation->nbytes >= 8 && violation->offset % 8 == 0)
        say_numbers(violation, text, size);
    else
        say_hex(violation, text, size);
}

static const char *when(enum violation_found found)
{
    static const char *const ways[FOUND_WAYS] = {
        [FOUND_FREE] = "when it was freed",
        [FOUND_REUSE] = "when its memory was to be used again",
        [FOUND_CALL] = "at its thread's next heap call",
        [FOUND_CRASH] = "at the crash",
        [FOUND_TRAP] = "at the instruction",
    };
    return ways[found];
}

static char *say(const struct judge *judge, const struct violation *violation)
{
    char what[TEXT], maker[TEXT], bytes[TEXT] = "", freed[64] = "", seen[96] = "";
    violation_say(violation, what, sizeof what);
    say_maker(judge, violation, maker, sizeof maker);
    if (violation->nbytes > 0)
        say_bytes(judge, violation, bytes, sizeof bytes);
    if (violation->nfree > 0 && violation->free_worker < BLOCK_SERIAL)
        snprintf(freed, sizeof freed, "; last freed by thread %u", violation->free_worker);
    if (violation->found == FOUND_SCAN)
        snprintf(seen, sizeof seen, "; seen by the checker in its round %llu",
                 (unsigned long long)violation->round + 1);
    else if (violation->kind <= VIOLATION_FREED_READ)
        snprintf(seen, sizeof seen, "; seen %s", when(violation->found));
    const char *holds = violation->kind < VIOLATION_FREED_WRITE ? "; overrun holds " : "; holds now ";
    return judge_format("%s%s%s%s%s%s", what, maker, *bytes ? holds : "", bytes, freed, seen);
}

void judge_heap(struct judge *judge, const struct record *record)
{
    struct violation violation;
    violation_from_record(record, &violation);
    struct finding *finding =
        judge_new_finding(judge, faults[violation.kind].kind, SEVERITY_CRASH, DETECTOR_GUARD);
    if (!finding)
        return;
    const char *statement = statement_of(judge->plan, &violation);
    finding->message = say(judge, &violation);
    finding->statement = statement ? strdup(statement) : NULL;
    finding->serial |= judge->outcome->phase <= BOARD_SERIAL;
    finding->block = malloc(sizeof *finding->block);
    if (finding->block)
        *finding->block = violation;
    identify(judge, finding, &violation);
    add_stacks(judge, finding, &violation);
    judge_note_changes(judge, finding);
    if (finding->signature)
        judge_heap_add(judge, finding);
    else
        finding_free(finding);
}
