/* The parser of Valgrind's memcheck, on a recorded run: whole, cut off anywhere, and on other texts. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "driver/log/memcheck_log.h"

static char *recorded(size_t *ret_size)
{
    char *text;
    assert_int_equal(fd_read_file(FTSTRESS_LOGS "/valgrind/long.xml", &text, ret_size), 0);
    return text;
}

static void read_recorded(struct memcheck_log *log)
{
    size_t size;
    cleanup_free char *text = recorded(&size);
    assert_int_equal(memcheck_log_read(text, size, log), 0);
}

static const struct memcheck_error *find(const struct memcheck_log *log, const char *kind, unsigned i)
{
    for (size_t k = 0; k < log->n; k++)
        if (strcmp(log->errors[k].kind, kind) == 0 && i-- == 0)
            return &log->errors[k];
    fail_msg("there is no %s", kind);
    return NULL;
}

static void errors_have_stacks_and_counts(void **state)
{
    (void)state;
    struct memcheck_log log;
    read_recorded(&log);
    assert_true(log.whole);
    const struct memcheck_error *unset = find(&log, "UninitCondition", 0);
    const struct memcheck_part *part = &unset->parts[0];
    assert_int_equal(unset->count, 10);
    assert_int_equal(unset->nparts, 1);
    assert_string_equal(part->text, "Conditional jump or move depends on uninitialised value(s)");
    assert_string_equal(part->frames[0].function, "is_odd");
    assert_non_null(strstr(part->frames[0].module, "/planted/memcheck_unset.cpython"));
    assert_string_equal(part->frames[0].file, "/src/ftstress/tests/planted/memcheck_unset.c");
    assert_true(part->frames[0].line > 0 && part->frames[0].ip > 0);
    memcheck_log_clear(&log);
}

static void a_block_has_the_stacks_of_its_life(void **state)
{
    (void)state;
    struct memcheck_log log;
    read_recorded(&log);
    const struct memcheck_error *read = find(&log, "InvalidRead", 0);
    assert_int_equal(read->nparts, 3);
    assert_non_null(strstr(read->parts[1].text, "32 bytes inside a block of size 64 free'd"));
    assert_string_equal(read->parts[1].frames[0].function, "free");
    assert_string_equal(read->parts[2].text, "Block was alloc'd at");
    assert_string_equal(read->parts[2].frames[0].function, "malloc");
    memcheck_log_clear(&log);
}

static void leaks_have_bytes_and_blocks(void **state)
{
    (void)state;
    struct memcheck_log log;
    read_recorded(&log);
    uint64_t bytes = 0, blocks = 0;
    for (size_t i = 0; i < log.n; i++) {
        bytes += log.errors[i].bytes;
        blocks += log.errors[i].blocks;
    }
    assert_int_equal(bytes, 28866);
    assert_int_equal(blocks, 14);
    memcheck_log_clear(&log);
}

static void bytes_that_a_block_refers_to_are_not_its_own(void **state)
{
    (void)state;
    struct memcheck_log log;
    const char text[] =
        "<valgrindoutput><error><kind>Leak_DefinitelyLost</kind><xwhat><text>1,288 (1,088 direct, 200 "
        "indirect) bytes in 2 blocks are definitely lost</text><leakedbytes>1288</leakedbytes>"
        "<leakedblocks>2</leakedblocks></xwhat></error></valgrindoutput>";
    assert_int_equal(memcheck_log_read(text, sizeof text - 1, &log), 0);
    assert_int_equal(log.errors[0].bytes, 1088);
    assert_int_equal(log.errors[0].blocks, 2);
    memcheck_log_clear(&log);
}

static void a_cut_log_gives_its_beginning(void **state)
{
    (void)state;
    size_t size, before = 0;
    cleanup_free char *text = recorded(&size);
    for (size_t cut = 64; cut < size - 32; cut += 997) {
        struct memcheck_log log;
        assert_int_equal(memcheck_log_read(text, cut, &log), 0);
        assert_false(log.whole);
        assert_true(log.n >= before);
        before = log.n;
        memcheck_log_clear(&log);
    }
    assert_true(before > 5);
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    struct memcheck_log log;
    const char *const others[] = {"", "valgrind: no such option",
                                  "<?xml version=\"1.0\"?><html><error/></html>"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(memcheck_log_read(others[i], strlen(others[i]), &log), -EPROTO);
}

static void an_error_without_a_stack_or_a_kind_does_no_harm(void **state)
{
    (void)state;
    struct memcheck_log log;
    const char text[] = "<valgrindoutput><error/><error><kind>InvalidRead</kind><what>x</what></error>"
                        "<error><kind>Other</kind><stack><frame/></stack></error></valgrindoutput>";
    assert_int_equal(memcheck_log_read(text, sizeof text - 1, &log), 0);
    assert_true(log.whole);
    assert_int_equal(log.n, 1);
    assert_int_equal(log.errors[0].parts[0].nframes, 0);
    memcheck_log_clear(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_have_stacks_and_counts),
        cmocka_unit_test(a_block_has_the_stacks_of_its_life),
        cmocka_unit_test(leaks_have_bytes_and_blocks),
        cmocka_unit_test(bytes_that_a_block_refers_to_are_not_its_own),
        cmocka_unit_test(a_cut_log_gives_its_beginning),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(an_error_without_a_stack_or_a_kind_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
