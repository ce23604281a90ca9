/* Objects without state in C, and where the code of a type comes from. Needs an interpreter with NumPy. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "child/space/owner.h"
#include "child/space/plain.h"
#include "embedded.h"

static const char setup[] = "import array, collections, dataclasses, decimal, io, types, numpy\n"
                            "def ran(*rest): raise SystemError('code of the object ran')\n"
                            "class Bare: n = 1\n"
                            "class Slots:\n"
                            "    __slots__ = 'a', 'b'\n"
                            "class Mixed(Slots):\n"
                            "    m = 5\n"
                            "    __getattr__ = __eq__ = __repr__ = ran\n"
                            "class List(list): pass\n"
                            "class Array(numpy.ndarray): pass\n"
                            "@dataclasses.dataclass\n"
                            "class Data:\n"
                            "    x: int = 1\n"
                            "    def work(self): self.x += 1\n"
                            "class Child(Data): pass\n"
                            "class Item:\n"
                            "    def __init__(self): pass\n"
                            "    def __getitem__(self, at): return 1\n"
                            "bare, slots, mixed, data, child = Bare(), Slots(), Mixed(), Data(), Child()\n"
                            "bare.w, slots.a, mixed.b, mixed.c = 2, 3, 4, 6\n"
                            "space = types.SimpleNamespace(k=1)\n";

static PyObject *names;

static PyObject *named(const char *expression)
{
    PyObject *value = PyRun_String(expression, Py_eval_input, names, names);
    if (!value)
        PyErr_Print();
    assert_non_null(value);
    return value;
}

static bool is_plain(const char *expression)
{
    PyObject *object = named(expression);
    bool plain = plain_is(object);
    Py_DECREF(object);
    return plain;
}

static void instances_are_plain(void **state)
{
    (void)state;
    const char *const plain[] = {"bare", "slots", "mixed", "data", "child"};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        assert_true(is_plain(plain[i]));
}

static void objects_with_memory_of_their_own_are_not(void **state)
{
    (void)state;
    const char *const other[] = {"List()",           "Array(3)", "decimal.Decimal(1)",        "io.BytesIO()",
                                 "array.array('d')", "1",        "collections.OrderedDict()", "object()"};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        assert_false(is_plain(other[i]));
}

/* The state of the object as text, with the places of classes left out. */
static void assert_state(const char *expression, const char *expected)
{
    PyObject *object = named(expression), *found = plain_state(object);
    assert_non_null(found);
    assert_null(PyErr_Occurred());
    PyDict_SetItemString(names, "found", found);
    PyObject *text = named("' '.join(sorted(f'{k.split(\".\")[-1]}={v}' for k, v in found.items()))");
    assert_string_equal(PyUnicode_AsUTF8(text), expected);
    Py_DECREF(text);
    Py_DECREF(found);
    Py_DECREF(object);
}

static void the_state_is_attributes_slots_and_data_of_classes(void **state)
{
    (void)state;
    assert_state("bare", "n=1 w=2");
    assert_state("slots", "a=3");
    assert_state("mixed", "b=4 c=6 m=5");
    assert_state("data", "x=1 x=1");
}

static bool runs(const char *type, const char *used)
{
    PyObject *object = named(type), *tuple = named(used);
    bool code = plain_runs_code((PyTypeObject *)object, tuple);
    Py_DECREF(object);
    Py_DECREF(tuple);
    return code;
}

static void code_runs_by_its_name_or_by_an_operator(void **state)
{
    (void)state;
    assert_false(runs("Bare", "('w', 'n')"));
    assert_true(runs("Item", "()"));
    assert_true(runs("Mixed", "()"));
    assert_true(runs("Data", "('work',)"));
    assert_true(runs("Child", "('work',)"));
    assert_false(runs("Data", "('x',)"));
    assert_false(runs("Child", "('x',)"));
}

static void the_owner_is_where_the_code_comes_from(void **state)
{
    (void)state;
    const struct {
        const char *expression;
        enum owner owner;
    } rows[] = {{"Bare", OWNER_SETUP},
                {"ran", OWNER_SETUP},
                {"dict", OWNER_INTERPRETER},
                {"decimal.Decimal", OWNER_INTERPRETER},
                {"types.SimpleNamespace", OWNER_INTERPRETER},
                {"numpy.ndarray", OWNER_PACKAGE},
                {"numpy.repeat", OWNER_PACKAGE}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        PyObject *object = named(rows[i].expression);
        assert_int_equal(owner_of(object), rows[i].owner);
        assert_null(PyErr_Occurred());
        Py_DECREF(object);
    }
}

static int start(void **state)
{
    (void)state;
    if (!embedded_start() || !(names = PyDict_New()))
        return -1;
    PyDict_SetItemString(names, "__name__", PyUnicode_FromString("__main__"));
    PyObject *code = Py_CompileString(setup, "setup", Py_file_input);
    PyObject *result = code ? PyEval_EvalCode(code, names, names) : NULL;
    if (!result)
        PyErr_Print();
    return result ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instances_are_plain),
        cmocka_unit_test(objects_with_memory_of_their_own_are_not),
        cmocka_unit_test(the_state_is_attributes_slots_and_data_of_classes),
        cmocka_unit_test(code_runs_by_its_name_or_by_an_operator),
        cmocka_unit_test(the_owner_is_where_the_code_comes_from),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
