/* The guard on one thread: blocks of all sizes are intact, and each kind of damage is reported once, with the right
 * block, bytes and time. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "base/prng.h"
#include "heap/memory/block.h"
#include "heap/memory/pattern.h"
#include "heap/memory/size_class.h"
#include "heap/memory/thread.h"
#include "guarded.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
/* In a sanitizer build each call costs more. */
#define LESS(n) (GUARDED_SANITIZER ? (n) / 5 : (n))
#define DEFAULTS ((struct guard_settings){0})

/* Makes other blocks the last ones: the next call then does not check the earlier blocks. */
static void make_others(void)
{
    for (int i = 0; i < 4; i++)
        make_at(24, 0x9900);
}

static void scan(void)
{
    checker_scan(FOUND_SCAN);
}

static void must_be_silent(void)
{
    scan();
    MUST_EQUAL(nreports, 0);
}

/* Blocks of one size, in the order of their addresses. */
struct row {
    char *at[4096];
    unsigned n;
};

static int compare(const void *a, const void *b)
{
    const char *left = *(char *const *)a, *right = *(char *const *)b;
    return left < right ? -1 : left > right;
}

static void make_row(struct row *row, unsigned n, size_t size)
{
    row->n = n;
    for (unsigned i = 0; i < n; i++)
        row->at[i] = make_at(size, 0x3000 + i);
    qsort(row->at, n, sizeof *row->at, compare);
}

static size_t slot_size_of(const char *at)
{
    return region_find(at)->slot_size;
}

/* The first block of the row with `n` others of its span behind it. */
static unsigned with_neighbours(const struct row *row, unsigned n)
{
    for (unsigned i = 1; i + n < row->n; i++)
        if (region_find(row->at[i - 1]) == region_find(row->at[i + n]) &&
            (size_t)(row->at[i + n] - row->at[i]) == n * slot_size_of(row->at[i]))
            return i;
    guarded_fail(__FILE__, __LINE__, "no neighbours");
}

/* Good programs */

static void use(size_t size)
{
    char *at = make(size);
    MUST(((uintptr_t)at & 15) == 0);
    MUST(guard_owns(at));
    MUST_EQUAL(guard_size(at), size);
    memset(at, 0x5a, size);
    drop(at);
    MUST_EQUAL(guard_size(at), 0);
}

static void every_size_to_the_byte(void)
{
    guarded_start(DEFAULTS);
    for (size_t size = 0; size <= 70000; size += size < 5000 ? 1 : LESS(35))
        use(size);
    for (size_t size = 65400; size <= 65600; size++)
        use(size);
    must_be_silent();
}

static void every_address_belongs_to_its_slot(void)
{
    guarded_start(DEFAULTS);
    for (unsigned number = 0; number < CLASS_SLABS; number++)
        for (unsigned i = 0; i < 70; i++) {
            char *at = make(class_slot_size(number) - BLOCK_HEAD - BLOCK_TAIL);
            const struct span *span = region_find(at);
            const struct block *block = span_block(span, at);
            MUST_EQUAL(span->class, number);
            MUST(block_user(block) == at);
            MUST(span_block(span, block->start) == block);
            MUST(span_block(span, block->start + span->slot_size - 1) == block);
        }
    must_be_silent();
}

static void large_blocks_are_whole(void)
{
    static const size_t sizes[] = {65536, 100000, 1 << 20, (1 << 20) + 1, 5000000, 1 << 30};
    guarded_start(DEFAULTS);
    for (int round = 0; round < 4; round++)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            char *at = make(sizes[i]);
            MUST_EQUAL(guard_size(at), sizes[i]);
            MUST(((uintptr_t)at & 15) == 0);
            at[0] = at[sizes[i] / 2] = at[sizes[i] - 1] = 'x';
            drop(at);
        }
    must_be_silent();
}

static void too_large_requests_are_refused(void)
{
    static const size_t sizes[] = {SIZE_MAX,        SIZE_MAX - 64,   PTRDIFF_MAX,
                                   (size_t)1 << 62, (size_t)1 << 52, (size_t)1 << 41};
    guarded_start(DEFAULTS);
    char *at = make(100);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        errno = 0;
        MUST(!make_at(sizes[i], SITE_MADE));
        MUST_EQUAL(errno, ENOMEM);
        errno = 0;
        MUST(!guard_reallocate(at, sizes[i], BLOCK_MALLOC, SITE_MADE));
        MUST_EQUAL(errno, ENOMEM);
        MUST_EQUAL(guard_size(at), 100);
    }
    use(1000);
    use(1000000);
    drop(at);
    must_be_silent();
}

static void every_alignment(void)
{
    static const size_t sizes[] = {0, 1, 100, 500, 4096, 40000, 70000, 300000};
    guarded_start(DEFAULTS);
    for (int round = 0; round < 3; round++)
        for (size_t align = 16; align <= 1 << 20; align *= 2)
            for (size_t i = 0; i < COUNT(sizes); i++) {
                char *at = guard_allocate(sizes[i], align, BLOCK_MALLOC, false, SITE_MADE);
                MUST(at && (uintptr_t)at % align == 0);
                MUST_EQUAL(guard_size(at), sizes[i]);
                memset(at, 0x5a, sizes[i]);
                if (round != 1)
                    drop(at);
            }
    must_be_silent();
}

static bool is_zero(const char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (at[i])
            return false;
    return true;
}

static void zeroed_blocks_are_zero(void)
{
    static const size_t sizes[] = {1, 40, 1000, 5000, 60000, 100000, 3000000};
    guarded_start((struct guard_settings){.quarantine = 4096});
    for (int round = 0; round < 100; round++)
        for (size_t i = 0; i < COUNT(sizes) - (GUARDED_SANITIZER || round > 20); i++) {
            char *at = guard_allocate(sizes[i], 16, BLOCK_MALLOC, true, SITE_MADE);
            MUST(at && is_zero(at, sizes[i]));
            memset(at, 0xff, sizes[i]);
            drop(at);
        }
    must_be_silent();
}

static char stamp_of(size_t i)
{
    return (char)(i * 31 + 7);
}

static void stamp(char *at, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        at[i] = stamp_of(i);
}

static bool is_stamped(const char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (at[i] != stamp_of(i))
            return false;
    return true;
}

static char *resize_stamped(char *at, size_t old, size_t size)
{
    char *moved = guard_reallocate(at, size, BLOCK_MALLOC, SITE_MADE);
    MUST(moved);
    MUST_EQUAL(guard_size(moved), size);
    MUST(is_stamped(moved, old < size ? old : size));
    stamp(moved, 0, size);
    return moved;
}

static void reallocation_keeps_the_contents(void)
{
    guarded_start(DEFAULTS);
    struct prng prng = prng_stream(6, 0);
    size_t old = 10;
    char *at = make(old);
    stamp(at, 0, old);
    for (int round = 0; round < LESS(3000); round++) {
        size_t size = prng_next(&prng) % (round % 50 == 0 ? 300000 : round % 5 == 0 ? 20000 : 300);
        at = resize_stamped(at, old, size);
        old = size;
    }
    drop(at);
    must_be_silent();
}

static void a_size_of_the_same_class_stays_in_place(void)
{
    guarded_start(DEFAULTS);
    char *at = make(100);
    stamp(at, 0, 100);
    for (size_t size = 100; size <= 112; size++)
        MUST(resize_stamped(at, size - 1 < 100 ? 100 : size - 1, size) == at);
    for (size_t size = 112; size >= 97; size--)
        MUST(resize_stamped(at, size, size) == at);
    char *moved = resize_stamped(at, 97, 113);
    MUST(moved != at);
    MUST_EQUAL(guard_size(at), 0);
    char *less = resize_stamped(moved, 113, 20);
    MUST(less != moved);
    drop(less);
    must_be_silent();
}

static void a_bigger_size_in_place_is_guarded_too(void)
{
    guarded_start(DEFAULTS);
    char *at = make(2000);
    MUST(guard_reallocate(at, 1900, BLOCK_MALLOC, SITE_MADE) == at);
    make_others();
    scribble(at + 1900, 3);
    scan();
    must_blame(reported_once(VIOLATION_AFTER, FOUND_SCAN), at, 1900, 1900, 3);
}

static void an_overrun_is_seen_by_reallocation(void)
{
    guarded_start(DEFAULTS);
    char *at = make(100);
    make_others();
    scribble(at + 100, 6);
    MUST(guard_reallocate(at, 110, BLOCK_MALLOC, SITE_MADE) == at);
    must_blame(reported_once(VIOLATION_AFTER, FOUND_FREE), at, 100, 100, 6);
    drop(at);
    MUST_EQUAL(nreports, 1);
}

static void errno_survives_a_release(void)
{
    guarded_start(DEFAULTS);
    char *small = make(10), *large = make(60 << 20);
    errno = EDOM;
    drop(small);
    drop(large);
    MUST_EQUAL(errno, EDOM);
}

static void only_its_own_memory_is_owned(void)
{
    guarded_start(DEFAULTS);
    char local = 0, *native = malloc(10);
    MUST(!guard_owns(&local) && !guard_owns(native) && !guard_owns(NULL));
    MUST_EQUAL(guard_size(&local), 0);
    MUST_EQUAL(guard_size(NULL), 0);
    guard_tag(&local, (struct block_array){'f', 8, 1, 0});
    guard_tag(NULL, (struct block_array){'f', 8, 1, 0});
    free(native);
    must_be_silent();
}

/* Random work */

#define HELD 400

struct held {
    char *at;
    size_t size;
};

static size_t any_size(struct prng *prng)
{
    return prng_next(prng) % ((size_t)16 << prng_next(prng) % (GUARDED_SANITIZER ? 11 : 13));
}

static void check_ends(const struct held *held)
{
    MUST_EQUAL(guard_size(held->at), held->size);
    MUST(held->size == 0 ||
         (held->at[0] == (char)held->size && held->at[held->size - 1] == (char)held->size));
}

static void take(struct held *held, struct prng *prng)
{
    held->size = any_size(prng);
    size_t align = prng_next(prng) % 20 ? 16 : (size_t)16 << prng_next(prng) % 8;
    bool zero = prng_next(prng) % 10 == 0;
    held->at = guard_allocate(held->size, align, BLOCK_MALLOC, zero, SITE_MADE + prng_next(prng) % 100);
    MUST(held->at && (uintptr_t)held->at % align == 0);
    MUST(!zero || is_zero(held->at, held->size));
}

static void change(struct held *held, struct prng *prng)
{
    size_t size = any_size(prng);
    char first = held->size ? held->at[0] : 0;
    held->at = guard_reallocate(held->at, size, BLOCK_MALLOC, SITE_MADE);
    MUST(held->at && (size == 0 || held->size == 0 || held->at[0] == first));
    held->size = size;
}

static void operate(struct held *held, struct prng *prng)
{
    if (held->at)
        check_ends(held);
    if (!held->at)
        take(held, prng);
    else if (prng_next(prng) % 4 == 0)
        change(held, prng);
    else {
        drop(held->at);
        held->at = NULL;
        return;
    }
    memset(held->at, (char)held->size, held->size);
}

static void work(unsigned operations)
{
    static struct held all[HELD];
    struct prng prng = prng_stream(7, 0);
    for (unsigned i = 0; i < operations; i++) {
        operate(&all[prng_next(&prng) % HELD], &prng);
        if (i % 10000 == 0)
            must_be_silent();
    }
    for (unsigned i = 0; i < HELD; i++)
        if (all[i].at)
            drop(all[i].at);
    must_be_silent();
}

static void clean_work_is_silent(void)
{
    guarded_start(DEFAULTS);
    work(LESS(200000));
}

static void clean_work_is_silent_with_whole_poison(void)
{
    guarded_start((struct guard_settings){.whole = true});
    work(LESS(200000));
}

static void clean_work_is_silent_with_hardly_any_quarantine(void)
{
    guarded_start((struct guard_settings){.quarantine = 4096});
    work(LESS(200000));
}

static void clean_work_is_silent_with_a_long_quarantine(void)
{
    guarded_start((struct guard_settings){.quarantine = 16 << 20});
    work(LESS(200000));
}

static void clean_work_is_silent_with_stacks(void)
{
    guarded_start((struct guard_settings){.stacks = true});
    work(LESS(50000));
}

/* Overruns */

static void an_overrun_is_seen_when_the_block_is_freed(void)
{
    guarded_start(DEFAULTS);
    char *at = make(100);
    make_others();
    scribble(at + 100, 5);
    drop(at);
    const struct violation *violation = reported_once(VIOLATION_AFTER, FOUND_FREE);
    must_blame(violation, at, 100, 100, 5);
    MUST_EQUAL(violation->nbytes, 5);
    MUST(memcmp(violation->bytes, "AAAAA", 5) == 0);
    MUST_EQUAL(violation->alloc_site, SITE_MADE);
    MUST_EQUAL(violation->free_site, SITE_FREED);
    must_blame(reported_once(VIOLATION_AFTER, FOUND_FREE), at, 100, 100, 5);
    drop(make(100));
    scan();
    MUST_EQUAL(nreports, 1);
}

static void an_overrun_is_seen_at_the_next_call(void)
{
    guarded_start(DEFAULTS);
    char *at = make(104);
    scribble(at + 104, 1);
    make(10);
    must_blame(reported_once(VIOLATION_AFTER, FOUND_CALL), at, 104, 104, 1);
    drop(at);
    scan();
    MUST_EQUAL(nreports, 1);
}

static void an_overrun_is_seen_by_a_scan(void)
{
    guarded_start(DEFAULTS);
    char *at = make(104);
    scribble(at + 110, 9);
    scan();
    const struct violation *violation = reported_once(VIOLATION_AFTER, FOUND_SCAN);
    must_blame(violation, at, 104, 110, 9);
    MUST_EQUAL(violation->free_site, 0);
    for (int i = 0; i < 3; i++)
        scan();
    drop(at);
    MUST_EQUAL(nreports, 1);
}

static void an_overrun_is_seen_at_a_crash(void)
{
    guarded_start(DEFAULTS);
    char *at = make(104);
    scribble(at + 104, 8);
    guard_scan_at_crash();
    must_blame(reported_once(VIOLATION_AFTER, FOUND_CRASH), at, 104, 104, 8);
}

/* Writes one byte behind blocks of all sizes: found by their free, and by a scan. */
static void one_byte_is_enough(void)
{
    guarded_start(DEFAULTS);
    unsigned n = 0;
    for (size_t size = 0; size < 200000 && n < 60; size += size / 5 + 1, n++) {
        char *at = make_at(size, 0x4000 + n);
        make_others();
        scribble(at + size, 1);
        if (n % 2)
            drop(at);
        else
            scan();
        MUST_EQUAL(nreports, n + 1);
        MUST_EQUAL(reports[n].kind, VIOLATION_AFTER);
        must_blame(&reports[n], at, size, (int64_t)size, 1);
    }
}

static void an_overrun_of_an_aligned_block_is_seen(void)
{
    guarded_start(DEFAULTS);
    char *at = guard_allocate(100, 512, BLOCK_MALLOC, false, SITE_MADE);
    make_others();
    scribble(at + 101, 7);
    drop(at);
    must_blame(reported_once(VIOLATION_AFTER, FOUND_FREE), at, 100, 101, 7);
}

/* Writes behind the checked bytes of the block, but in its slot: the next block there is not the culprit. */
static void a_write_far_behind_an_aligned_block_is_blamed_on_it(void)
{
    guarded_start((struct guard_settings){.quarantine = 4096});
    char *at = guard_allocate(10, 512, BLOCK_MALLOC, false, 0x7100);
    const struct span *span = region_find(at);
    const struct block *block = span_block(span, at);
    const char *start = block->start;
    char *end = block->start + span->slot_size;
    if (end - at > 10 + BLOCK_LOOK + 16)
        scribble(end - 12, 8);
    else
        scribble(block->start + 20, 8);
    drop(at);
    char *next = NULL;
    for (int i = 0; i < 1000 && (next = make_at(span->slot_size - 32, 0x7200)) != start + 16; i++)
        drop(next);
    MUST(next == start + 16);
    make_others();
    drop(next);
    for (unsigned i = 0; i < nreports; i++)
        MUST(reports[i].alloc_site != 0x7200);
}

static void an_overrun_of_a_large_block_is_seen(void)
{
    guarded_start(DEFAULTS);
    char *at = make(100000);
    scribble(at + 100000, 4);
    scan();
    must_blame(reported_once(VIOLATION_AFTER, FOUND_SCAN), at, 100000, 100000, 4);
    drop(at);
    MUST_EQUAL(nreports, 1);
}

static void an_overrun_over_neighbours_is_blamed_on_its_block(void)
{
    static struct row row;
    guarded_start(DEFAULTS);
    make_row(&row, 200, 100);
    make_others();
    unsigned culprit = with_neighbours(&row, 5);
    char *at = row.at[culprit];
    scribble(at + 100, 3 * slot_size_of(at) + 40);
    scan();
    MUST_EQUAL(reports[0].kind, VIOLATION_AFTER);
    MUST_EQUAL(reports[0].address, (uintptr_t)at);
    MUST_EQUAL(reports[0].offset, 100);
    for (unsigned i = 0; i < row.n; i++)
        drop(row.at[i]);
    scan();
    MUST_EQUAL(nreports, 1);
}

/* Whichever of the damaged blocks is found first. */
static void an_overrun_is_blamed_on_its_block_when_a_neighbour_is_freed(void)
{
    static struct row row;
    guarded_start(DEFAULTS);
    make_row(&row, 200, 100);
    make_others();
    unsigned culprit = with_neighbours(&row, 5);
    char *at = row.at[culprit];
    scribble(at + 100, slot_size_of(at));
    drop(row.at[culprit + 1]);
    MUST_EQUAL(nreports, 1);
    MUST_EQUAL(reports[0].kind, VIOLATION_AFTER);
    MUST_EQUAL(reports[0].found, FOUND_FREE);
    MUST_EQUAL(reports[0].address, (uintptr_t)at);
    MUST_EQUAL(reports[0].offset, 100);
    drop(at);
    scan();
    MUST_EQUAL(nreports, 1);
}

static void an_overrun_over_freed_neighbours_is_blamed_on_its_block(void)
{
    static struct row row;
    guarded_start(DEFAULTS);
    make_row(&row, 200, 100);
    make_others();
    unsigned culprit = with_neighbours(&row, 5);
    char *at = row.at[culprit];
    for (unsigned i = 1; i <= 3; i++)
        drop(row.at[culprit + i]);
    scribble(at + 100, 3 * slot_size_of(at));
    scan();
    const struct violation *violation = reported_once(VIOLATION_AFTER, FOUND_SCAN);
    must_blame(violation, at, 100, 100, 3 * slot_size_of(at));
    MUST_EQUAL(violation->nbytes, VIOLATION_BYTES);
    drop(at);
    scan();
    MUST_EQUAL(nreports, 1);
}

/* The last block of its span, when the next span has blocks of the same size. */
static char *last_of_span(const struct row *row)
{
    for (unsigned i = 0; i < row->n; i++) {
        const struct span *span = region_find(row->at[i]), *next = region_find(span->base + span->length);
        const struct block *block = span_block(span, row->at[i]);
        if (block == &span->blocks[span->nslots - 1] && next && next->class == span->class &&
            span_carved(next) > 1)
            return row->at[i];
    }
    guarded_fail(__FILE__, __LINE__, "no last block");
}

static void an_overrun_into_the_next_span_is_blamed_on_its_block(void)
{
    static struct row row;
    guarded_start(DEFAULTS);
    make_row(&row, 300, 900);
    make_others();
    char *at = last_of_span(&row);
    const struct span *span = region_find(at);
    size_t length = (size_t)(span->base + span->length + SPAN_HEAD + BLOCK_HEAD - (at + 900));
    scribble(at + 900, length);
    scan();
    const struct violation *violation = reported_once(VIOLATION_AFTER, FOUND_SCAN);
    must_blame(violation, at, 900, 900, violation->length);
    for (unsigned i = 0; i < row.n; i++)
        drop(row.at[i]);
    scan();
    MUST_EQUAL(nreports, 1);
}

/* Underruns */

static void an_underrun_is_seen(void)
{
    static const enum violation_found ways[] = {FOUND_FREE, FOUND_SCAN};
    static struct row row;
    guarded_start(DEFAULTS);
    for (unsigned i = 0; i < COUNT(ways); i++) {
        make_row(&row, 50, 40);
        make_others();
        char *at = row.at[with_neighbours(&row, 1)];
        scribble(at - 8, 8);
        if (ways[i] == FOUND_SCAN)
            scan();
        drop(at);
        MUST_EQUAL(nreports, i + 1);
        MUST_EQUAL(reports[i].kind, VIOLATION_BEFORE);
        MUST_EQUAL(reports[i].found, ways[i]);
        must_blame(&reports[i], at, 40, -8, 8);
    }
}

static void an_underrun_in_the_first_slot_of_a_span_is_seen(void)
{
    static struct row row;
    guarded_start(DEFAULTS);
    make_row(&row, 40, 1500);
    make_others();
    char *at = row.at[0];
    MUST(region_find(at)->start + BLOCK_HEAD == at);
    scribble(at - BLOCK_HEAD - 24, BLOCK_HEAD + 24);
    scan();
    must_blame(reported_once(VIOLATION_BEFORE, FOUND_SCAN), at, 1500, -BLOCK_HEAD - 24, BLOCK_HEAD + 24);
    drop(at);
    scan();
    MUST_EQUAL(nreports, 1);
}

/* Writes past the block's own canary into the slack of the block before it. */
static void an_underrun_into_a_neighbour(enum violation_found found)
{
    static struct row row;
    guarded_start(DEFAULTS);
    make_row(&row, 100, 90);
    make_others();
    char *at = row.at[with_neighbours(&row, 1)];
    scribble(at - BLOCK_HEAD - 8, BLOCK_HEAD + 8);
    if (found == FOUND_SCAN)
        scan();
    else
        drop(at);
    must_blame(reported_once(VIOLATION_BEFORE, found), at, 90, -BLOCK_HEAD - 8, BLOCK_HEAD + 8);
    for (unsigned i = 0; i < row.n; i++)
        if (guard_size(row.at[i]))
            drop(row.at[i]);
    MUST_EQUAL(nreports, 1);
}

static void an_underrun_into_a_neighbour_is_blamed_on_its_block(void)
{
    an_underrun_into_a_neighbour(FOUND_SCAN);
}

static void an_underrun_into_a_neighbour_is_blamed_on_its_block_when_freed(void)
{
    an_underrun_into_a_neighbour(FOUND_FREE);
}

static void an_underrun_of_aligned_and_large_blocks_is_seen(void)
{
    guarded_start(DEFAULTS);
    char *aligned = guard_allocate(100, 1024, BLOCK_MALLOC, false, 0x5700), *large = make_at(200000, 0x5800);
    make_others();
    scribble(aligned - 20, 20);
    drop(aligned);
    MUST_EQUAL(nreports, 1);
    MUST_EQUAL(reports[0].kind, VIOLATION_BEFORE);
    must_blame(&reports[0], aligned, 100, -20, 20);
    scribble(large - 10, 3);
    drop(large);
    MUST_EQUAL(nreports, 2);
    MUST_EQUAL(reports[1].kind, VIOLATION_BEFORE);
    must_blame(&reports[1], large, 200000, -10, 3);
}

static void a_block_of_no_bytes_is_blamed_for_its_own_damage(void)
{
    static struct row row;
    guarded_start(DEFAULTS);
    make_row(&row, 30, 0);
    make_others();
    unsigned culprit = with_neighbours(&row, 1);
    scribble(row.at[culprit], 4);
    drop(row.at[culprit]);
    MUST_EQUAL(nreports, 1);
    MUST_EQUAL(reports[0].kind, VIOLATION_AFTER);
    must_blame(&reports[0], row.at[culprit], 0, 0, 4);
}

static void a_freed_block_of_no_bytes_is_blamed_for_its_own_damage(void)
{
    static struct row row;
    guarded_start(DEFAULTS);
    make_row(&row, 30, 0);
    make_row(&row, 30, 8);
    char *at = make(0);
    make_others();
    drop(at);
    scribble(at, 4);
    scan();
    MUST_EQUAL(nreports, 1);
    must_blame(&reports[0], at, 0, 0, 4);
}

/* After free */

static void a_write_to_a_freed_block_is_seen_by_a_scan(void)
{
    guarded_start(DEFAULTS);
    char *at = make(100);
    drop(at);
    scribble(at + 40, 8);
    scan();
    const struct violation *violation = reported_once(VIOLATION_FREED_WRITE, FOUND_SCAN);
    must_blame(violation, at, 100, 40, 8);
    MUST_EQUAL(violation->free_site, SITE_FREED);
    scan();
    MUST_EQUAL(nreports, 1);
}

/* Makes and frees blocks like this one until its slot is used again. Returns their number. */
static unsigned wait_for_slot(const char *at, size_t size)
{
    for (unsigned i = 0; i < 100000; i++) {
        char *next = make_at(size, 0x6600);
        if (next == at)
            return i;
        drop(next);
    }
    guarded_fail(__FILE__, __LINE__, "the slot came back");
}

static void a_write_to_a_freed_block_is_seen_when_its_slot_is_used_again(void)
{
    guarded_start(DEFAULTS);
    char *at = make(100);
    drop(at);
    scribble(at + 99, 1);
    wait_for_slot(at, 100);
    must_blame(reported_once(VIOLATION_FREED_WRITE, FOUND_REUSE), at, 100, 99, 1);
    MUST_EQUAL(reports[0].alloc_site, SITE_MADE);
    drop(at);
    scan();
    MUST_EQUAL(nreports, 1);
}

static void a_write_to_a_freed_large_block_is_seen(void)
{
    guarded_start(DEFAULTS);
    char *at = make_at(100000, 0x6700);
    drop(at);
    scribble(at + 50, 5);
    wait_for_slot(at, 100000);
    must_blame(reported_once(VIOLATION_FREED_WRITE, FOUND_REUSE), at, 100000, 50, 5);
}

/* A reported block is not reported again, but the next block in its slot is. */
static void the_next_block_of_a_slot_is_reported_too(void)
{
    guarded_start(DEFAULTS);
    char *at = make_at(100, 0x6800);
    make_others();
    scribble(at + 100, 4);
    drop(at);
    wait_for_slot(at, 100);
    make_others();
    scribble(at + 100, 4);
    drop(at);
    MUST_EQUAL(nreports, 2);
    MUST_EQUAL(reports[0].alloc_site, 0x6800);
    MUST_EQUAL(reports[1].alloc_site, 0x6600);
}

static bool is_poison(const char *at, size_t from, size_t to)
{
    uint64_t word = pattern_of(span_block(region_find(at), at)->start);
    return !pattern_first_wrong(at + from, at + to, word);
}

static void freed_blocks_are_poisoned_at_their_ends(void)
{
    static const size_t sizes[] = {1, 100, 992, 3000, 60000, 100000};
    guarded_start(DEFAULTS);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char *at = make(sizes[i]);
        memset(at, 'x', sizes[i]);
        drop(at);
        size_t start = sizes[i] < BLOCK_POISON ? sizes[i] : BLOCK_POISON;
        size_t end = sizes[i] < BLOCK_POISON_END ? 0 : sizes[i] - BLOCK_POISON_END;
        MUST(is_poison(at, 0, start));
        MUST(is_poison(at, end, sizes[i]));
    }
    must_be_silent();
}

static void whole_blocks_are_poisoned_on_request(void)
{
    static const size_t sizes[] = {1, 100, 992, 3000, 60000, 100000};
    guarded_start((struct guard_settings){.whole = true});
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char *at = make(sizes[i]);
        memset(at, 'x', sizes[i]);
        drop(at);
        MUST(is_poison(at, 0, sizes[i]));
    }
    must_be_silent();
}

static void whole_poison_sees_a_write_in_the_middle(void)
{
    static const size_t sizes[] = {900, 3000, 60000, 100000};
    guarded_start((struct guard_settings){.whole = true});
    for (unsigned i = 0; i < COUNT(sizes); i++) {
        char *at = make_at(sizes[i], 0x6900 + i);
        memset(at, 'x', sizes[i]);
        drop(at);
        scribble(at + sizes[i] / 2 + 300, 3);
        scan();
        MUST_EQUAL(nreports, i + 1);
        MUST_EQUAL(reports[i].kind, VIOLATION_FREED_WRITE);
        must_blame(&reports[i], at, sizes[i], (int64_t)sizes[i] / 2 + 300, 3);
    }
}

/* Bytes of a slot that were never written are no damage. */
static void whole_poison_is_silent_with_new_slots(void)
{
    static const size_t sizes[] = {1500, 3000, 20000, 60000, 1400, 2900, 19000, 57400};
    guarded_start((struct guard_settings){.whole = true, .quarantine = 4096});
    for (int round = 0; round < 10; round++)
        for (size_t i = 0; i < COUNT(sizes); i++) {
            char *at = make(sizes[i]);
            memset(at, 'x', sizes[i]);
            make_others();
            drop(at);
            must_be_silent();
        }
}

/* Returns true if this slot is among the next ones. Keeps their blocks. */
static bool comes_back(const char *at, size_t size, unsigned n)
{
    bool came = false;
    for (unsigned i = 0; i < n; i++)
        came |= make_at(size, 0x6600) == at;
    return came;
}

/* Frees them in a row, so that no slot is used again; the largest first, because two blocks leave for each new one. */
static void the_quarantine_holds_blocks_back(void)
{
    static const size_t sizes[] = {30000, 3000, 100};
    static struct row row;
    guarded_start((struct guard_settings){.quarantine = 256 << 10});
    for (size_t i = 0; i < COUNT(sizes); i++) {
        make_row(&row, 4000, sizes[i]);
        unsigned held = (unsigned)((256 << 10) / (slot_size_of(row.at[0]) + 63)), at = 0;
        for (; at < held; at++)
            drop(row.at[at]);
        MUST(!comes_back(row.at[0], sizes[i], 200));
        for (; at < 3 * held; at++)
            drop(row.at[at]);
        MUST(comes_back(row.at[0], sizes[i], 4000));
    }
    must_be_silent();
}

/* Two blocks leave for each new one, but the quarantine stays below the hard limit. */
static void big_blocks_do_not_pile_up_behind_small_ones(void)
{
    static struct row row;
    guarded_start(DEFAULTS);
    make_row(&row, 2000, 8);
    for (unsigned i = 0; i < row.n; i++)
        drop(row.at[i]);
    make_row(&row, 500, 60000);
    for (unsigned i = 0; i < row.n; i++) {
        drop(row.at[i]);
        MUST(heap_thread->held <= 4 * thread_share + 61440 / 64);
    }
    must_be_silent();
}

/* More blocks than the ring has places, then blocks that make many of them leave. */
static void a_full_quarantine_gives_no_block_twice(void)
{
    enum { BLOCKS = 40000 };
    static char *all[BLOCKS];
    guarded_start((struct guard_settings){.quarantine = 1 << 20});
    for (int i = 0; i < BLOCKS; i++)
        all[i] = make(8);
    for (int i = 0; i < BLOCKS; i++) {
        drop(all[i]);
        if (i > 26000 && i % 500 == 0)
            drop(make(60000));
        MUST(heap_thread->last - heap_thread->first <= THREAD_QUARANTINE);
    }
    for (int i = 0; i < BLOCKS; i++)
        all[i] = make(8);
    qsort(all, BLOCKS, sizeof *all, compare);
    for (int i = 1; i < BLOCKS; i++)
        MUST(all[i - 1] != all[i]);
    must_be_silent();
}

/* A freed block keeps the description of its array, wherever its slot waits. */
static void a_freed_array_keeps_its_description(void)
{
    enum { BLOCKS = 6000 };
    static char *all[BLOCKS];
    guarded_start((struct guard_settings){.quarantine = 4096});
    for (int i = 0; i < BLOCKS; i++) {
        all[i] = make(80);
        guard_tag(all[i], (struct block_array){'f', 8, 1, 0});
    }
    for (int i = 0; i < BLOCKS; i++)
        drop(all[i]);
    for (int i = 0; i < BLOCKS; i += BLOCKS / 3) {
        unsigned before = nreports;
        scribble(all[i] + 8, 8);
        scan();
        MUST_EQUAL(nreports, before + 1);
        MUST_EQUAL(reports[before].array.type, 'f');
        MUST_EQUAL(reports[before].array.itemsize, 8);
        MUST_EQUAL(reports[before].array.ndim, 1);
    }
}

/* Misuse */

static void a_double_free_is_reported(void)
{
    guarded_start(DEFAULTS);
    char *at = make(100);
    guard_context.worker = 3;
    drop(at);
    guard_context.worker = 4;
    guard_release(at, BLOCK_MALLOC, 0x2299);
    const struct violation *violation = reported_once(VIOLATION_DOUBLE_FREE, FOUND_FREE);
    MUST_EQUAL(violation->address, (uintptr_t)at);
    MUST_EQUAL(violation->size, 100);
    MUST_EQUAL(violation->free_site, SITE_FREED);
    MUST_EQUAL(violation->free_worker, 3);
    MUST_EQUAL(violation->nfound, 1);
    MUST_EQUAL(violation->here[0], 0x2299);
    use(100);
    scan();
    MUST_EQUAL(nreports, 1);
}

static void a_double_free_of_a_large_block_is_reported(void)
{
    guarded_start(DEFAULTS);
    char *at = make(100000);
    drop(at);
    drop(at);
    MUST_EQUAL(reported_once(VIOLATION_DOUBLE_FREE, FOUND_FREE)->size, 100000);
    use(100000);
    use(100000);
    scan();
    MUST_EQUAL(nreports, 1);
}

static void a_pointer_into_a_block_is_not_freed(void)
{
    static const size_t sizes[] = {100, 5000, 100000};
    guarded_start(DEFAULTS);
    for (unsigned i = 0; i < COUNT(sizes); i++) {
        char *at = make(sizes[i]);
        guard_release(at + 8, BLOCK_MALLOC, 0x2300 + i);
        MUST_EQUAL(nreports, i + 1);
        MUST_EQUAL(reports[i].kind, VIOLATION_INTERIOR_FREE);
        MUST_EQUAL(reports[i].offset, 8);
        MUST_EQUAL(reports[i].address, (uintptr_t)at);
        MUST_EQUAL(guard_size(at), sizes[i]);
        drop(at);
    }
    MUST_EQUAL(nreports, COUNT(sizes));
}

static void a_foreign_pointer_is_not_freed(void)
{
    guarded_start(DEFAULTS);
    char local, *at = make(100), *never = region.heap + region.size - 100;
    guard_release(&local, BLOCK_MALLOC, 0x2400);
    guard_release(never, BLOCK_MALLOC, 0x2500);
    guard_report_foreign(&local, 0x2600);
    const struct span *span = region_find(at);
    guard_release(span->start + (span->nslots - 1) * span->slot_size + BLOCK_HEAD, BLOCK_MALLOC, 0x2700);
    MUST_EQUAL(nreports, 4);
    for (unsigned i = 0; i < nreports; i++) {
        MUST_EQUAL(reports[i].kind, VIOLATION_FOREIGN_FREE);
        MUST_EQUAL(reports[i].here[0], 0x2400 + 0x100 * i);
        MUST_EQUAL(reports[i].worker, BLOCK_NOBODY);
    }
    MUST_EQUAL(reports[0].address, (uintptr_t)&local);
    MUST_EQUAL(reports[1].address, (uintptr_t)never);
}

static void a_foreign_pointer_is_not_reallocated(void)
{
    guarded_start(DEFAULTS);
    char local, *at = make(100), *freed = make(100);
    drop(freed);
    const struct {
        char *at;
        enum violation_kind kind;
    } bad[] = {
        {freed, VIOLATION_DOUBLE_FREE}, {at + 1, VIOLATION_INTERIOR_FREE}, {&local, VIOLATION_FOREIGN_FREE}};
    for (unsigned i = 0; i < COUNT(bad); i++) {
        errno = 0;
        MUST(!guard_reallocate(bad[i].at, 200, BLOCK_MALLOC, SITE_MADE));
        MUST_EQUAL(errno, ENOMEM);
        MUST_EQUAL(nreports, i + 1);
        MUST_EQUAL(reports[i].kind, bad[i].kind);
    }
    MUST_EQUAL(guard_size(at), 100);
}

static bool is_operator(enum block_kind kind)
{
    return kind == BLOCK_NEW || kind == BLOCK_NEW_ARRAY;
}

static void each_mismatch_is_reported(void)
{
    guarded_start(DEFAULTS);
    unsigned n = 0;
    for (enum block_kind made = BLOCK_MALLOC; made < BLOCK_KINDS; made++)
        for (enum block_kind freed = BLOCK_MALLOC; freed < BLOCK_KINDS; freed++) {
            char *at = guard_allocate(50, 16, made, false, SITE_MADE);
            guard_release(at, freed, 0x2800 + made * BLOCK_KINDS + freed);
            MUST_EQUAL(guard_size(at), 0);
            n += made != freed && (is_operator(made) || is_operator(freed));
            MUST_EQUAL(nreports, n);
            if (n == 0 || reports[n - 1].here[0] != 0x2800 + made * BLOCK_KINDS + freed)
                continue;
            MUST_EQUAL(reports[n - 1].kind, VIOLATION_MISMATCH);
            MUST_EQUAL(reports[n - 1].block, made);
            MUST_EQUAL(reports[n - 1].offset, freed);
        }
    MUST_EQUAL(n, 14);
}

/* The report of a violation */

static void a_violation_names_the_maker_of_the_block(void)
{
    guarded_start(DEFAULTS);
    guard_context = (struct guard_context){.iteration = 77, .worker = 5, .step = 9};
    char *at = guard_allocate(80, 16, BLOCK_ARRAY, false, SITE_MADE);
    guard_tag(at + 40, (struct block_array){'f', 8, 1, 0});
    make_others();
    guard_context = (struct guard_context){.iteration = 78, .worker = 6, .step = 10};
    scribble(at + 80, 4);
    drop(at);
    const struct violation *violation = reported_once(VIOLATION_AFTER, FOUND_FREE);
    must_blame(violation, at, 80, 80, 4);
    MUST_EQUAL(violation->block, BLOCK_ARRAY);
    MUST_EQUAL(violation->array.itemsize, 8);
    MUST_EQUAL(violation->iteration, 77);
    MUST_EQUAL(violation->worker, 5);
    MUST_EQUAL(violation->step, 9);
    MUST_EQUAL(violation->free_worker, 6);
    MUST_EQUAL(violation->sequence, 1);
    MUST_EQUAL(violation->alloc_site, SITE_MADE);
    MUST(violation->nfound > 0);
}

static void a_new_block_forgets_the_last_one(void)
{
    guarded_start(DEFAULTS);
    char *at = make(80);
    guard_tag(at, (struct block_array){'f', 8, 1, 0});
    drop(at);
    wait_for_slot(at, 80);
    MUST_EQUAL(span_block(region_find(at), at)->array.itemsize, 0);
}

static __attribute__((noinline)) char *make_with_stack(uint64_t *caller)
{
    *caller = (uint64_t)(uintptr_t)__builtin_return_address(0);
    char *made = make_at(100, *caller);
    __asm__ volatile("" ::: "memory"); /* no tail call */
    return made;
}

static void stacks_are_stored_on_request(void)
{
    guarded_start((struct guard_settings){.stacks = true});
    uint64_t caller;
    char *at = make_with_stack(&caller);
    scribble(at + 100, 4);
    scan();
    const struct violation *violation = reported_once(VIOLATION_AFTER, FOUND_SCAN);
    MUST(violation->nalloc > 2);
    MUST_EQUAL(violation->alloc[0], caller);
    MUST_EQUAL(violation->alloc_site, caller);
}

static void a_site_is_reported_four_times(void)
{
    guarded_start(DEFAULTS);
    for (unsigned i = 0; i < 20; i++) {
        char *at = make(100);
        make_others();
        scribble(at + 100, 4);
        drop(at);
    }
    MUST_EQUAL(nreports, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GUARDED_TEST(every_size_to_the_byte),
        GUARDED_TEST(every_address_belongs_to_its_slot),
        GUARDED_TEST(large_blocks_are_whole),
        GUARDED_TEST(too_large_requests_are_refused),
        GUARDED_TEST(every_alignment),
        GUARDED_TEST(zeroed_blocks_are_zero),
        GUARDED_TEST(reallocation_keeps_the_contents),
        GUARDED_TEST(a_size_of_the_same_class_stays_in_place),
        GUARDED_TEST(a_bigger_size_in_place_is_guarded_too),
        GUARDED_TEST(an_overrun_is_seen_by_reallocation),
        GUARDED_TEST(errno_survives_a_release),
        GUARDED_TEST(only_its_own_memory_is_owned),
        GUARDED_TEST(clean_work_is_silent),
        GUARDED_TEST(clean_work_is_silent_with_whole_poison),
        GUARDED_TEST(clean_work_is_silent_with_hardly_any_quarantine),
        GUARDED_TEST(clean_work_is_silent_with_a_long_quarantine),
        GUARDED_TEST(clean_work_is_silent_with_stacks),
        GUARDED_TEST(an_overrun_is_seen_when_the_block_is_freed),
        GUARDED_TEST(an_overrun_is_seen_at_the_next_call),
        GUARDED_TEST(an_overrun_is_seen_by_a_scan),
        GUARDED_TEST(an_overrun_is_seen_at_a_crash),
        GUARDED_TEST(one_byte_is_enough),
        GUARDED_TEST(an_overrun_of_an_aligned_block_is_seen),
        GUARDED_TEST(a_write_far_behind_an_aligned_block_is_blamed_on_it),
        GUARDED_TEST(an_overrun_of_a_large_block_is_seen),
        GUARDED_TEST(an_overrun_over_neighbours_is_blamed_on_its_block),
        GUARDED_TEST(an_overrun_is_blamed_on_its_block_when_a_neighbour_is_freed),
        GUARDED_TEST(an_overrun_over_freed_neighbours_is_blamed_on_its_block),
        GUARDED_TEST(an_overrun_into_the_next_span_is_blamed_on_its_block),
        GUARDED_TEST(an_underrun_is_seen),
        GUARDED_TEST(an_underrun_in_the_first_slot_of_a_span_is_seen),
        GUARDED_TEST(an_underrun_into_a_neighbour_is_blamed_on_its_block),
        GUARDED_TEST(an_underrun_into_a_neighbour_is_blamed_on_its_block_when_freed),
        GUARDED_TEST(an_underrun_of_aligned_and_large_blocks_is_seen),
        GUARDED_TEST(a_block_of_no_bytes_is_blamed_for_its_own_damage),
        GUARDED_TEST(a_freed_block_of_no_bytes_is_blamed_for_its_own_damage),
        GUARDED_TEST(a_write_to_a_freed_block_is_seen_by_a_scan),
        GUARDED_TEST(a_write_to_a_freed_block_is_seen_when_its_slot_is_used_again),
        GUARDED_TEST(a_write_to_a_freed_large_block_is_seen),
        GUARDED_TEST(the_next_block_of_a_slot_is_reported_too),
        GUARDED_TEST(freed_blocks_are_poisoned_at_their_ends),
        GUARDED_TEST(whole_blocks_are_poisoned_on_request),
        GUARDED_TEST(whole_poison_sees_a_write_in_the_middle),
        GUARDED_TEST(whole_poison_is_silent_with_new_slots),
        GUARDED_TEST(the_quarantine_holds_blocks_back),
        GUARDED_TEST(big_blocks_do_not_pile_up_behind_small_ones),
        GUARDED_TEST(a_full_quarantine_gives_no_block_twice),
        GUARDED_TEST(a_freed_array_keeps_its_description),
        GUARDED_TEST(a_double_free_is_reported),
        GUARDED_TEST(a_double_free_of_a_large_block_is_reported),
        GUARDED_TEST(a_pointer_into_a_block_is_not_freed),
        GUARDED_TEST(a_foreign_pointer_is_not_freed),
        GUARDED_TEST(a_foreign_pointer_is_not_reallocated),
        GUARDED_TEST(each_mismatch_is_reported),
        GUARDED_TEST(a_violation_names_the_maker_of_the_block),
        GUARDED_TEST(a_new_block_forgets_the_last_one),
        GUARDED_TEST(stacks_are_stored_on_request),
        GUARDED_TEST(a_site_is_reported_four_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
