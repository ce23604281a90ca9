/* The harness's own Python files run from their bytecode, and from their source where that is of another version. Needs
 * an interpreter. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <Python.h>
#include <marshal.h>

#include "detectors/common/pycode.h"
#include "embedded.h"

#define HEADER 16

/* `value` after a run of "value = 1" as the source, and of the other text as bytecode with this magic number. */
static long run(const char *text, uint32_t magic)
{
    char file[1024] = "";
    PyObject *code = Py_CompileString(text, "<string>", Py_file_input);
    PyObject *bytes = PyMarshal_WriteObjectToString(code, Py_MARSHAL_VERSION);
    size_t size = HEADER + (size_t)PyBytes_GET_SIZE(bytes);
    assert_true(size <= sizeof file);
    memcpy(file, &magic, sizeof magic);
    memcpy(file + HEADER, PyBytes_AS_STRING(bytes), size - HEADER);
    const struct pycode both = {"value = len('a')", file, file + size};
    PyObject *names = pycode_run(&both);
    assert_non_null(names);
    long value = PyLong_AsLong(PyDict_GetItemString(names, "value"));
    Py_DECREF(names);
    Py_DECREF(bytes);
    Py_DECREF(code);
    return value;
}

static void bytecode_of_this_version_runs(void **state)
{
    (void)state;
    assert_int_equal(run("value = len('ab')", (uint32_t)PyImport_GetMagicNumber()), 2);
}

static void bytecode_of_another_version_does_not(void **state)
{
    (void)state;
    assert_int_equal(run("value = len('ab')", (uint32_t)PyImport_GetMagicNumber() + 1), 1);
}

static void an_exception_is_left_to_the_caller(void **state)
{
    (void)state;
    static const char nothing[HEADER];
    const struct pycode wrong = {"value = 1 / 0", nothing, nothing + sizeof nothing};
    assert_null(pycode_run(&wrong));
    assert_true(PyErr_ExceptionMatches(PyExc_ZeroDivisionError));
    PyErr_Clear();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytecode_of_this_version_runs),
        cmocka_unit_test(bytecode_of_another_version_does_not),
        cmocka_unit_test(an_exception_is_left_to_the_caller),
    };
    return embedded_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
