/* What the guard saw, as findings: one for each site and way, whether a canary showed it or a trap. */
#include "driver/judge_inside.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "driver/package.h"

#define CHAIN 6 /* frames of a package that tell one site of array data from another */
#define TEXT 512

static enum finding_kind kind_of(enum violation_kind kind)
{
    switch (kind) {
    case VIOLATION_FREED_WRITE:
    case VIOLATION_FREED_READ:
        return FINDING_USE_AFTER_FREE;
    case VIOLATION_DOUBLE_FREE:
        return FINDING_DOUBLE_FREE;
    default:
        return FINDING_HEAP_CORRUPTION;
    }
}

/* The thread that met it is the one that did it. */
static bool is_caught(const struct violation *violation)
{
    return violation->found == FOUND_TRAP || violation->kind >= VIOLATION_DOUBLE_FREE;
}

/* How a frame is called in a signature, which outlives a rebuild: by its function, or else by its file's plain name. */
static char *plain_frame(const struct symbol_frame *frame)
{
    if (frame->function)
        return judge_plain_name(frame->function);
    const char *file = frame->module ? path_base(frame->module) : "?";
    return strndup(file, strcspn(file, "."));
}

/* A site that is the same from run to run: the innermost frame of the allocation; for array data, which NumPy makes in
 * one place for everybody, all functions of that package on the way to it. */
static void name_site(const struct judge *judge, const struct violation *violation,
                      const struct symbol_stack *stack, bool plain, char *text, size_t size)
{
    char first[128] = "", name[128];
    size_t most = violation->block == BLOCK_ARRAY ? CHAIN : 1, used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < stack->nframes && i < most && used < size; i++) {
        const struct symbol_frame *frame = &stack->frames[i];
        package_frame_owner(judge->outcome, frame, name, sizeof name);
        if (i == 0)
            snprintf(first, sizeof first, "%s", name);
        else if (strcmp(first, name) != 0)
            break;
        if (plain) {
            char *called = plain_frame(frame);
            used += (size_t)snprintf(text + used, size - used, "%s%s", i ? "<" : "", called ? called : "?");
            free(called);
            continue;
        }
        used += (size_t)snprintf(text + used, size - used, "%s%s+%#llx", i ? "<" : "",
                                 frame->module ? path_base(frame->module) : "?",
                                 (unsigned long long)frame->offset);
    }
}

/* Bugs of one site, or of one function, are told apart by this. */
static const char *side_of(enum violation_kind kind)
{
    static const char *const sides[VIOLATION_KINDS] = {
        [VIOLATION_AFTER] = "overrun",
        [VIOLATION_BEFORE] = "underrun",
        [VIOLATION_FREED_WRITE] = "write after free",
        [VIOLATION_STRAY] = "stray write",
        [VIOLATION_READ_AFTER] = "read outside",
        [VIOLATION_READ_BEFORE] = "read outside",
        [VIOLATION_FREED_READ] = "read after free",
        [VIOLATION_DOUBLE_FREE] = "double free",
        [VIOLATION_INTERIOR_FREE] = "interior free",
        [VIOLATION_FOREIGN_FREE] = "foreign free",
        [VIOLATION_MISMATCH] = "mismatch",
    };
    return sides[kind];
}

/* What --focus takes. */
static char *focus_of(const struct violation *violation, const struct symbol_stack *stack)
{
    if (violation->kind > VIOLATION_FREED_READ)
        return NULL;
    if (violation->block == BLOCK_ARRAY)
        return strdup("arrays");
    if (stack->nframes == 0 || !stack->frames[0].module)
        return NULL;
    return judge_format("%s+%#llx", path_base(stack->frames[0].module),
                        (unsigned long long)stack->frames[0].offset);
}

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
    text[0] = '\0';
    if (violation->kind == VIOLATION_FOREIGN_FREE || violation->kind == VIOLATION_STRAY)
        return;
    if (violation->worker == BLOCK_NOBODY)
        snprintf(text, size, ", made outside the statements");
    else if (violation->worker == BLOCK_SERIAL)
        snprintf(text, size, ", made in %s by the serial pass at iteration %u",
                 statement ? statement : "a statement", violation->iteration);
    else
        snprintf(text, size, ", made in %s by thread %u at iteration %u",
                 statement ? statement : "a statement", violation->worker, violation->iteration);
}

/* Which generated input has these bytes? */
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
        recipe_fill(&recipe, plan->seed, i, base);
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

/* Eight bytes are enough to know an input by; fewer, or all the same, could be anything. */
static bool is_telling(const unsigned char *bytes, unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        if (bytes[i] != bytes[0])
            return n >= 8;
    return false;
}

static void say_numbers(const struct violation *violation, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "float64 ");
    for (unsigned i = 0; i + 8 <= violation->nbytes && i < 32; i += 8) {
        double number;
        memcpy(&number, violation->bytes + i, 8);
        used += (size_t)snprintf(text + used, size - used, "%s%g", i ? ", " : "", number);
    }
}

static void say_hex(const struct violation *violation, char *text, size_t size)
{
    size_t used = 0;
    unsigned n = violation->nbytes < 16 ? violation->nbytes : 16;
    for (unsigned i = 0; i < n; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%02x", i ? " " : "", violation->bytes[i]);
    bool text_like = n >= 2;
    for (unsigned i = 0; i < n; i++)
        text_like &= isprint(violation->bytes[i]) != 0;
    if (text_like)
        snprintf(text + used, size - used, " ('%.*s')", (int)n, (const char *)violation->bytes);
}

/* What the bytes that do not belong there are. */
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
        [FOUND_SCAN] = "by the checker",
        [FOUND_CRASH] = "at the crash",
        [FOUND_TRAP] = "at the instruction",
    };
    return ways[found];
}

static char *message_of(const struct judge *judge, const struct violation *violation)
{
    char what[TEXT], maker[TEXT], bytes[TEXT] = "", freed[64] = "", seen[96] = "";
    violation_say(violation, what, sizeof what);
    say_maker(judge, violation, maker, sizeof maker);
    if (violation->nbytes > 0)
        say_bytes(judge, violation, bytes, sizeof bytes);
    if (violation->nfree > 0 && violation->free_worker < BLOCK_SERIAL)
        snprintf(freed, sizeof freed, "; last freed by thread %u", violation->free_worker);
    if (violation->kind <= VIOLATION_FREED_READ)
        snprintf(seen, sizeof seen, "; seen %s", when(violation->found));
    if (violation->found == FOUND_SCAN)
        snprintf(seen, sizeof seen, "; seen by the checker between rounds %llu and %llu",
                 (unsigned long long)violation->round, (unsigned long long)violation->round + 1);
    const char *holds = violation->kind < VIOLATION_FREED_WRITE ? "; overrun holds " : "; holds now ";
    return judge_format("%s%s%s%s%s%s", what, maker, *bytes ? holds : "", bytes, freed, seen);
}

/* The harness's own frames tell nothing. */
static bool tells(const struct judge *judge, const struct symbol_stack *stack)
{
    char name[128];
    return stack->nframes > 0 &&
           package_frame_owner(judge->outcome, &stack->frames[0], name, sizeof name) != OWNER_HARNESS;
}

static void add_stack(struct judge *judge, struct finding *finding, const uint64_t *frames, unsigned n,
                      bool exact, char *title)
{
    struct symbol_stack stack = judge_stack(judge, frames, n, exact);
    if (tells(judge, &stack) && title)
        finding_add_stack(finding, title, stack);
    else {
        free(title);
        symbol_stack_free(&stack);
    }
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

/* Who asked for the block: the innermost frame of a package; for array data, of who called the package that makes
 * arrays for everybody, or that one's outermost function. */
static const struct symbol_frame *maker_of(const struct judge *judge, const struct violation *violation,
                                           const struct symbol_stack *stack, char *name, size_t size)
{
    char first[128];
    const struct symbol_frame *frame = package_frame(judge->outcome, stack, name, size), *end;
    if (!frame || violation->block != BLOCK_ARRAY)
        return frame;
    snprintf(first, sizeof first, "%s", name);
    for (end = stack->frames + stack->nframes; frame + 1 < end; frame++) {
        if (package_frame_owner(judge->outcome, frame + 1, name, size) != OWNER_PACKAGE) {
            snprintf(name, size, "%s", first);
            break;
        }
        if (strcmp(first, name) != 0)
            return frame + 1;
    }
    return frame;
}

/* Caught in the act, or else whoever made the block: nobody else knows of it. */
static void set_blame(struct judge *judge, struct finding *finding, const struct violation *violation,
                      const struct symbol_stack *alloc)
{
    char name[128];
    const struct symbol_frame *maker = maker_of(judge, violation, alloc, name, sizeof name);
    if (is_caught(violation)) {
        struct symbol_stack stack =
            judge_stack(judge, violation->here, violation->nfound, violation->found == FOUND_TRAP);
        judge_blame_stack(judge, finding, &stack);
        finding->trapped = true;
        symbol_stack_free(&stack);
    } else if (maker && violation->kind != VIOLATION_STRAY) {
        finding->blame = BLAME_TARGET;
        finding->function = judge_plain_name(maker->function);
        finding->package = judge_name_package(judge, maker->module, name);
    }
}

/* Names and blame follow from the allocation's stack, or from the call's where the call is the fault. */
static void identify(struct judge *judge, struct finding *finding, const struct violation *violation)
{
    char site[TEXT];
    bool by_caller = violation->kind >= VIOLATION_DOUBLE_FREE;
    struct symbol_stack stack = judge_stack(judge, by_caller ? violation->here : violation->alloc,
                                            by_caller ? violation->nfound : violation->nalloc, false);
    name_site(judge, violation, &stack, false, site, sizeof site);
    finding->site = focus_of(violation, &stack);
    finding->alias = judge_format("guard|%s|%s", side_of(violation->kind), site);
    set_blame(judge, finding, violation, &stack);
    name_site(judge, violation, &stack, true, site, sizeof site);
    symbol_stack_free(&stack);
    finding->signature = finding->trapped && finding->function
                             ? judge_format("guard|%s|by %s", side_of(violation->kind), finding->function)
                             : judge_format("guard|%s|%s", side_of(violation->kind), site);
}

static struct finding *finding_of(struct judge *judge, const struct violation *violation)
{
    struct finding *finding = judge_new_finding(judge, kind_of(violation->kind), "crash", DETECTOR_GUARD);
    if (!finding)
        return NULL;
    const char *statement = statement_of(judge->plan, violation);
    finding->message = message_of(judge, violation);
    finding->statement = statement ? strdup(statement) : NULL;
    finding->serial = judge->plan->threads == 1 || judge->outcome->phase <= BOARD_SERIAL;
    finding->block = malloc(sizeof *finding->block);
    if (finding->block)
        *finding->block = *violation;
    identify(judge, finding, violation);
    add_stacks(judge, finding, violation);
    judge_label_user_error(judge, finding);
    return finding;
}

/* The finding that this one is another sight of: the same function caught, or the same site damaged. */
static struct finding *known_of(const struct report *report, const struct finding *finding)
{
    for (int by_site = 0; by_site < 2; by_site++)
        for (size_t i = 0; i < report->findings.n; i++) {
            struct finding *known = report->findings.items[i];
            if (known->alias &&
                (by_site ? strcmp(known->alias, finding->alias) == 0 && !(known->trapped && finding->trapped)
                         : finding->trapped && strcmp(known->signature, finding->signature) == 0))
                return known;
        }
    return NULL;
}

/* A function that is known, caught at a site whose damage nobody had been seen to do: that is explained now. */
static void explain_site(const struct report *report, const struct finding *caught,
                         const struct finding *known)
{
    for (size_t i = 0; i < report->findings.n; i++) {
        struct finding *finding = report->findings.items[i];
        if (finding != known && finding->alias && !finding->trapped && !finding->cause &&
            strcmp(finding->alias, caught->alias) == 0)
            finding->cause = strdup(known->id);
    }
}

static bool is_guards(const struct finding *finding)
{
    return finding->block && !finding->cause;
}

/* Bytes that do not touch the block they are charged to may be of another block's overrun that jumped the
 * canaries; so may bytes in freed memory. */
static bool is_doubtful(const struct finding *finding)
{
    const struct violation *block = finding->block;
    return block->kind == VIOLATION_FREED_WRITE || block->kind == VIOLATION_STRAY ||
           (block->kind == VIOLATION_AFTER && block->offset > (int64_t)block->size) ||
           (block->kind == VIOLATION_BEFORE && (int64_t)((uint64_t)block->offset + block->length) < 0);
}

/* The only write that was caught in the act, or NULL. */
static const struct finding *only_caught(const struct report *report)
{
    const struct finding *caught = NULL;
    for (size_t i = 0; i < report->findings.n; i++) {
        const struct finding *finding = report->findings.items[i];
        if (!is_guards(finding) || !finding->trapped || finding->block->kind > VIOLATION_STRAY)
            continue;
        if (caught)
            return NULL;
        caught = finding;
    }
    return caught;
}

#define SWAP(member)                                                                                         \
    do {                                                                                                     \
        __typeof__(one->member) other_member = one->member;                                                  \
        one->member = other->member;                                                                         \
        other->member = other_member;                                                                        \
    } while (0)

static void swap_sight(struct finding *one, struct finding *other)
{
    SWAP(message);
    SWAP(block);
}

static void swap_stacks(struct finding *one, struct finding *other)
{
    SWAP(stacks);
    SWAP(nstacks);
}

/* Who did it, from the trap. */
static void take_culprit(struct finding *one, struct finding *other)
{
    SWAP(function);
    SWAP(package);
    SWAP(blame);
    SWAP(signature);
    one->trapped = true;
    swap_stacks(one, other);
    if (is_doubtful(one))
        swap_sight(one, other);
}

static size_t depth_of(const struct finding *finding)
{
    return finding->nstacks > 0 ? finding->stacks[0].stack.nframes : 0;
}

/* A trap knows who did it, a canary what was written: the finding has both, and the longest stacks. */
static void complete(struct finding *one, struct finding *other)
{
    bool only_trap = one->trapped && one->block && one->block->found == FOUND_TRAP;
    if (other->trapped && !one->trapped)
        take_culprit(one, other);
    else if (other->trapped == one->trapped && depth_of(other) > depth_of(one))
        swap_stacks(one, other);
    else if (only_trap && !other->trapped && !is_doubtful(other))
        swap_sight(one, other);
}

static bool has_signature(const struct report *report, const char *signature)
{
    for (size_t i = 0; signature && i < report->findings.n; i++)
        if (strcmp(report->findings.items[i]->signature, signature) == 0)
            return true;
    return false;
}

/* Another site of the same functions is another finding: it is numbered. */
static void number(const struct report *report, struct finding *finding)
{
    char *base = finding->signature;
    finding->signature = strdup(base);
    for (unsigned n = 2; has_signature(report, finding->signature); n++) {
        free(finding->signature);
        finding->signature = judge_format("%s|%u", base, n);
    }
    free(base);
}

void judge_heap(struct judge *judge, const struct record *record)
{
    struct violation violation;
    violation_from_record(record, &violation);
    struct finding *finding = finding_of(judge, &violation);
    if (!finding || !finding->signature)
        return;
    struct finding *known = known_of(judge->report, finding);
    if (known) {
        complete(known, finding);
        if (finding->trapped)
            explain_site(judge->report, finding, known);
        finding_make_printable(known->message);
        free(finding->signature);
        finding->signature = strdup(known->signature);
    } else if (!finding->trapped) {
        number(judge->report, finding);
    }
    finding_list_add(&judge->report->findings, finding, judge->child);
}

static bool is_guess(const struct finding *finding)
{
    return finding->block && !finding->trapped && finding->block->kind <= VIOLATION_STRAY &&
           finding->blame != BLAME_USER;
}

/* True: what the canaries of this finding show is explained by `cause`, or likely to be. */
static bool is_explained(const struct finding *finding, bool far)
{
    return is_guess(finding) && (far || is_doubtful(finding) || finding->cause);
}

/* A function that was caught, and damage that no block begins or ends at, or a stale pointer: it writes far from its
 * blocks, and what canaries show elsewhere is most likely its doing, too. One bug, told once. A function that was only
 * seen to change its input (caught: false) explains the guesses alone, and one of them is kept where there is nothing
 * better. */
static void drop_guesses(struct report *report, const struct finding *cause, bool caught)
{
    bool far = caught && cause->block->kind == VIOLATION_FREED_WRITE, kept = caught;
    for (size_t i = 0; i < report->findings.n; i++) {
        const struct finding *finding = report->findings.items[i];
        far |= caught && is_guess(finding) && is_doubtful(finding);
        kept |= finding->block && !is_explained(finding, far);
    }
    for (size_t i = 0; i < report->findings.n;) {
        const struct finding *finding = report->findings.items[i];
        if (!is_explained(finding, far) || !kept) {
            kept |= is_guess(finding);
            i++;
            continue;
        }
        note_add(&report->notes, "most likely the doing of %s, too: %s", cause->id, finding->message);
        finding_list_remove(&report->findings, i);
    }
}

/* The only function that was seen to change its input for a moment, or NULL. */
static const struct finding *only_mutation(const struct report *report)
{
    const struct finding *found = NULL;
    for (size_t i = 0; i < report->findings.n; i++) {
        const struct finding *finding = report->findings.items[i];
        if (strcmp(finding->severity, "hidden-mutation") != 0)
            continue;
        if (found)
            return NULL;
        found = finding;
    }
    return found;
}

/* The first one met in the act whose function is known: by a trap, or in a release that must not be. */
static const struct finding *first_caught(const struct report *report)
{
    for (size_t i = 0; i < report->findings.n; i++) {
        const struct finding *finding = report->findings.items[i];
        bool met = finding->block && (finding->trapped || finding->block->kind >= VIOLATION_DOUBLE_FREE);
        if (met && finding->function && finding->blame != BLAME_UNKNOWN)
            return finding;
    }
    return NULL;
}

/* One stray pointer can damage any number of blocks, of the interpreter and of libraries, that nobody asked about:
 * where somebody was met in the act, they are one line. */
static void drop_strangers(struct report *report)
{
    const struct finding *caught = first_caught(report);
    unsigned n = 0;
    for (size_t i = 0; caught && i < report->findings.n;) {
        const struct finding *finding = report->findings.items[i];
        if (!is_guess(finding) || finding->blame != BLAME_UNKNOWN) {
            i++;
            continue;
        }
        finding_list_remove(&report->findings, i);
        n++;
    }
    if (n > 0)
        note_add(
            &report->notes,
            "%u more places were damaged, in blocks of the interpreter or of libraries: most likely the doing of "
            "%s, too",
            n, caught->id);
}

/* Corrupt memory explains a crash. */
void judge_link_heap(struct report *report)
{
    const struct finding *caught = only_caught(report), *mutation = only_mutation(report), *any = caught;
    if (caught || mutation)
        drop_guesses(report, caught ? caught : mutation, caught != NULL);
    drop_strangers(report);
    for (size_t i = 0; i < report->findings.n && !any; i++)
        if (is_guards(report->findings.items[i]))
            any = report->findings.items[i];
    for (size_t i = 0; any && i < report->findings.n; i++) {
        struct finding *finding = report->findings.items[i];
        if (!finding->block && finding->kind <= FINDING_CRASH && !finding->cause &&
            finding->blame != BLAME_USER && strcmp(finding->detector, "pyheap") != 0)
            finding->cause = strdup(any->id);
    }
}
