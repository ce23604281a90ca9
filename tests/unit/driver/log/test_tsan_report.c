/* The parser of ThreadSanitizer's reports, on recorded texts: whole, byte by byte, and cut off anywhere. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "driver/log/tsan_report.h"

#define REPORTS_MAX 16
#define HEAD "WARNING: ThreadSanitizer: data race (pid=1)\n"

struct reports {
    struct tsan_report *items[REPORTS_MAX];
    size_t n;
};

static void take(void *context, struct tsan_report *report)
{
    struct reports *reports = context;
    if (reports->n < REPORTS_MAX)
        reports->items[reports->n++] = report;
    else
        tsan_report_free(report);
}

static void clear(struct reports *reports)
{
    for (size_t i = 0; i < reports->n; i++)
        tsan_report_free(reports->items[i]);
    *reports = (struct reports){0};
}

/* Reads pieces of `piece` bytes, up to `length`. */
static void read_text(const char *text, size_t length, size_t piece, struct reports *reports)
{
    struct tsan_log log = {.take = take, .context = reports};
    for (size_t at = 0; at < length; at += piece)
        assert_int_equal(tsan_log_feed(&log, text + at, length - at < piece ? length - at : piece), 0);
    tsan_log_finish(&log);
}

static char *recorded(const char *name)
{
    char path[512], *text;
    snprintf(path, sizeof path, "%s/tsan/%s", FTSTRESS_LOGS, name);
    assert_int_equal(fd_read_file(path, &text, NULL), 0);
    return text;
}

static void read_log(const char *name, struct reports *reports)
{
    cleanup_free char *text = recorded(name);
    read_text(text, strlen(text), strlen(text), reports);
}

static const struct symbol_frame *frame_of(const struct tsan_part *part, size_t i)
{
    assert_non_null(part);
    assert_true(i < part->stack.nframes);
    return &part->stack.frames[i];
}

static void a_recorded_run_gives_the_canary_and_its_races(void **state)
{
    (void)state;
    struct reports reports = {0};
    read_log("planted.txt", &reports);
    assert_int_equal(reports.n, 3);
    assert_true(tsan_report_is_canary(reports.items[0]));
    assert_false(tsan_report_is_canary(reports.items[1]));

    const struct tsan_report *race = reports.items[1];
    const struct tsan_part *now = tsan_report_part(race, TSAN_ACCESS, 0),
                           *before = tsan_report_part(race, TSAN_ACCESS, 1);
    assert_string_equal(race->kind, "data race");
    assert_false(race->fatal);
    assert_true(now->write && !now->atomic && !now->previous && before->write && before->previous);
    assert_int_equal(now->size, 8);
    assert_true(now->address == 0x7f1e10a091c0);
    assert_true(frame_of(now, 0)->address == 0x7f0010001304);
    assert_true(frame_of(now, 1)->address == 0x7f00100011e1);
    assert_string_equal(tsan_report_thread(race, now->thread)->name, "worker 3");
    assert_string_equal(tsan_report_thread(race, before->thread)->name, "worker 0");
    assert_null(tsan_report_part(race, TSAN_ACCESS, 2));
    assert_null(tsan_report_part(race, TSAN_LOCATION, 0));
    clear(&reports);
}

static void mutexes_atomics_and_lost_stacks(void **state)
{
    (void)state;
    struct reports reports = {0};
    read_log("classic.txt", &reports);
    assert_int_equal(reports.n, 2);
    const struct tsan_report *race = reports.items[0];
    const struct tsan_part *now = tsan_report_part(race, TSAN_ACCESS, 0),
                           *before = tsan_report_part(race, TSAN_ACCESS, 1);
    assert_string_equal(race->kind, "heap-use-after-free");
    assert_true(now->atomic && now->write);
    assert_string_equal(now->mutexes, "write M0, read M12");
    assert_int_equal(now->stack.nframes, 2);
    assert_true(frame_of(now, 0)->address == 0x7f00000012c4);
    assert_int_equal(before->stack.nframes, 0);
    assert_int_equal(before->thread, 0);
    const struct tsan_part *location = tsan_report_part(race, TSAN_LOCATION, 0);
    assert_non_null(strstr(location->title, "heap block of size"));
    assert_true(frame_of(location, 1)->address == 0x7f0000000900);
    clear(&reports);
}

static void a_report_without_accesses_keeps_its_stack(void **state)
{
    (void)state;
    struct reports reports = {0};
    read_log("classic.txt", &reports);
    const struct tsan_report *misuse = reports.items[1];
    assert_string_equal(misuse->kind, "unlock of an unlocked mutex (or by a wrong thread)");
    assert_null(tsan_report_part(misuse, TSAN_ACCESS, 0));
    assert_int_equal(misuse->nparts, 1);
    assert_true(frame_of(&misuse->parts[0], 1)->address == 0x7f0000000777);
    clear(&reports);
}

static void a_crash_of_the_runtimes_own_handler_is_fatal(void **state)
{
    (void)state;
    struct reports reports = {0};
    read_log("segv.txt", &reports);
    assert_int_equal(reports.n, 1);
    assert_true(reports.items[0]->fatal);
    assert_true(strncmp(reports.items[0]->kind, "SEGV on unknown address", 23) == 0);
    assert_true(frame_of(&reports.items[0]->parts[0], 0)->address == 0x7f00001e21b3);
    assert_true(frame_of(&reports.items[0]->parts[0], 1)->address == 0x7f00001e1d10);
    clear(&reports);
}

static void pieces_of_any_size_give_the_same(void **state)
{
    (void)state;
    struct reports whole = {0};
    cleanup_free char *text = recorded("planted.txt");
    read_text(text, strlen(text), strlen(text), &whole);
    for (size_t piece = 1; piece < 600; piece += 37) {
        struct reports reports = {0};
        read_text(text, strlen(text), piece, &reports);
        assert_int_equal(reports.n, whole.n);
        for (size_t i = 0; i < whole.n; i++) {
            assert_int_equal(reports.items[i]->nparts, whole.items[i]->nparts);
            assert_true(tsan_report_same(reports.items[i], whole.items[i]));
        }
        clear(&reports);
    }
    clear(&whole);
}

static void a_text_may_end_anywhere(void **state)
{
    (void)state;
    static const char *const names[] = {"planted.txt", "classic.txt", "segv.txt"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        cleanup_free char *text = recorded(names[k]);
        for (size_t length = 0; length < strlen(text); length += 13) {
            struct reports reports = {0};
            read_text(text, length, 4096, &reports);
            clear(&reports);
        }
    }
}

static void lines_without_end_and_odd_ones_do_no_harm(void **state)
{
    (void)state;
    static const char *const texts[] = {
        HEAD,
        HEAD "    #0\n    #1 \n    #2 0x\n    #3 0xg\n    #4 0xfffffffffffffffff\nSUMMARY: x\n",
        HEAD "  Write of size\n  Write of size 4 at 0x1 by\n  Location is\nSUMMARY: \n",
        "WARNING: ThreadSanitizer: \n  Thread T\n  Thread T99999999999 'x\n    #0 a 0x1\n",
        "    #0 0x1\nSUMMARY: ThreadSanitizer: nothing\n==================\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct reports reports = {0};
        read_text(texts[i], strlen(texts[i]), 7, &reports);
        clear(&reports);
    }
    struct reports reports = {0};
    struct tsan_log log = {.take = take, .context = &reports};
    for (int i = 0; i < 3000; i++)
        assert_int_equal(tsan_log_feed(&log, "0123456789012345678901234567890123456789", 40), 0);
    tsan_log_finish(&log);
    assert_int_equal(reports.n, 0);
}

static void the_same_two_places_are_one_race_in_either_order(void **state)
{
    (void)state;
    static const char form[] = "WARNING: ThreadSanitizer: data race (pid=1)\n"
                               "  %s of size 8 at 0x1 by thread T1:\n    #0 0x%x\n\n"
                               "  Previous %s of size 8 at 0x1 by thread T2:\n    #0 0x%x\n\n"
                               "SUMMARY: x\n";
    char text[1024];
    struct reports reports = {0};
    const struct {
        const char *one;
        unsigned a;
        const char *other;
        unsigned b;
    } rows[] = {
        {"Write", 1, "read", 2}, {"Read", 2, "write", 1}, {"Write", 1, "write", 2}, {"Write", 1, "read", 3}};
    for (size_t i = 0; i < 4; i++) {
        snprintf(text, sizeof text, form, rows[i].one, rows[i].a, rows[i].other, rows[i].b);
        read_text(text, strlen(text), 100, &reports);
    }
    assert_int_equal(reports.n, 4);
    assert_true(tsan_report_same(reports.items[0], reports.items[1]));
    assert_false(tsan_report_same(reports.items[0], reports.items[2]));
    assert_false(tsan_report_same(reports.items[0], reports.items[3]));
    clear(&reports);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recorded_run_gives_the_canary_and_its_races),
        cmocka_unit_test(mutexes_atomics_and_lost_stacks),
        cmocka_unit_test(a_report_without_accesses_keeps_its_stack),
        cmocka_unit_test(a_crash_of_the_runtimes_own_handler_is_fatal),
        cmocka_unit_test(pieces_of_any_size_give_the_same),
        cmocka_unit_test(a_text_may_end_anywhere),
        cmocka_unit_test(lines_without_end_and_odd_ones_do_no_harm),
        cmocka_unit_test(the_same_two_places_are_one_race_in_either_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
