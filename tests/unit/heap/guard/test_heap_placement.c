/* The guard on one thread: blocks of all sizes are intact, and clean work is silent. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "base/prng.h"
#include "heap/memory/size_class.h"
#include "heap/guard/lone.h"

/* Good programs */

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
