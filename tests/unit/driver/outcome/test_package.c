/* The owner of a frame, and the function of a package that is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "driver/outcome/package.h"

#define NUMPY "/v/lib/python3.13t/site-packages/numpy/_core/_umath.so"
#define SCIPY "/v/lib/python3.13t/site-packages/scipy/stats/_stats.so"
#define PYTHON "/v/bin/python3.13t"
#define CHILD "/b/bin/ftstress-child"

static const struct outcome nothing;

/* The name of the package's function in the stack, or NULL. */
static const char *named(struct symbol_frame *frames, size_t n)
{
    char name[16];
    const struct symbol_stack stack = {.frames = frames, .nframes = n};
    const struct symbol_frame *frame = package_frame(&nothing, &stack, name, sizeof name);
    return frame ? frame->function : NULL;
}

static void the_innermost_of_a_package_is_named(void **state)
{
    (void)state;
    struct symbol_frame frames[] = {
        {.function = "memcpy", .module = "/lib/libc.so.6"},
        {.function = "PyList_Append", .module = PYTHON},
        {.function = "repeat", .module = NUMPY, .file = "/s/src/item_selection.c"},
        {.function = "somersd", .module = SCIPY}};
    assert_string_equal(named(frames, 4), "repeat");
    assert_null(named(frames, 2));
}

static void headers_of_others_are_passed_over(void **state)
{
    (void)state;
    struct symbol_frame frames[] = {
        {.function = "Py_DECREF", .module = NUMPY, .file = "/p/include/python3.13t/object.h"},
        {.function = "push_back", .module = NUMPY, .file = "/usr/include/c++/12/bits/stl_vector.h"},
        {.function = "PyArray_DIM",
         .module = NUMPY,
         .file = "/n/include/numpy/ndarraytypes.h",
         .is_inline = true},
        {.function = "accessor", .module = NUMPY, .file = "/n/include/numpy/ndarraytypes.h"},
        {.function = "repeat", .module = NUMPY, .file = "/n/src/item_selection.c"}};
    assert_string_equal(named(frames, 5),
                        "accessor"); /* a function of the package's own, though in a header */
    assert_string_equal(named(frames, 3), "PyArray_DIM"); /* nothing outside it is known */
    struct symbol_frame callback[] = {{.function = "Py_DECREF", .module = NUMPY, .file = frames[0].file},
                                      {.function = "call", .module = SCIPY}};
    assert_string_equal(named(callback, 2), "Py_DECREF");
}

static enum owner owner_of(const char *module, const char *file)
{
    char name[16];
    const struct symbol_frame frame = {.function = "f", .module = (char *)module, .file = (char *)file};
    return package_frame_owner(&nothing, &frame, name, sizeof name);
}

static void the_childs_file_holds_more_than_ours(void **state)
{
    (void)state;
    assert_int_equal(owner_of(CHILD, NULL), OWNER_HARNESS);
    assert_int_equal(owner_of(CHILD, "/s/harness/child/step.c"), OWNER_HARNESS);
    assert_int_equal(owner_of(CHILD, "/s/scenarios/strided.c"), OWNER_HARNESS);
    assert_int_equal(owner_of(CHILD, "/x/harness/python/Python/ceval.c"), OWNER_INTERPRETER);
    assert_int_equal(owner_of(CHILD, "/p/Python/ceval.c"), OWNER_INTERPRETER);
    assert_int_equal(owner_of(CHILD "-tsan", "/s/harness/child/step.c"), OWNER_HARNESS);
    assert_int_equal(owner_of(CHILD "-tsan", NULL), OWNER_SYSTEM);
    assert_int_equal(owner_of(PYTHON, NULL), OWNER_INTERPRETER);
    assert_int_equal(owner_of(NULL, NULL), OWNER_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_innermost_of_a_package_is_named),
        cmocka_unit_test(headers_of_others_are_passed_over),
        cmocka_unit_test(the_childs_file_holds_more_than_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
