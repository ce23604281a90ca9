/* The set of addresses: an address keeps its epoch and site from its addition to its removal, from any thread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>

#include "heap/site/addresses.h"
#include "heap/site/trace.h"

#define BLOCKS 4096
#define THREADS 4
#define STEP 16

/* Returns an address that is not in the set otherwise, and is never accessed. */
static char *place(unsigned thread, unsigned block)
{
    /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
    return (char *)(UINT64_C(0x100000000) * (thread + 1) + (uint64_t)block * STEP);
}

struct seen {
    size_t n, epochs[EPOCHS];
    const char *last;
    bool sorted;
};

static void see(void *context, char *block, enum epoch epoch)
{
    struct seen *seen = context;
    seen->sorted = seen->sorted && block > seen->last;
    seen->last = block;
    seen->epochs[epoch]++;
    seen->n++;
}

static struct seen look(void)
{
    struct seen seen = {.sorted = true};
    addresses_walk(see, &seen);
    return seen;
}

static bool is_set;

static void find(void *context, char *block, enum epoch epoch)
{
    (void)epoch;
    is_set |= block == context;
}

static bool has(char *block)
{
    is_set = false;
    addresses_walk(find, block);
    return is_set;
}

static void an_address_stays_until_it_is_removed(void **state)
{
    (void)state;
    assert_false(has(place(0, 7)));
    addresses_add(place(0, 7), 16, 0);
    assert_true(has(place(0, 7)));
    assert_false(has(place(0, 6)));
    assert_false(has(place(0, 8)));
    assert_int_equal(look().n, 1);
    addresses_remove(place(0, 7));
    addresses_remove(place(0, 7));
    assert_false(has(place(0, 7)));
    assert_int_equal(look().n, 0);
}

static void other_addresses_are_ignored(void **state)
{
    (void)state;
    addresses_add(place(0, 7) + 8, 16, 0);
    addresses_add(place(0x7fffffff, 0), 16, 0);
    addresses_remove(place(0x7fffffff, 0));
    assert_int_equal(look().n, 0);
    assert_int_equal(addresses_site(place(0, 7) + 8), 0);
}

static void each_keeps_its_epoch_its_size_and_its_site(void **state)
{
    (void)state;
    const uint64_t frames[] = {0x1000, 0x2000};
    uint64_t site = trace_store(frames, 2);
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        addresses_set_epoch((enum epoch)epoch);
        addresses_add(place(1, (unsigned)epoch), (size_t)epoch + 40, epoch % 2 ? site : 0);
    }
    struct seen seen = look();
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        assert_int_equal(seen.epochs[epoch], 1);
        assert_true(addresses_site(place(1, (unsigned)epoch)) == (epoch % 2 ? site : 0));
        assert_int_equal(addresses_size(place(1, (unsigned)epoch)), epoch + 40);
    }
    assert_true(seen.sorted);
    addresses_add(place(1, 1), 16, 0); /* the same block again: another epoch, without a site */
    assert_int_equal(addresses_site(place(1, 1)), 0);
    assert_int_equal(look().epochs[EPOCH_END], 2);
    for (unsigned i = 0; i < EPOCHS; i++)
        addresses_remove(place(1, i));
    addresses_set_epoch(EPOCH_BEFORE);
}

/* Pairs of threads share leaves, but no block. */
static char *own_place(unsigned thread, unsigned block)
{
    return place(2 + thread % 2, 2 * block + thread / 2);
}

/* Adds all, removes every other one, over and over. */
static void *churn(void *argument)
{
    unsigned thread = *(const unsigned *)argument;
    for (unsigned round = 0; round < 20; round++)
        for (unsigned i = 0; i < BLOCKS; i++) {
            addresses_add(own_place(thread, i), 16, 0);
            if (i % 2)
                addresses_remove(own_place(thread, i));
        }
    return NULL;
}

static void threads_do_not_lose_each_others_blocks(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    unsigned numbers[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, churn, &numbers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(look().n, THREADS * BLOCKS / 2);
    for (unsigned i = 0; i < THREADS * BLOCKS; i++)
        addresses_remove(own_place(i % THREADS, i / THREADS));
    assert_int_equal(look().n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_stays_until_it_is_removed),
        cmocka_unit_test(other_addresses_are_ignored),
        cmocka_unit_test(each_keeps_its_epoch_its_size_and_its_site),
        cmocka_unit_test(threads_do_not_lose_each_others_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
