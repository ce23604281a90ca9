#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>

#include "base/list.h"

struct point {
    int x, y;
};

static void entries_keep_their_values(void **state)
{
    (void)state;
    struct point *points = NULL;
    unsigned n = 0;
    for (int i = 0; i < 1000; i++) {
        struct point *point = LIST_ADD(points, n);
        assert_non_null(point);
        assert_true(point == &points[i] && point->x == 0 && point->y == 0);
        *point = (struct point){i, -i};
    }
    assert_int_equal(n, 1000);
    for (int i = 0; i < 1000; i++)
        assert_true(points[i].x == i && points[i].y == -i);
    free(points);
}

static void a_list_that_cannot_grow_stays(void **state)
{
    (void)state;
    int *numbers = malloc(sizeof *numbers), *before = numbers;
    assert_int_equal(list_grow(&numbers, (size_t)1 << 62, SIZE_MAX / 2), -ENOMEM);
    assert_ptr_equal(numbers, before);
    free(numbers);
}

static void texts_are_copied_or_taken(void **state)
{
    (void)state;
    char **texts = NULL, word[] = "one";
    size_t n = 0;
    assert_int_equal(strings_add(&texts, &n, word), 0);
    word[0] = 'O';
    assert_int_equal(strings_take(&texts, &n, strdup("two")), 0);
    assert_int_equal(strings_take(&texts, &n, NULL), -ENOMEM);
    assert_int_equal(n, 2);
    assert_string_equal(texts[0], "one");
    assert_string_equal(texts[1], "two");
    strings_free(texts, n);
    strings_free(NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_keep_their_values),
        cmocka_unit_test(a_list_that_cannot_grow_stays),
        cmocka_unit_test(texts_are_copied_or_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
