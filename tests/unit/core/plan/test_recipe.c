#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan/recipe.h"
#include "recipe_print.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void parse(const char *text, struct recipe *recipe)
{
    char error[256] = "";
    if (recipe_parse(text, recipe, error, sizeof error) != 0)
        fail_msg("%s", error);
}

static void assert_same_op(const struct recipe_op *a, const struct recipe_op *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->nslices, b->nslices);
    for (int i = 0; i < a->nslices; i++) {
        const struct recipe_slice *s = &a->slices[i], *t = &b->slices[i];
        assert_int_equal(s->is_index, t->is_index);
        assert_int_equal(s->has_start, t->has_start);
        assert_int_equal(s->has_stop, t->has_stop);
        assert_int_equal(s->has_step, t->has_step);
        assert_int_equal(s->start, t->start);
        assert_int_equal(s->stop, t->stop);
        assert_int_equal(s->step, t->step);
    }
}

static void assert_same_recipe(const struct recipe *a, const struct recipe *b)
{
    assert_int_equal(a->order, b->order);
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->itemsize, b->itemsize);
    assert_int_equal(a->ndim, b->ndim);
    assert_memory_equal(a->shape, b->shape, sizeof a->shape);
    assert_int_equal(a->nops, b->nops);
    for (int i = 0; i < a->nops; i++)
        assert_same_op(&a->ops[i], &b->ops[i]);
    assert_int_equal(a->offset, b->offset);
    assert_int_equal(a->nbcast, b->nbcast);
    assert_memory_equal(a->bcast, b->bcast, sizeof a->bcast);
    assert_int_equal(a->readonly, b->readonly);
    assert_int_equal(a->out, b->out);
}

/* Canonical text is NULL where it is the text itself. */
static const struct {
    const char *text, *canonical, *dtype;
} accepted[] = {
    {"f8[20]", NULL, "<f8"},
    {"i4[3,4].T", NULL, "<i4"},
    {"f8[40][::2]", NULL, "<f8"},
    {">c16[5,1]+8", NULL, ">c16"},
    {"f8[20][::-1]@ro", NULL, "<f8"},
    {"f4[0]", NULL, "<f4"},
    {"f8[]", NULL, "<f8"},
    {"f8[8]~bcast(4,8)", NULL, "<f8"},
    {"f8[20]@out", NULL, "<f8"},
    {"<f8[2]", "f8[2]", "<f8"},
    {"=f8[2]", "f8[2]", "<f8"},
    {"|f8[2]", "f8[2]", "<f8"},
    {">i1[2]", "i1[2]", "|i1"},
    {"=b1[2]", "b1[2]", "|b1"},
    {"u1[2]", NULL, "|u1"},
    {"u8[2]", NULL, "<u8"},
    {"f16[2]", NULL, "<f16"},
    {">c32[2]", NULL, ">c32"},
    {"c8[2]", NULL, "<c8"},
    {">S5[2]", "S5[2]", "|S5"},
    {">U4[2]", NULL, ">U4"},
    {"U04[2]", "U4[2]", "<U4"},
    {"U536870911[1]", NULL, "<U536870911"},
    {"f8[ 3 , 4 ][ 1 : 3 , :: 2 ]~bcast( 2 , 2 )", "f8[3,4][1:3,::2]~bcast(2,2)", "<f8"},
    {"f8[4][::][1::][:-1:]", "f8[4][:][1:][:-1]", "<f8"},
    {"f8[4,5,6][2].T[-1,0]", NULL, "<f8"},
    {"f8[4][-99999999999999999999:99999999999999999999]", "f8[4][-9223372036854775808:9223372036854775807]",
     "<f8"},
    {"f8[]~bcast()", NULL, "<f8"},
    {"f8[4]+0", "f8[4]", "<f8"},
    {"f8[4]@ro~bcast(2,4)+1", "f8[4]+1~bcast(2,4)@ro", "<f8"},
    {"f8[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1].T.T.T.T.T.T.T.T.T.T.T.T.T.T.T.T", NULL, "<f8"},
    {"u1[1099511627776]", NULL, "|u1"},
};

static void test_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(accepted); i++) {
        struct recipe first, again;
        char text[256], dtype[16];
        parse(accepted[i].text, &first);
        int length = recipe_print(&first, text, sizeof text);
        assert_string_equal(text, accepted[i].canonical ? accepted[i].canonical : accepted[i].text);
        assert_int_equal(length, strlen(text));
        recipe_dtype(&first, dtype);
        assert_string_equal(dtype, accepted[i].dtype);
        parse(text, &again);
        assert_same_recipe(&first, &again);
    }
}

static void test_print_truncates(void **state)
{
    (void)state;
    struct recipe recipe;
    char text[8];
    parse(">c16[5,1]+8", &recipe);
    assert_int_equal(recipe_print(&recipe, NULL, 0), 11);
    assert_int_equal(recipe_print(&recipe, text, sizeof text), 11);
    assert_string_equal(text, ">c16[5,");
}

static const struct {
    const char *text;
    size_t items, buffer, start;
    int ndim;
    int64_t shape[4], strides[4];
} layouts[] = {
    {"f8[20]", 20, 160, 0, 1, {20}, {8}},
    {"f8[]", 1, 8, 0, 0, {0}, {0}},
    {"f4[0]", 0, 0, 0, 1, {0}, {0}},
    {"f4[3,0,2]+4", 0, 4, 4, 3, {3, 0, 2}, {0, 0, 0}},
    {"f4[3,0,2][2,:,-1]+4", 0, 4, 4, 1, {0}, {0}},
    {"i4[3,4].T", 12, 48, 0, 2, {4, 3}, {4, 16}},
    {"f8[40][::2]", 40, 320, 0, 1, {20}, {16}},
    {"f8[20][::-1]@ro", 20, 160, 152, 1, {20}, {-8}},
    {"f8[20][::-3]", 20, 160, 152, 1, {7}, {-24}},
    {">c16[5,1]+8", 5, 88, 8, 2, {5, 1}, {16, 16}},
    {"f8[8]~bcast(4,8)", 8, 64, 0, 2, {4, 8}, {0, 8}},
    {"f8[3,1][::-1]~bcast(2,3,4)", 3, 24, 16, 3, {2, 3, 4}, {0, -8, 0}},
    {"f8[1]~bcast(0)", 1, 8, 0, 1, {0}, {0}},
    {"f8[20][15:5]", 20, 160, 0, 1, {0}, {8}},
    {"f8[20][5:5:-2]", 20, 160, 0, 1, {0}, {8}},
    {"f8[20][-100:100]", 20, 160, 0, 1, {20}, {8}},
    {"f8[20][100:-100:-1]", 20, 160, 152, 1, {20}, {-8}},
    {"f8[20][5:][2]", 20, 160, 56, 0, {0}, {0}},
    {"f8[4,5][-1,1:3]+2", 20, 162, 130, 1, {2}, {8}},
    {"f8[4,5,6][1].T[::2]", 120, 960, 240, 2, {3, 5}, {16, 48}},
    {"f8[20][7::9223372036854775807]", 20, 160, 56, 1, {1}, {-8}},
    {"f8[20][7::-9223372036854775808]", 20, 160, 56, 1, {1}, {8}},
    {"U3[4][::2]", 4, 48, 0, 1, {2}, {24}},
};

static void test_layouts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(layouts); i++) {
        struct recipe recipe;
        struct recipe_layout layout;
        size_t bytes = (size_t)layouts[i].ndim * sizeof(int64_t);
        parse(layouts[i].text, &recipe);
        recipe_layout(&recipe, &layout);
        assert_int_equal(layout.base_items, layouts[i].items);
        assert_int_equal(layout.buffer_size, layouts[i].buffer);
        assert_int_equal(layout.start, layouts[i].start);
        assert_int_equal(layout.ndim, layouts[i].ndim);
        assert_memory_equal(layout.shape, layouts[i].shape, bytes);
        assert_memory_equal(layout.strides, layouts[i].strides, bytes);
    }
}

static const struct {
    const char *text, *sentence;
} rejected[] = {
    {"f8[20", "recipe 'f8[20': a ']' is missing after the shape; write f8[20]"},
    {"f8[20.T", "a ']' is missing after the shape; write f8[20].T"},
    {"f8[", "a ']' is missing after the shape; write f8[]"},
    {"f8[20][::2", "a ']' is missing after the index; write f8[20][::2]"},
    {"f8[8]~bcast(4,8", "a ')' is missing after the broadcast shape; write f8[8]~bcast(4,8)"},
    {"f8[2x]", "character 5 does not belong in the shape"},
    {"f8[4][1;2]", "character 8 does not belong in the index"},
    {"", "recipe '': the dtype is missing at character 1"},
    {"[3]", "the dtype is missing at character 1"},
    {"q8[3]", "'q8' at character 1 is not a dtype"},
    {">f3[3]", "'f3' at character 2 is not a dtype"},
    {"<>f8[3]", "the dtype is missing at character 2"},
    {"S[3]", "'S' at character 1 is not a dtype"},
    {"U0[3]", "U0 has no characters; write U1 or longer"},
    {"f8", "the shape is missing after f8; write f8[20], or f8[] for 0-d"},
    {"f8.T", "the shape is missing after f8"},
    {"f8[3,]", "a number is missing at character 6, in the shape"},
    {"f8[-1]", "dimension 0 of the shape is negative"},
    {"f8[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "the shape has more than 16 dimensions"},
    {"f8[3][]", "character 7 does not start an index"},
    {"f8[3][...]", "character 7 does not start an index"},
    {"f8[3][.T]", "character 7 does not start an index"},
    {"f8[3][1,2]", "the index at character 9 is one too many for a view with 1 dimensions"},
    {"f8[][0]", "the index at character 6 is one too many for a view with 0 dimensions"},
    {"f8[3,4][1,4]", "index 4 at character 11 is outside axis 1 of length 4; write -4 to 3"},
    {"f8[3,4].T[-5]", "index -5 at character 11 is outside axis 0 of length 4"},
    {"f8[3][99999999999999999999]", "is outside axis 0 of length 3"},
    {"f8[3][2:1][0]", "the index at character 12 is outside axis 0, which is empty"},
    {"f8[3][::0]", "the slice at character 7 has step 0"},
    {"f8[1].T.T.T.T.T.T.T.T.T.T.T.T.T.T.T.T.T", "is too many; write at most 16"},
    {"f8[3]+", "'+' is not followed by a number of bytes; write for example +8"},
    {"f8[3]+-8", "'+' is not followed by a number of bytes"},
    {"f8[3]~bcast", "~bcast is not followed by a shape"},
    {"f8[2,3]~bcast(3)", "~bcast has 1 dimensions but the view has 2; write 2 or more"},
    {"f8[1]~bcast()", "~bcast has 0 dimensions but the view has 1"},
    {"f8[2,3].T~bcast(4,2,2)", "axis 0 of length 3 does not broadcast to 2; write 3 there"},
    {"f8[0]~bcast(1)", "axis 0 of length 0 does not broadcast to 1"},
    {"f8[3]@rw", "'@rw' at character 6 is not part of a recipe"},
    {"f8[3].transpose", "'.transpose' at character 6 is not part of a recipe"},
    {"f8[3]@ro[::2]", "a view operation at character 9 comes too late"},
    {"f8[3]@ro@ro", "there is more than one @ro; write it once"},
    {"f8[3]+1+1", "there is more than one +; write it once"},
    {"f8[3]@ro@out", "@ro and @out contradict each other"},
};

static void test_rejected(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rejected); i++) {
        struct recipe recipe;
        char error[256] = "";
        assert_int_equal(recipe_parse(rejected[i].text, &recipe, error, sizeof error), -EINVAL);
        if (!strstr(error, rejected[i].sentence))
            fail_msg("'%s' says: %s", rejected[i].text, error);
    }
}

static const char *const too_large[] = {
    "f8[99999999999999999999]",
    "f8[4611686018427387904]",
    "f8[4611686018427387904,0]",
    "f8[0,3037000500,3037000500]",
    "u1[1099511627777]",
    "u1[1099511627776]+1",
    "f8[2097152,65537]",
    "u1[1]+99999999999999999999",
    "u1[1]+9223372036854775807",
    "S2147483648[1]",
    "U536870912[1]",
    "U99999999999999999999[1]",
    "f8[1]~bcast(4611686018427387904)",
    "f8[1]~bcast(99999999999999999999)",
};

static void test_overflow(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(too_large); i++) {
        struct recipe recipe;
        char error[256] = "";
        if (recipe_parse(too_large[i], &recipe, error, sizeof error) != -EOVERFLOW)
            fail_msg("'%s' is not an overflow: %s", too_large[i], error);
        assert_non_null(strstr(error, too_large[i]));
        assert_non_null(strstr(error, "; write "));
    }
}

static void test_sentence_fits(void **state)
{
    (void)state;
    struct recipe recipe;
    char text[1000] = "f8[1", error[8];
    memset(text + 4, '0', sizeof text - 5);
    text[sizeof text - 1] = '\0';
    assert_int_equal(recipe_parse("x", &recipe, NULL, 0), -EINVAL);
    assert_int_equal(recipe_parse("x", &recipe, error, sizeof error), -EINVAL);
    assert_string_equal(error, "recipe ");
    char wide[256];
    assert_int_equal(recipe_parse(text, &recipe, wide, sizeof wide), -EOVERFLOW);
    assert_non_null(strstr(wide, "...': dimension 0 of the shape does not fit 63 bits"));
}

static unsigned char *filled(const char *text, uint64_t seed, uint64_t stream, unsigned char poison,
                             size_t *ret_size)
{
    struct recipe recipe;
    struct recipe_layout layout;
    parse(text, &recipe);
    recipe_layout(&recipe, &layout);
    *ret_size = layout.base_items * recipe.itemsize;
    unsigned char *base = test_malloc(*ret_size + 1);
    memset(base, poison, *ret_size + 1);
    recipe_fill(&recipe, seed, stream, base);
    assert_int_equal(base[*ret_size], poison);
    return base;
}

static const char *const every_dtype[] = {
    "b1[99]", "i1[99]", "i2[99]", "i4[99]",  "i8[99]", "u1[99]",  "u2[99]",  "u4[99]", "u8[99]",
    "f2[99]", "f4[99]", "f8[99]", "f16[99]", "c8[99]", "c16[99]", "c32[99]", "S3[99]", "U3[99]",
};

static void test_fill_is_determined(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(every_dtype); i++) {
        size_t size;
        unsigned char *a = filled(every_dtype[i], 7, 3, 0x00, &size);
        unsigned char *b = filled(every_dtype[i], 7, 3, 0xff, &size);
        unsigned char *other_stream = filled(every_dtype[i], 7, 4, 0x00, &size);
        unsigned char *other_seed = filled(every_dtype[i], 8, 3, 0x00, &size);
        assert_memory_equal(a, b, size);
        assert_memory_not_equal(a, other_stream, size);
        assert_memory_not_equal(a, other_seed, size);
        test_free(a);
        test_free(b);
        test_free(other_stream);
        test_free(other_seed);
    }
}

static const struct {
    const char *little, *big;
    size_t width;
} swapped[] = {
    {"i2[9]", ">i2[9]", 2}, {"u4[9]", ">u4[9]", 4},    {"f8[9]", ">f8[9]", 8}, {"f16[9]", ">f16[9]", 16},
    {"c8[9]", ">c8[9]", 4}, {"c32[9]", ">c32[9]", 16}, {"U3[9]", ">U3[9]", 4}, {"S3[9]", ">S3[9]", 1},
};

static void test_fill_swaps_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(swapped); i++) {
        size_t size, width = swapped[i].width;
        unsigned char *little = filled(swapped[i].little, 1, 2, 0, &size);
        unsigned char *big = filled(swapped[i].big, 1, 2, 0, &size);
        for (size_t at = 0; at < size; at++)
            assert_int_equal(little[at], big[at - at % width + width - 1 - at % width]);
        test_free(little);
        test_free(big);
    }
}

static void test_fill_values(void **state)
{
    (void)state;
    size_t size;
    unsigned char *bools = filled("b1[999]", 1, 1, 9, &size);
    int8_t *bytes = (int8_t *)filled("i1[999]", 1, 1, 0xff, &size);
    uint16_t *halves = (uint16_t *)filled("f2[999]", 1, 1, 0xff, &size);
    long double *extended = (long double *)filled("c32[999]", 1, 1, 0xff, &size);
    int32_t *ints = (int32_t *)filled("i4[999]", 1, 1, 0xff, &size);
    uint32_t *letters = (uint32_t *)filled("U1[999]", 1, 1, 0xff, &size);
    for (int i = 0; i < 999; i++) {
        static const char zeros[6];
        assert_in_range(bools[i], 0, 1);
        assert_true(bytes[i] >= 0);
        assert_true((halves[i] >> 10 & 31) != 31);
        assert_true(fabsl(extended[i]) <= 100);
        assert_memory_equal((char *)&extended[i] + 10, zeros, sizeof zeros);
        assert_in_range(ints[i], 0, 1 << 20);
        assert_true(strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", (int)letters[i]) &&
                    letters[i]);
    }
    void *const all[] = {bools, bytes, halves, extended, ints, letters};
    for (size_t i = 0; i < COUNT(all); i++)
        test_free(all[i]);
}

static void test_fill_takes_any_address(void **state)
{
    (void)state;
    struct recipe recipe;
    unsigned char aligned[10 * 8], shifted[10 * 8 + 3];
    parse("f8[10]", &recipe);
    recipe_fill(&recipe, 5, 6, aligned);
    recipe_fill(&recipe, 5, 6, shifted + 3);
    assert_memory_equal(aligned, shifted + 3, sizeof aligned);
    parse("f8[0]", &recipe);
    recipe_fill(&recipe, 5, 6, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_print_truncates),
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_rejected),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_sentence_fits),
        cmocka_unit_test(test_fill_is_determined),
        cmocka_unit_test(test_fill_swaps_bytes),
        cmocka_unit_test(test_fill_values),
        cmocka_unit_test(test_fill_takes_any_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
