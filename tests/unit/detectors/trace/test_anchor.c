/* Paths from shared objects and from a file under test to words of the heap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <Python.h>

#include <dlfcn.h>
#include <stdlib.h>

#include "embedded.h"
#include "detectors/trace/anchor.h"
#include "detectors/trace/head.h"

static void *file;

static struct candidate candidate_at(const void *at)
{
    return (struct candidate){
        .address = (uintptr_t)at, .size = 8, .flags = CANDIDATE_WRITE, .weight = 7, .writer_pc = 5};
}

static PyObject *names_with(const char *name, PyObject *object)
{
    PyObject *names = PyDict_New();
    assert_non_null(object);
    PyDict_SetItemString(names, name, object);
    Py_DECREF(object);
    return names;
}

static bool has_candidate(const void *at)
{
    struct candidate found;
    return candidates_find((uintptr_t)at, &found) && found.writer_pc == 5;
}

static int clear(void **state)
{
    (void)state;
    candidates_forget_heap();
    anchor_clear();
    return 0;
}

static PyObject *new_array(void)
{
    return PyByteArray_FromStringAndSize(NULL, 64);
}

static void test_new_objects(void **state)
{
    (void)state;
    PyObject *array = new_array(), *next = new_array(), *names = names_with("array", array);
    struct candidate candidate = candidate_at(PyByteArray_AS_STRING(array) + 16);
    anchor_explore(names);
    assert_true(anchor_learn(&candidate));
    PyObject *others = names_with("array", next);
    assert_int_equal(anchor_resolve(others), 1);
    assert_true(has_candidate(PyByteArray_AS_STRING(next) + 16));
    assert_int_equal(anchor_resolve(others), 0);
    Py_DECREF(names);
    Py_DECREF(others);
}

static void test_an_object_in_an_object(void **state)
{
    (void)state;
    PyObject *array = new_array(), *list = PyList_New(0), *names = names_with("list", list);
    PyList_Append(list, array);
    struct candidate candidate = candidate_at(PyByteArray_AS_STRING(array));
    anchor_explore(names);
    assert_true(anchor_learn(&candidate));
    PyObject *next = new_array();
    PyList_SetItem(list, 0, next);
    assert_int_equal(anchor_resolve(names), 1);
    assert_true(has_candidate(PyByteArray_AS_STRING(next)));
    Py_DECREF(array);
    Py_DECREF(names);
}

static void test_no_path(void **state)
{
    (void)state;
    long *words = malloc(1 << 20);
    PyObject *names = names_with("array", new_array());
    struct candidate candidate = candidate_at(words + 4096);
    anchor_explore(names);
    assert_false(anchor_learn(&candidate));
    assert_int_equal(anchor_resolve(names), 0);
    Py_DECREF(names);
    free(words);
}

static void test_a_pointer_that_is_not_set_yet(void **state)
{
    (void)state;
    long *block = calloc(64, sizeof *block), *next = calloc(64, sizeof *next);
    long **pointer = (long **)dlsym(file, "own_words") + 300;
    *pointer = block;
    struct candidate candidate = candidate_at(&block[5]);
    anchor_explore(NULL);
    assert_true(anchor_learn(&candidate));
    *pointer = NULL;
    assert_int_equal(anchor_resolve(NULL), 0);
    *pointer = next;
    assert_int_equal(anchor_resolve(NULL), 1);
    assert_true(has_candidate(&next[5]));
    *pointer = NULL;
    free(block);
    free(next);
}

static void test_heads(void **state)
{
    (void)state;
    PyObject *list = PyList_New(0);
    assert_true(head_is_at((uintptr_t)list));
    assert_true(head_contains((uintptr_t)list + 16));
    assert_false(head_is_at((uintptr_t)list + 8));
    assert_false(head_contains((uintptr_t)list + sizeof(PyObject)));
    assert_true(head_contains((uintptr_t)&PyList_Type + 8));
    assert_false(head_contains(64));
    Py_DECREF(list);
}

int main(void)
{
    candidates_start();
    file = dlopen(FTSTRESS_TEST_FILE, RTLD_NOW);
    if (!file || !embedded_start())
        return 1;
    candidates_read_files();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_new_objects, clear),
        cmocka_unit_test_setup(test_an_object_in_an_object, clear),
        cmocka_unit_test_setup(test_no_path, clear),
        cmocka_unit_test_setup(test_a_pointer_that_is_not_set_yet, clear),
        cmocka_unit_test_setup(test_heads, clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
