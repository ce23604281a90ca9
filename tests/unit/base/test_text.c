#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/text.h"

static void words_are_separated_and_cut(void **state)
{
    (void)state;
    char text[12] = "";
    text_add(text, sizeof text, ", ", "%s", "one");
    assert_string_equal(text, "one");
    text_add(text, sizeof text, ", ", "%d", 22);
    assert_string_equal(text, "one, 22");
    text_add(text, sizeof text, ", ", "%s", "three");
    assert_string_equal(text, "one, 22, th");
    text_add(text, sizeof text, ", ", "%s", "four");
    assert_string_equal(text, "one, 22, th");
}

static void a_separator_may_fill_the_text(void **state)
{
    (void)state;
    char text[5] = "one";
    text_add(text, sizeof text, ", ", "%s", "two");
    assert_string_equal(text, "one,");
}

static void lines_are_joined(void **state)
{
    (void)state;
    char *text = NULL;
    assert_int_equal(text_join(&text, "\n", "a"), 0);
    assert_int_equal(text_join(&text, "\n", "b"), 0);
    assert_string_equal(text, "a\nb");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_separated_and_cut),
        cmocka_unit_test(a_separator_may_fill_the_text),
        cmocka_unit_test(lines_are_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
