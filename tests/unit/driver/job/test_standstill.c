/* Which looks at a process prove that none of its threads can run again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "driver/job/standstill.h"

#define MS UINT64_C(1000000)
#define COUNT(array) (sizeof(array) / sizeof *(array))
#define ASLEEP "7 (worker 0 (x)) S 1 7 7 0"

static void a_wait_is_read_from_proc(void **state)
{
    (void)state;
    static const struct {
        const char *stat, *call;
        enum standstill_wait wait;
    } rows[] = {
        {ASLEEP, "202 0x7f5 0x80 0x2 0x0 0x0 0x0 0x7ff 0x7f6", STANDSTILL_ENDLESS},  /* a mutex */
        {ASLEEP, "202 0x7f5 0x189 0x0 0x0 0x0 0x0 0x7ff 0x7f6", STANDSTILL_ENDLESS}, /* a semaphore */
        {ASLEEP, "202 0x7f5 0x189 0x0 0x7a0 0x0 0x0 0x7ff 0x7f6", STANDSTILL_LIMITED},
        {ASLEEP, "202 0x7f5 0x0 0x2 0x0 0x0 0x0 0x7ff 0x7f6", STANDSTILL_OTHER},   /* shared with processes */
        {ASLEEP, "202 0x7f5 0x109 0x2 0x0 0x0 0x0 0x7ff 0x7f6", STANDSTILL_OTHER}, /* pthread_join */
        {ASLEEP, "202 0x7f5 0x86 0x0 0x0 0x0 0x0 0x7ff 0x7f6", STANDSTILL_OTHER},  /* inherits a priority */
        {ASLEEP, "230 0x0 0x0 0x7e9 0x0 0x0 0x0 0x7ff 0x7f6", STANDSTILL_NAP},
        {ASLEEP, "7 0x7f5 0x1 0xffffffff 0x0 0x0 0x0 0x7ff 0x7f6", STANDSTILL_OTHER}, /* poll */
        {ASLEEP, "61 0x45d1 0x7ff 0x0 0x0 0x0 0x0 0x7ff 0x7f6", STANDSTILL_OTHER},    /* wait4 */
        {ASLEEP, "running", STANDSTILL_OTHER},
        {ASLEEP, "-1 0x7ff 0x7f6", STANDSTILL_OTHER},
        {ASLEEP, NULL, STANDSTILL_OTHER},
        {NULL, "202 0x7f5 0x80 0x2 0x0 0x0 0x0 0x7ff 0x7f6", STANDSTILL_OTHER},
        {"7 (S) R 1", "202 0x7f5 0x80 0x2 0x0 0x0 0x0 0x7ff 0x7f6", STANDSTILL_OTHER},
        {"7 (x) T 1", "202 0x7f5 0x80 0x2 0x0 0x0 0x0 0x7ff 0x7f6", STANDSTILL_OTHER},
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(standstill_wait_of(rows[i].stat, rows[i].call), rows[i].wait);
}

#define THREADS 3
#define LOOKS 4

/* Looks each 35 ms, and the number of the first one that proves a standstill; 0: none does. */
struct row {
    const char *name;
    struct standstill_sight looks[LOOKS][THREADS];
    uint64_t collections[LOOKS];
    unsigned proven;
    pid_t stopping;
};

#define CHECKER 8
#define COLLECTOR 9
#define SLEEPER                                                                                              \
    {                                                                                                        \
        5, 40, STANDSTILL_ENDLESS                                                                            \
    }
#define FOUR(...)                                                                                            \
    {                                                                                                        \
        {__VA_ARGS__}, {__VA_ARGS__}, {__VA_ARGS__},                                                         \
        {                                                                                                    \
            __VA_ARGS__                                                                                      \
        }                                                                                                    \
    }

static const struct row rows[] = {
    {"all sleep", FOUR(SLEEPER, {6, 2, STANDSTILL_ENDLESS}), {0}, 4, 0},
    {"one ran",
     {{SLEEPER}, {{5, 41, STANDSTILL_ENDLESS}}, {{5, 42, STANDSTILL_ENDLESS}}, {{5, 43, STANDSTILL_ENDLESS}}},
     {0},
     0,
     0},
    {"one ran once", {{{5, 39, STANDSTILL_ENDLESS}}, {SLEEPER}, {SLEEPER}, {SLEEPER}}, {0}, 0, 0},
    {"one polls", FOUR(SLEEPER, {6, 2, STANDSTILL_OTHER}), {0}, 0, 0},
    {"one naps", FOUR(SLEEPER, {6, 2, STANDSTILL_NAP}), {0}, 0, 0},
    {"one has a limit", FOUR(SLEEPER, {6, 2, STANDSTILL_LIMITED}), {0}, 0, 0},
    {"one started", {{SLEEPER}, {SLEEPER}, {SLEEPER}, {SLEEPER, {6, 1, STANDSTILL_ENDLESS}}}, {0}, 0, 0},
    {"one ended", {{SLEEPER, {6, 1, STANDSTILL_ENDLESS}}, {SLEEPER}, {SLEEPER}, {SLEEPER}}, {0}, 0, 0},
    {"the checker naps", FOUR(SLEEPER, {CHECKER, 7, STANDSTILL_NAP}), {0}, 4, 0},
    {"the checker works at the last look",
     {{SLEEPER, {CHECKER, 7, STANDSTILL_NAP}},
      {SLEEPER, {CHECKER, 9, STANDSTILL_NAP}},
      {SLEEPER, {CHECKER, 11, STANDSTILL_NAP}},
      {SLEEPER, {CHECKER, 13, STANDSTILL_OTHER}}},
     {0},
     0,
     0},
    {"the checker works at another look",
     {{SLEEPER, {CHECKER, 7, STANDSTILL_NAP}},
      {SLEEPER, {CHECKER, 9, STANDSTILL_OTHER}},
      {SLEEPER, {CHECKER, 11, STANDSTILL_NAP}},
      {SLEEPER, {CHECKER, 13, STANDSTILL_NAP}}},
     {0},
     4,
     0},
    {"collections wake no thread", FOUR(SLEEPER, {COLLECTOR, 7, STANDSTILL_NAP}), {2, 4, 6, 8}, 4, 0},
    {"one collection in all", FOUR(SLEEPER, {COLLECTOR, 7, STANDSTILL_NAP}), {2, 4, 4, 4}, 0, 0},
    {"a finalizer naps", FOUR(SLEEPER, {COLLECTOR, 7, STANDSTILL_NAP}), {2, 5, 7, 9}, 0, 0},
    {"the collector waits for the lock",
     FOUR(SLEEPER, {COLLECTOR, 7, STANDSTILL_ENDLESS}),
     {3, 3, 3, 3},
     4,
     0},
    {"the collector may wait for the others to stop",
     {{SLEEPER, {COLLECTOR, 7, STANDSTILL_LIMITED}},
      {SLEEPER, {COLLECTOR, 99, STANDSTILL_LIMITED}},
      {SLEEPER, {COLLECTOR, 199, STANDSTILL_LIMITED}},
      {SLEEPER, {COLLECTOR, 299, STANDSTILL_LIMITED}}},
     {3, 3, 3, 3},
     4,
     COLLECTOR},
    {"a worker may, too",
     {{SLEEPER, {6, 7, STANDSTILL_LIMITED}},
      {SLEEPER, {6, 99, STANDSTILL_LIMITED}},
      {SLEEPER, {6, 199, STANDSTILL_LIMITED}},
      {SLEEPER, {6, 299, STANDSTILL_LIMITED}}},
     {0},
     4,
     6},
    {"only one stops the others",
     {{{5, 7, STANDSTILL_LIMITED}, {6, 7, STANDSTILL_LIMITED}},
      {{5, 99, STANDSTILL_LIMITED}, {6, 99, STANDSTILL_LIMITED}},
      {{5, 199, STANDSTILL_LIMITED}, {6, 199, STANDSTILL_LIMITED}},
      {{5, 299, STANDSTILL_LIMITED}, {6, 299, STANDSTILL_LIMITED}}},
     {0},
     0,
     0},
};

/* Returns the number of the look that proves it. */
static unsigned find_proof(const struct row *row, pid_t *ret_stopping)
{
    struct standstill standstill = {0};
    unsigned proven = 0;
    for (unsigned i = 0; i < LOOKS && !proven; i++) {
        size_t n = 0;
        while (n < THREADS && row->looks[i][n].tid)
            n++;
        struct standstill_sight *sights = calloc(THREADS, sizeof *sights);
        memcpy(sights, row->looks[i], n * sizeof *sights);
        const struct standstill_helpers helpers = {CHECKER, COLLECTOR, row->collections[i]};
        if (standstill_add(&standstill, (1000 + 35 * i) * MS, sights, n, helpers, ret_stopping))
            proven = i + 1;
    }
    standstill_clear(&standstill);
    return proven;
}

static void looks_prove_a_standstill(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        pid_t stopping;
        if (find_proof(&rows[i], &stopping) != rows[i].proven ||
            (rows[i].proven && stopping != rows[i].stopping))
            fail_msg("%s", rows[i].name);
    }
}

static void an_unreadable_process_proves_nothing(void **state)
{
    (void)state;
    struct standstill standstill = {0};
    pid_t stopping;
    for (uint64_t i = 1; i < 10; i++)
        assert_false(
            standstill_add(&standstill, i * 1000 * MS, NULL, 0, (struct standstill_helpers){0}, &stopping));
    standstill_clear(&standstill);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_is_read_from_proc),
        cmocka_unit_test(looks_prove_a_standstill),
        cmocka_unit_test(an_unreadable_process_proves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
