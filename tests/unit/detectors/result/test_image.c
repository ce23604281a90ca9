/* Images of results: dicts, places, reasons, limits, and a dict that another thread changes. Needs an interpreter. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "detectors/result/image.h"
#include "embedded.h"

static const struct image_inputs none;
static char text[640];

static PyObject *value_of(const char *code)
{
    PyObject *names = PyDict_New();
    PyObject *done = PyRun_String("from collections import OrderedDict\nc = {}\nc['a'] = [c]", Py_file_input,
                                  names, names);
    assert_non_null(done);
    Py_DECREF(done);
    PyObject *value = PyRun_String(code, Py_eval_input, names, names);
    if (!value)
        PyErr_Print();
    assert_non_null(value);
    Py_DECREF(names);
    return value;
}

/* Compares the value `now` with an image of the value `was`. */
static enum image_verdict compare(const char *was, const char *now)
{
    struct image image;
    PyObject *first = value_of(was), *second = value_of(now);
    assert_int_equal(image_take(&image, first, &none, text, sizeof text), 0);
    enum image_verdict verdict = image_compare(&image, second, &none, text, sizeof text);
    assert_null(PyErr_Occurred());
    image_clear(&image);
    Py_DECREF(first);
    Py_DECREF(second);
    return verdict;
}

static void assert_same(const char *was, const char *now)
{
    assert_int_equal(compare(was, now), IMAGE_SAME);
}

static void assert_differs(const char *was, const char *now, const char *sentence)
{
    assert_int_equal(compare(was, now), IMAGE_DIFFERENT);
    assert_string_equal(text, sentence);
}

static void assert_unfit(const char *code, const char *reason)
{
    struct image image;
    PyObject *value = value_of(code);
    assert_int_equal(image_take(&image, value, &none, text, sizeof text), -ENOTSUP);
    assert_string_equal(text, reason);
    assert_null(image.bytes);
    Py_DECREF(value);
}

static void equal_dicts_are_the_same(void **state)
{
    (void)state;
    assert_same("{}", "{}");
    assert_same("{'a': 1, (2, 'b'): [None, {'c': 1.5}]}", "{'a': 1, (2, 'b'): [None, {'c': 1.5}]}");
    assert_same("[{'a': {}}, 3]", "[{'a': {}}, 3]");
    assert_int_equal(compare("{'a': 1e15}", "{'a': 1e15 + 0.125}"), IMAGE_CLOSE);
}

static bool is_same(const char *was, const char *now)
{
    struct image image;
    PyObject *first = value_of(was), *second = value_of(now);
    assert_int_equal(image_take(&image, first, &none, text, sizeof text), 0);
    bool same = image_is_same(&image, second);
    assert_int_equal(same, image_compare(&image, second, &none, text, sizeof text) == IMAGE_SAME);
    image_clear(&image);
    Py_DECREF(first);
    Py_DECREF(second);
    return same;
}

static void a_quick_look_sees_plain_values(void **state)
{
    (void)state;
    static const char *const values[] = {"None", "True",  "False",     "0",   "1",    "-1",   "255",
                                         "-256", "2**29", "-(2**29)",  "1.5", "-1.5", "''",   "'a'",
                                         "'b'",  "'ab'",  "'\\u1234'", "b''", "b'a'", "b'b'", "b'ab'"};
    size_t n = sizeof values / sizeof *values;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            if (is_same(values[i], values[k]) != (i == k))
                fail_msg("%s and %s", values[i], values[k]);
}

static void a_difference_has_its_place(void **state)
{
    (void)state;
    assert_differs("3", "4", "gives 4 under threads, 3 on one thread");
    assert_differs("(1, [2, 3])", "(1, [2, 4])", "gives 4 as result[1][1] under threads, 3 on one thread");
    assert_differs("{'a': 3}", "{'a': 4}", "gives 4 as result['a'] under threads, 3 on one thread");
    assert_differs("[{7: ['', 3]}]", "[{7: ['', None]}]",
                   "gives None as result[0][7][1] under threads, an int on one thread");
    assert_differs("{'a': 3, None: 3}", "{'a': 3, None: 4}",
                   "gives 4 as result.values()[1] under threads, 3 on one thread");
    assert_differs("{'a' * 99: 3}", "{'a' * 99: 4}",
                   "gives 4 as result.values()[0] under threads, 3 on one thread");
    assert_differs("{'a': {}}", "{'a': {1: 2}}",
                   "gives a dict of 1 as result['a'] under threads, a dict of 0 on one thread");
}

static void keys_and_their_order_count(void **state)
{
    (void)state;
    assert_differs("{1: 0, 2: 0}", "{2: 0, 1: 0}",
                   "gives 2 as result.keys()[0] under threads, 1 on one thread");
    assert_differs("{1: 0}", "{'b': 0}",
                   "gives a str of 1 bytes as result.keys()[0] under threads, an int on one thread");
}

static void the_reason_names_the_innermost_type(void **state)
{
    (void)state;
    assert_unfit("[[1], {'a': {3}}]", "a value of type set cannot be compared");
    assert_unfit("{'a': object()}", "a value of type object cannot be compared");
    assert_unfit("{object(): 1}", "a value of type object cannot be compared");
    assert_unfit("[OrderedDict()]", "a value of type collections.OrderedDict cannot be compared");
    assert_unfit("{'a': repr(object())}", "a value of type str that may be an address cannot be compared");
}

static void limits_hold_for_dicts(void **state)
{
    (void)state;
    assert_unfit("c", "a result nested more than 8 deep cannot be compared");
    assert_unfit("dict.fromkeys(range(257))", "a result of more than 256 items cannot be compared");
    assert_unfit("[dict.fromkeys(range(200)), dict.fromkeys(range(200))]",
                 "a result of more than 256 items cannot be compared");
    assert_same("dict.fromkeys(range(256))", "dict.fromkeys(range(256))");
    assert_same("{1: {2: {3: {4: 5}}}}", "{1: {2: {3: {4: 5}}}}");
}

/* Compares two values of one expression, in turn; the sentence or reason is in text. */
static enum image_verdict compare_objects(const char *was, const char *now, enum image_reads reads,
                                          unsigned refs)
{
    static const struct image_inputs alone = {.reads = IMAGE_READS_ALONE};
    struct image image;
    PyObject *first = value_of(was), *second = value_of(now);
    if (image_take(&image, first, &alone, text, sizeof text) < 0)
        return IMAGE_UNFIT;
    const struct image_inputs inputs = {.reads = reads, .refs = refs};
    enum image_verdict verdict = image_compare(&image, second, &inputs, text, sizeof text);
    assert_null(PyErr_Occurred());
    image_clear(&image);
    Py_DECREF(first);
    Py_DECREF(second);
    return verdict;
}

static void an_object_is_read_by_its_form(void **state)
{
    (void)state;
    static const struct {
        const char *was, *now, *place;
    } rows[] = {
        {"__import__('re').search('a+', 'baa')", "__import__('re').search('a+', 'caa')", "result.string"},
        {"__import__('decimal').Decimal(5)", "__import__('decimal').Decimal(6)",
         "result.__reduce_ex__(4)[1][0]"},
        {"memoryview(b'ab')", "memoryview(b'ac')", "memoryview(result).tobytes()"},
        {"{3: 5}.items()", "{3: 6}.items()", "list(result)[0][1]"},
        {"{'a', 'b'}", "{'a', 'c'}", "sorted(result)[1]"},
        {"iter([1, 2])", "iter([1, 3])", "result.__reduce_ex__(4)[1][0][1]"},
        {"[{1, 2}]", "[{1}]", "sorted(result[0])"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(compare_objects(rows[i].was, rows[i].was, IMAGE_READS_OWN, 1), IMAGE_SAME);
        assert_int_equal(compare_objects(rows[i].was, rows[i].now, IMAGE_READS_OWN, 1), IMAGE_DIFFERENT);
        assert_non_null(strstr(text, rows[i].place));
        assert_int_equal(compare_objects(rows[i].was, rows[i].now, IMAGE_READS_LATER, 0), IMAGE_DIFFERENT);
    }
    assert_int_equal(compare_objects("{1}", "{2}", IMAGE_READS_OWN, 0), IMAGE_SHARED);
    assert_int_equal(compare_objects("{3}", "len", IMAGE_READS_OWN, 1), IMAGE_DIFFERENT);
    assert_string_equal(text, "gives a len under threads, a set on one thread");
    assert_int_equal(compare_objects("object()", "object()", IMAGE_READS_OWN, 1), IMAGE_UNFIT);
    assert_int_equal(compare_objects("{object(), 1}", "{1}", IMAGE_READS_OWN, 1), IMAGE_UNFIT);
}

static void an_iterator_is_not_advanced(void **state)
{
    (void)state;
    static const struct image_inputs alone = {.reads = IMAGE_READS_ALONE};
    struct image image;
    PyObject *iterator = value_of("iter([1, 2])");
    assert_int_equal(image_take(&image, iterator, &alone, text, sizeof text), 0);
    PyObject *item = PyIter_Next(iterator);
    assert_int_equal(PyLong_AsLong(item), 1);
    image_clear(&image);
    Py_DECREF(item);
    Py_DECREF(iterator);
}

/* A reader sees one of the states of the dict, or an unfit one between two reads. */
static void another_thread_may_change_a_dict(void **state)
{
    (void)state;
    static const char code[] = "import threading\n"
                               "d, stop = {'a': [1]}, threading.Event()\n"
                               "def change():\n"
                               "    while not stop.is_set():\n"
                               "        d['b'] = [2] * 9\n"
                               "        d.pop('a'); d.pop('b'); d['a'] = [1]\n"
                               "threads = [threading.Thread(target=change)]\n"
                               "[t.start() for t in threads]\n";
    PyObject *names = PyDict_New();
    PyObject *done = PyRun_String(code, Py_file_input, names, names);
    assert_non_null(done);
    Py_DECREF(done);
    PyObject *dict = PyDict_GetItemString(names, "d"), *same = value_of("{'a': [1]}");
    struct image image;
    assert_int_equal(image_take(&image, same, &none, text, sizeof text), 0);
    for (int i = 0; i < 20000; i++)
        image_compare(&image, dict, &none, text, sizeof text);
    done = PyRun_String("stop.set()\n[t.join() for t in threads]", Py_file_input, names, names);
    assert_non_null(done);
    Py_DECREF(done);
    assert_int_equal(image_compare(&image, dict, &none, text, sizeof text), IMAGE_SAME);
    assert_int_equal(Py_REFCNT(PyDict_GetItemString(dict, "a")), 1);
    image_clear(&image);
    Py_DECREF(same);
    Py_DECREF(names);
}

static int start(void **state)
{
    (void)state;
    return embedded_start() ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_dicts_are_the_same),
        cmocka_unit_test(a_quick_look_sees_plain_values),
        cmocka_unit_test(a_difference_has_its_place),
        cmocka_unit_test(keys_and_their_order_count),
        cmocka_unit_test(the_reason_names_the_innermost_type),
        cmocka_unit_test(limits_hold_for_dicts),
        cmocka_unit_test(an_object_is_read_by_its_form),
        cmocka_unit_test(an_iterator_is_not_advanced),
        cmocka_unit_test(another_thread_may_change_a_dict),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
