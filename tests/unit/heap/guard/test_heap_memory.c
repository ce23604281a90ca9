/* Memory at its limits: the heap stays intact without memory, and the quarantine holds freed blocks as long as a reader
 * may see them, but not for ever. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/resource.h>

#include "heap/memory/thread.h"
#include "heap/guard/threaded.h"

#define DEFAULTS ((struct guard_settings){0})

/* Without memory */

static char *chain; /* blocks that are held, each with the one before in its first bytes */

static void hold_all_memory(size_t size)
{
    char *at;
    errno = 0;
    while ((at = make_at(size, SITE_MADE))) {
        memcpy(at, &chain, sizeof chain);
        chain = at;
    }
    MUST_EQUAL(errno, ENOMEM);
}

static void free_chain(void)
{
    while (chain) {
        char *at = chain;
        memcpy(&chain, at, sizeof chain);
        drop(at);
    }
}

static const size_t sizes[] = {3000000, 100000, 60000, 5000, 100};

/* Memory of every size can be used again: address space stays with its class. */
static void use_all_sizes(unsigned times)
{
    for (unsigned k = 0; k < times; k++)
        for (unsigned i = 0; i < COUNT(sizes); i++)
            drop(make(sizes[i]));
}

static void hold(size_t size, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        char *at = make(size);
        memcpy(at, &chain, sizeof chain);
        chain = at;
    }
}

/* More blocks of each size than a quarantine holds. */
static void run_out_and_recover(void)
{
    for (unsigned i = 1; i < COUNT(sizes); i++)
        hold(sizes[i], 300);
    free_chain();
    char *kept = make(10000);
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < COUNT(sizes); i++)
            hold_all_memory(sizes[i]);
        MUST(!guard_reallocate(kept, 30000000, BLOCK_MALLOC, SITE_MADE));
        MUST_EQUAL(guard_size(kept), 10000);
        free_chain();
        use_all_sizes(1000);
    }
    must_be_silent();
}

/* Limits the address space to the present size and `more` bytes. */
static void limit_to(int which, size_t more)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    MUST(file && fscanf(file, "%ld", &pages) == 1);
    fclose(file);
    struct rlimit limit = {(size_t)pages * 4096 + more, (size_t)pages * 4096 + more};
    if (GUARDED_SANITIZER)
        guarded_skip("a sanitizer's shadow memory does not fit a limit");
    MUST_EQUAL(setrlimit(which, &limit), 0);
}

static void a_limit_on_address_space_is_survived(void)
{
    limit_to(RLIMIT_AS, 1 << 30);
    guarded_start(DEFAULTS);
    run_out_and_recover();
}

static void a_limit_on_data_is_survived(void)
{
    limit_to(RLIMIT_DATA, 300 << 20);
    guarded_start(DEFAULTS);
    run_out_and_recover();
}

static void a_guard_without_address_space_is_refused(void)
{
    limit_to(RLIMIT_AS, 256 << 10);
    MUST_EQUAL(guard_start(&(struct guard_settings){.report = guarded_keep}), -ENOMEM);
    MUST(!guard_is_on());
}

/* Grace periods */

#define SMALL 1000 /* blocks of two units each, just below the share */

static void fill_quarantine(char **all)
{
    for (int i = 0; i < SMALL; i++)
        all[i] = make(80);
    for (int i = 0; i < SMALL; i++)
        drop(all[i]);
    MUST_EQUAL(heap_thread->first, 0);
}

static void free_more(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        drop(make(80));
}

/* The test is the reader: as long as it reads, no block that it may have seen is used again. */
static void a_reader_holds_blocks_in_the_quarantine(void)
{
    static char *all[SMALL];
    guarded_start((struct guard_settings){.quarantine = SMALL * 128 + 64});
    atomic_fetch_add(&thread_readers, 1);
    fill_quarantine(all);
    free_more(500);
    MUST_EQUAL(heap_thread->first, 0);
    atomic_fetch_add(&thread_grace, 1);
    free_more(500);
    MUST_EQUAL(heap_thread->first, 0);
    atomic_fetch_add(&thread_grace, 1);
    free_more(10);
    MUST(heap_thread->first > 0 && heap_thread->first <= 2 * 10);
    atomic_fetch_sub(&thread_readers, 1);
    must_be_silent();
}

static void without_readers_blocks_leave_at_once(void)
{
    static char *all[SMALL];
    guarded_start((struct guard_settings){.quarantine = SMALL * 128 + 64});
    fill_quarantine(all);
    free_more(10);
    MUST(heap_thread->first > 0);
    must_be_silent();
}

static void a_reader_that_never_ends_does_not_hold_everything(void)
{
    static char *all[SMALL];
    guarded_start((struct guard_settings){.quarantine = SMALL * 128 + 64});
    atomic_fetch_add(&thread_readers, 1);
    fill_quarantine(all);
    free_more(50000);
    MUST(heap_thread->held <= 4 * thread_share + 2);
    MUST(heap_thread->last - heap_thread->first <= THREAD_QUARANTINE);
    must_be_silent();
}

static void the_checker_ends_grace_periods(void)
{
    guarded_start(CHECKED);
    uint32_t before = atomic_load(&thread_grace);
    uint64_t until = clock_now() + PATIENCE;
    while (atomic_load(&thread_grace) - before < 20 && clock_now() < until)
        sleep_for(INTERVAL);
    MUST(atomic_load(&thread_grace) - before >= 20);
    checker_stop();
    MUST_EQUAL(atomic_load(&thread_readers), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GUARDED_TEST(a_limit_on_address_space_is_survived),
        GUARDED_TEST(a_limit_on_data_is_survived),
        GUARDED_TEST(a_guard_without_address_space_is_refused),
        GUARDED_TEST(a_reader_holds_blocks_in_the_quarantine),
        GUARDED_TEST(without_readers_blocks_leave_at_once),
        GUARDED_TEST(a_reader_that_never_ends_does_not_hold_everything),
        GUARDED_TEST(the_checker_ends_grace_periods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
