/* Changes of recipes and calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/fd.h"
#include "core/plan/recipe.h"
#include "driver/fuzz/fuzz_draw.h"

/* However long the chain of changes is, the text stays a recipe. */
static void drawn_recipes_parse(void **state)
{
    (void)state;
    struct prng prng = prng_stream(1, 2);
    char *text = strdup("f8[20]");
    unsigned negative = 0, empty = 0, readonly = 0;
    for (int i = 0; i < 5000; i++) {
        struct recipe recipe;
        struct recipe_layout layout;
        char error[512];
        char *next = draw_recipe(&prng, text);
        free(text);
        text = next;
        assert_non_null(text);
        assert_int_equal(recipe_parse(text, &recipe, error, sizeof error), 0);
        recipe_layout(&recipe, &layout);
        negative += layout.ndim > 0 && layout.strides[0] < 0;
        empty += recipe.ndim > 0 && recipe.shape[0] == 0;
        readonly += recipe.readonly;
    }
    free(text);
    assert_true(negative > 0 && empty > 0 && readonly > 0);
}

static void arguments_are_learnt(void **state)
{
    (void)state;
    json_auto_t *arguments = json_object();
    draw_learn("m.f(vec[1:, 2], 'a, b', (2, 3), axis=0)", arguments);
    draw_learn("m.f()", arguments);
    assert_int_equal(json_object_size(arguments), 3);
    assert_non_null(json_object_get(arguments, "vec[1:, 2]"));
    assert_non_null(json_object_get(arguments, "'a, b'"));
    assert_non_null(json_object_get(arguments, "(2, 3)"));
}

/* A keyword stays behind the other arguments. */
static void drawn_calls_keep_their_form(void **state)
{
    (void)state;
    struct prng prng = prng_stream(3, 4);
    json_auto_t *arguments = json_pack("[s, s]", "vec", "2");
    unsigned changed = 0, shorter = 0;
    for (int i = 0; i < 1000; i++) {
        cleanup_free char *call = draw_call(&prng, "m.f(mat, 'a, b', axis=0)", arguments);
        assert_non_null(call);
        assert_int_equal(strncmp(call, "m.f(", 4), 0);
        assert_int_equal(call[strlen(call) - 1], ')');
        const char *keyword = strstr(call, "axis=0");
        assert_true(!keyword || strcmp(keyword, "axis=0)") == 0);
        changed += strcmp(call, "m.f(mat, 'a, b', axis=0)") != 0;
        shorter += keyword == NULL;
    }
    assert_true(changed > 500 && shorter > 0);
    cleanup_free char *no_call = draw_call(&prng, "m.f", arguments);
    assert_string_equal(no_call, "m.f");
}

static void keywords_are_listed(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"m.f(vec)", ""},
                                          {"m.f(vec, axis=0)", "axis"},
                                          {"m.f(vec == 3, 'a=b', axis=0, dtype='f4')", "axis,dtype"},
                                          {"m.f", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_free char *keywords = draw_keywords(rows[i][0]);
        assert_string_equal(keywords, rows[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keywords_are_listed),
        cmocka_unit_test(drawn_recipes_parse),
        cmocka_unit_test(arguments_are_learnt),
        cmocka_unit_test(drawn_calls_keep_their_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
