#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/sentence.h"

static void parts_are_joined(void **state)
{
    (void)state;
    static const struct {
        const char *remedy, *what, *expected;
    } rows[] = {{"close some", "7 are open", "7 are open; close some"},
                {"", "7 are open", "7 are open"},
                {"close some", "", "close some"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sentence sentence;
        assert_int_equal(sentence_fail(-5, &sentence, rows[i].remedy, "%s", rows[i].what), -5);
        char *text = sentence_text(&sentence);
        assert_string_equal(text, rows[i].expected);
        free(text);
    }
}

static void long_parts_are_cut(void **state)
{
    (void)state;
    struct sentence sentence;
    sentence_fail(0, &sentence, "", "%5000s", "x");
    sentence_set_remedy(&sentence, "%5000s", "x");
    assert_int_equal(strlen(sentence.what), sizeof sentence.what - 1);
    assert_int_equal(strlen(sentence.remedy), sizeof sentence.remedy - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_joined),
        cmocka_unit_test(long_parts_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
