/* See check.h for the contract. */
#include "heap/guard/check.h"

#include "heap/memory/pattern.h"

/* Slots to search for the author of a stray write. */
#define STRAY 64

size_t check_poison = BLOCK_POISON;

static const struct damage none;

static uint64_t word_of(const struct block *block)
{
    return pattern_of(block->start);
}

/* Slots that are poisoned whole are checked whole. */
static bool is_whole(const struct span *span)
{
    return span->kind == SPAN_SLAB && span->slot_size <= BLOCK_WHOLE;
}

char *check_tail_end(const struct span *span, const struct block *block)
{
    char *behind = block_user(block) + block->size, *end = block->start + span->slot_size;
    if (span->kind == SPAN_PAGES) /* only the pages of the block are open */
        end = block->start + (region_page_up((uintptr_t)behind) - (uintptr_t)block->start);
    return is_whole(span) || end < behind + BLOCK_LOOK ? end : behind + BLOCK_LOOK;
}

char *check_head_start(const struct span *span, const struct block *block)
{
    bool first_of_slab = span->kind == SPAN_SLAB && block->start == span->start;
    if (block->offset > BLOCK_LOOK && !is_whole(span))
        return block_user(block) - BLOCK_LOOK;
    return block->start - (first_of_slab ? SPAN_HEAD : 0);
}

/* Extends the known damage by the damage in [from, to). */
static struct damage damage_in(struct damage known, const char *from, const char *to, uint64_t word)
{
    const char *first = from < to ? pattern_first_wrong(from, to, word) : NULL;
    if (!first)
        return known;
    const char *end = pattern_last_wrong(first, to, word) + 1;
    return (struct damage){known.from ? known.from : first, end};
}

static struct damage head_of(const struct span *span, const struct block *block)
{
    return damage_in(none, check_head_start(span, block), block_user(block), word_of(block));
}

static struct damage tail_of(const struct span *span, const struct block *block)
{
    return damage_in(none, block_user(block) + block->size, check_tail_end(span, block), word_of(block));
}

struct damage check_live(const struct span *span, const struct block *block)
{
    struct damage damage = head_of(span, block);
    return damage.from ? damage : tail_of(span, block);
}

struct damage check_freed(const struct span *span, const struct block *block)
{
    uint64_t word = word_of(block);
    char *start = check_head_start(span, block), *user = block_user(block), *end = user + block->size;
    if (is_whole(span) || block->size <= check_poison + BLOCK_POISON_END)
        return damage_in(none, start, check_tail_end(span, block), word);
    struct damage damage = damage_in(none, start, user + check_poison, word);
    return damage_in(damage, end - BLOCK_POISON_END, check_tail_end(span, block), word);
}

EXEMPT bool check_copy(const struct block *block, uint32_t word, struct block *copy)
{
    copy->start = *(char *volatile const *)&block->start;
    copy->size = *(const volatile size_t *)&block->size;
    copy->offset = *(const volatile uint32_t *)&block->offset;
    return block_still(block, word);
}

EXEMPT struct block check_glance(const struct block *block)
{
    return (struct block){.start = *(char *volatile const *)&block->start,
                          .size = *(const volatile size_t *)&block->size,
                          .offset = *(const volatile uint32_t *)&block->offset,
                          .sequence = *(const volatile uint32_t *)&block->sequence,
                          .alloc_site = *(const volatile uint64_t *)&block->alloc_site};
}

static bool take_copy(const struct block *block, struct block *copy)
{
    return check_copy(block, block_load(block), copy);
}

struct damage check_block(const struct span *span, const struct block *block)
{
    uint32_t word = block_load(block);
    struct block copy;
    struct damage damage = none;
    if (!check_copy(block, word, &copy))
        return none;
    if (block_state_of(word) == BLOCK_LIVE)
        damage = check_live(span, &copy);
    else if (block_state_of(word) == BLOCK_FREED && span->kind != SPAN_PAGES)
        damage = check_freed(span, &copy);
    return __builtin_expect(damage.from == NULL, 1) || block_still(block, word) ? damage : none;
}

/* A slot of a span. */
struct place {
    const struct span *span;
    const struct block *block;
};

/* The slot before this one in memory, in the span before if this is the first; block NULL: none. */
static struct place slot_before(struct place at)
{
    if (at.block > at.span->blocks)
        return (struct place){at.span, at.block - 1};
    const struct span *span = region_find(at.span->base - 1);
    uint32_t n = span && span->kind == SPAN_SLAB ? span_carved(span) : 0;
    return (struct place){span, n == 0 || n < span->nslots ? NULL : &span->blocks[n - 1]};
}

static enum block_state state_of(const struct block *block)
{
    return block_state_of(block_load(block));
}

static const char *user_end(const struct block *block)
{
    return block_user(block) + block->size;
}

/* Returns true if a run of damage covers both canaries of a live block, the first one whole. */
static bool goes_through(const struct span *span, const struct block *block, struct damage *head,
                         struct damage *tail)
{
    struct block copy;
    if (!take_copy(block, &copy) || state_of(block) == BLOCK_FREED)
        return false;
    *head = head_of(span, &copy);
    *tail = tail_of(span, &copy);
    return head->from == check_head_start(span, &copy) && head->to == block_user(&copy) &&
           tail->from == user_end(&copy);
}

/* The damage at the end of a slot. */
static struct damage end_of(struct place at)
{
    struct block copy;
    if (state_of(at.block) == BLOCK_FREED)
        return check_block(at.span, at.block);
    return take_copy(at.block, &copy) ? tail_of(at.span, &copy) : none;
}

/* Follows a run of damage to the left: if it begins at the first checked byte before a block, it may have begun behind
 * the block before. */
static struct place follow_left(struct place at, struct damage *damage)
{
    for (;;) {
        struct place left = slot_before(at);
        struct block here = check_glance(at.block), beside;
        struct damage head, tail, there;
        if (goes_through(at.span, at.block, &head, &tail) && head.from < damage->from)
            damage->from = head.from;
        if (!left.block || damage->from > check_head_start(at.span, &here))
            return at;
        there = end_of(left);
        beside = check_glance(left.block);
        if (!there.from || there.to != check_tail_end(left.span, &beside))
            return at;
        at = left;
        damage->from = there.from;
    }
}

/* Follows a run of damage to the right. */
static void follow_right(const struct span *span, const struct block *block, struct damage *damage)
{
    const struct block *end = span->blocks + span_carved(span);
    for (; block < end; block++) {
        struct damage head, tail, next;
        if (goes_through(span, block, &head, &tail) && damage->to < tail.to)
            damage->to = tail.to;
        struct block here = check_glance(block), beside;
        if (block + 1 == end || damage->to != check_tail_end(span, &here))
            return;
        next = check_block(span, block + 1);
        beside = check_glance(block + 1);
        if (!next.from || next.from != check_head_start(span, &beside))
            return;
        damage->to = next.to;
    }
}

static struct verdict verdict(enum violation_kind kind, struct place culprit, struct damage damage)
{
    return (struct verdict){kind, culprit.span, culprit.block, damage};
}

/* Judges a run that begins behind a block's end. It may be an underrun of the next block instead. */
static struct verdict blame_behind(struct place at, struct damage damage)
{
    struct place next = {at.span, at.block + 1};
    struct block here = check_glance(at.block), beside;
    bool touches = damage.from == user_end(&here);
    if (touches || next.block >= at.span->blocks + span_carved(at.span) ||
        state_of(next.block) == BLOCK_FREED)
        return verdict(VIOLATION_AFTER, at, damage);
    beside = check_glance(next.block);
    if (damage.to == block_user(&beside))
        return verdict(VIOLATION_BEFORE, next, damage);
    return verdict(VIOLATION_AFTER, at, damage);
}

/* Judges a run before a block's start that does not come from the slot before. */
static struct verdict blame_before(struct place at, struct damage damage)
{
    struct place left = slot_before(at);
    struct block here = check_glance(at.block);
    bool comes_down = damage.to >= block_user(&here);
    if (!comes_down && left.block && state_of(left.block) == BLOCK_LIVE)
        return verdict(VIOLATION_AFTER, left, damage);
    return verdict(VIOLATION_BEFORE, at, damage);
}

/* Judges damage in a slot that was never in use, or of bytes that no block covered: the nearest block on the left
 * jumped over its canary, if there is one. */
static struct verdict blame_stray(struct place at, struct damage damage)
{
    struct place left = at;
    for (unsigned i = 0; i < STRAY && left.block; i++) {
        left = slot_before(left);
        if (left.block && check_glance(left.block).sequence > 0)
            return verdict(VIOLATION_AFTER, left, damage);
    }
    return verdict(VIOLATION_STRAY, at, damage);
}

struct verdict check_blame(const struct span *span, const struct block *block, struct damage damage)
{
    follow_right(span, block, &damage);
    struct place at = follow_left((struct place){span, block}, &damage);
    struct block here = check_glance(at.block);
    const char *user = block_user(&here);
    bool live = state_of(at.block) != BLOCK_FREED; /* CHANGING: its owner may be freeing it */
    if (damage.from >= user_end(&here) && here.sequence > 0)
        return blame_behind(at, damage);
    if (live)
        return damage.from < user ? blame_before(at, damage) : verdict(VIOLATION_AFTER, at, damage);
    if (here.sequence == 0 || damage.to <= user)
        return blame_stray(at, damage);
    return verdict(VIOLATION_FREED_WRITE, at, damage);
}
