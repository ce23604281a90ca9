/* Sights of one bug are one finding, whether a canary showed it or a trap; and which finding follows from which. */
#include "driver/judge/judge_inside.h"

#include <stdlib.h>
#include <string.h>

/* The finding that this one is another sight of: the same function caught, or the same site damaged. */
static struct finding *known_of(const struct run *run, const struct finding *finding)
{
    for (int by_site = 0; by_site < 2; by_site++)
        for (size_t i = 0; i < run->findings.n; i++) {
            struct finding *known = run->findings.items[i];
            if (known->alias &&
                (by_site ? strcmp(known->alias, finding->alias) == 0 && !(known->trapped && finding->trapped)
                         : finding->trapped && strcmp(known->signature, finding->signature) == 0))
                return known;
        }
    return NULL;
}

/* A function that is known, caught at a site whose damage nobody had been seen to do: that is explained now. */
static void explain_site(const struct run *run, const struct finding *caught, const struct finding *known)
{
    for (size_t i = 0; i < run->findings.n; i++) {
        struct finding *finding = run->findings.items[i];
        if (finding != known && finding->alias && !finding->trapped && !finding->cause &&
            strcmp(finding->alias, caught->alias) == 0)
            finding->cause = strdup(known->id);
    }
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

static bool has_signature(const struct run *run, const char *signature)
{
    for (size_t i = 0; signature && i < run->findings.n; i++)
        if (strcmp(run->findings.items[i]->signature, signature) == 0)
            return true;
    return false;
}

/* Another site of the same functions is another finding: it is numbered. */
static void number(const struct run *run, struct finding *finding)
{
    char *base = finding->signature;
    finding->signature = strdup(base);
    for (unsigned n = 2; has_signature(run, finding->signature); n++) {
        free(finding->signature);
        finding->signature = judge_format("%s|%u", base, n);
    }
    free(base);
}

void judge_heap_add(struct judge *judge, struct finding *finding)
{
    struct finding *known = known_of(judge->run, finding);
    if (known) {
        complete(known, finding);
        if (finding->trapped)
            explain_site(judge->run, finding, known);
        finding_make_printable(known->message);
        free(finding->signature);
        finding->signature = strdup(known->signature);
    } else if (!finding->trapped) {
        number(judge->run, finding);
    }
    finding_list_add(&judge->run->findings, finding, judge->child);
}

static bool is_guards(const struct finding *finding)
{
    return finding->block && !finding->cause;
}

/* The only write that was caught in the act, or NULL. */
static const struct finding *only_caught(const struct run *run)
{
    const struct finding *caught = NULL;
    for (size_t i = 0; i < run->findings.n; i++) {
        const struct finding *finding = run->findings.items[i];
        if (!is_guards(finding) || !finding->trapped || finding->block->kind > VIOLATION_STRAY)
            continue;
        if (caught)
            return NULL;
        caught = finding;
    }
    return caught;
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
static void drop_guesses(struct run *run, const struct finding *cause, bool caught)
{
    bool far = caught && cause->block->kind == VIOLATION_FREED_WRITE, kept = caught;
    for (size_t i = 0; i < run->findings.n; i++) {
        const struct finding *finding = run->findings.items[i];
        far |= caught && is_guess(finding) && is_doubtful(finding);
        kept |= finding->block && !is_explained(finding, far);
    }
    for (size_t i = 0; i < run->findings.n;) {
        const struct finding *finding = run->findings.items[i];
        if (!is_explained(finding, far) || !kept) {
            kept |= is_guess(finding);
            i++;
            continue;
        }
        note_add(&run->notes, "most likely the doing of %s, too: %s", cause->id, finding->message);
        finding_list_remove(&run->findings, i);
    }
}

/* The first one met in the act whose function is known: by a trap, or in a release that must not be. */
static const struct finding *first_caught(const struct run *run)
{
    for (size_t i = 0; i < run->findings.n; i++) {
        const struct finding *finding = run->findings.items[i];
        bool met = finding->block && (finding->trapped || finding->block->kind >= VIOLATION_DOUBLE_FREE);
        if (met && finding->function && finding->blame != BLAME_UNKNOWN)
            return finding;
    }
    return NULL;
}

/* One stray pointer can damage any number of blocks, of the interpreter and of libraries, that nobody asked about:
 * where somebody was met in the act, they are one line. */
static void drop_strangers(struct run *run)
{
    const struct finding *caught = first_caught(run);
    unsigned n = 0;
    for (size_t i = 0; caught && i < run->findings.n;) {
        const struct finding *finding = run->findings.items[i];
        if (!is_guess(finding) || finding->blame != BLAME_UNKNOWN) {
            i++;
            continue;
        }
        finding_list_remove(&run->findings, i);
        n++;
    }
    if (n > 0)
        note_add(
            &run->notes,
            "%u more places were damaged, in blocks of the interpreter or of libraries: most likely the doing of "
            "%s, too",
            n, caught->id);
}

/* Corrupt memory explains a crash. */
void judge_link_heap(struct run *run)
{
    size_t n;
    const struct finding *caught = only_caught(run), *any = caught,
                         *mutation = finding_list_only(&run->findings, SEVERITY_HIDDEN_MUTATION, &n);
    if (caught || mutation)
        drop_guesses(run, caught ? caught : mutation, caught != NULL);
    drop_strangers(run);
    for (size_t i = 0; i < run->findings.n && !any; i++)
        if (is_guards(run->findings.items[i]))
            any = run->findings.items[i];
    for (size_t i = 0; any && i < run->findings.n; i++) {
        struct finding *finding = run->findings.items[i];
        if (!finding->block && finding->kind <= FINDING_CRASH && !finding->cause &&
            finding->blame != BLAME_USER && finding->detector != DETECTOR_PYHEAP)
            finding->cause = strdup(any->id);
    }
}
