/* Merges violations of one bug, by a canary or by a trap, into one finding. */
#include "driver/judge/judge_inside.h"

#include <stdlib.h>
#include <string.h>

/* Returns the finding with the same caught function, or the same damaged site. */
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

/* Links damage at a site without a suspect to the function that was caught there. */
static void explain_site(const struct run *run, const struct finding *caught, const struct finding *known)
{
    for (size_t i = 0; i < run->findings.n; i++) {
        struct finding *finding = run->findings.items[i];
        if (finding != known && finding->alias && !finding->trapped && !finding->evidence.follows &&
            strcmp(finding->alias, caught->alias) == 0)
            finding->evidence.follows = strdup(known->id);
    }
}

bool judge_heap_is_doubtful(const struct finding *finding)
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

/* Takes the suspect from the trap. */
static void take_culprit(struct finding *one, struct finding *other)
{
    SWAP(evidence);
    SWAP(evidence.follows);
    SWAP(signature);
    one->trapped = true;
    swap_stacks(one, other);
    if (judge_heap_is_doubtful(one))
        swap_sight(one, other);
}

static size_t depth_of(const struct finding *finding)
{
    return finding->nstacks > 0 ? finding->stacks[0].stack.nframes : 0;
}

/* Joins the suspect of a trap, the bytes of a canary, and the longest stacks. */
static void complete(struct finding *one, struct finding *other)
{
    bool only_trap = one->trapped && one->block && one->block->found == FOUND_TRAP;
    if (other->trapped && !one->trapped)
        take_culprit(one, other);
    else if (other->trapped == one->trapped && depth_of(other) > depth_of(one))
        swap_stacks(one, other);
    else if (only_trap && !other->trapped && !judge_heap_is_doubtful(other))
        swap_sight(one, other);
}

static bool has_signature(const struct run *run, const char *signature)
{
    for (size_t i = 0; signature && i < run->findings.n; i++)
        if (strcmp(run->findings.items[i]->signature, signature) == 0)
            return true;
    return false;
}

/* Numbers the finding: another site of the same functions is another finding. */
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
        run_rename(judge->run, known);
        if (finding->trapped)
            explain_site(judge->run, finding, known);
        finding_make_printable(known->message, false);
        free(finding->signature);
        finding->signature = strdup(known->signature);
    } else if (!finding->trapped) {
        number(judge->run, finding);
    }
    finding_list_add(&judge->run->findings, finding, judge->child);
}
