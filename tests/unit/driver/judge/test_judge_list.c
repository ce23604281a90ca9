/* Lists of types: none, as many as there is room for, more. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "driver/judge/judge_inside.h"

static char *list_of(int n)
{
    struct judge_list list = {.gap = ", ", .max = 2};
    for (int i = 0; i < n; i++)
        judge_list_add(&list, "%d x", i);
    return judge_list_end(&list);
}

static void lists(void **state)
{
    (void)state;
    static const char *const texts[] = {"0 x", "0 x, 1 x", "0 x, 1 x, and 1 more types",
                                        "0 x, 1 x, and 2 more types"};
    assert_null(list_of(0));
    for (int n = 1; n <= (int)(sizeof texts / sizeof *texts); n++) {
        char *text = list_of(n);
        assert_non_null(text);
        assert_string_equal(text, texts[n - 1]);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lists)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
