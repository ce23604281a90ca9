/* What is assumed about the interpreter holds, and an assumption that is false is named. Needs an interpreter. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "detectors/common/selftest.h"
#include "embedded.h"

static void all_rows_hold(void **state)
{
    (void)state;
    const struct pyobject_layout layout = pyversion_layout();
    struct selftest test = {.layout = &layout};
    const char *name = selftest_run(&test, NULL);
    if (name)
        fail_msg("%s: %s", name, test.fault);
}

static void assert_named(struct pyobject_layout layout, const char *name, const char *fault)
{
    struct selftest test = {.layout = &layout};
    const char *found = selftest_run(&test, NULL);
    assert_non_null(found);
    assert_string_equal(found, name);
    assert_non_null(strstr(test.fault, fault));
}

static void a_wrong_distance_is_named(void **state)
{
    (void)state;
    struct pyobject_layout layout = pyversion_layout();
    layout.gc_head += 8;
    assert_named(layout, "blocks", "before a new set");
    layout = pyversion_layout();
    layout.preheader += 8;
    assert_named(layout, "blocks", "before a new Plain");
    layout = pyversion_layout();
    layout.list_head += 8;
    assert_named(layout, "blocks", "before the items of a new list");
}

static enum pyobject_references count_wrong(PyObject *object, Py_ssize_t *ret_count)
{
    enum pyobject_references kind = pyversion_layout().references(object, ret_count);
    *ret_count += 1;
    return kind;
}

static enum pyobject_references count_all(PyObject *object, Py_ssize_t *ret_count)
{
    pyversion_layout().references(object, ret_count);
    return PYOBJECT_COUNTED;
}

static void a_wrong_count_is_named(void **state)
{
    (void)state;
    struct pyobject_layout layout = pyversion_layout();
    layout.references = count_wrong;
    assert_named(layout, "references", "and the interpreter counts");
    layout.references = count_all;
    assert_named(layout, "references", "has no mark of");
}

static void a_wrong_size_is_named(void **state)
{
    (void)state;
    char fault[64];
    snprintf(fault, sizeof fault, "an object of type list has %zu bytes, not %zu", sizeof(PyListObject) + 8,
             sizeof(PyListObject));
    PyList_Type.tp_basicsize += 8;
    assert_named(pyversion_layout(), "objects", fault);
    PyList_Type.tp_basicsize -= 8;
}

static void all_rows_are_printed(void **state)
{
    (void)state;
    struct pyobject_layout layout = pyversion_layout();
    layout.gc_head += 8;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct selftest test = {.layout = &layout};
    assert_non_null(out);
    assert_string_equal(selftest_run(&test, out), "blocks");
    fclose(out);
    assert_non_null(strstr(text, "ok    frames "));
    assert_non_null(strstr(text, "FALSE blocks "));
    free(text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_rows_hold),          cmocka_unit_test(a_wrong_distance_is_named),
        cmocka_unit_test(a_wrong_count_is_named), cmocka_unit_test(a_wrong_size_is_named),
        cmocka_unit_test(all_rows_are_printed),
    };
    return embedded_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
