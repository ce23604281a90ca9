/* The walk to the arrays that names reach: paths, limits, cycles, references; it runs no code of the objects. Needs an
 * interpreter with NumPy. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "child/space/reach.h"
#include "detectors/common/array_api.h"
#include "embedded.h"

static const char classes[] = "import numpy as np\n"
                              "from collections import OrderedDict, namedtuple\n"
                              "from dataclasses import dataclass\n"
                              "from functools import partial\n"
                              "from types import SimpleNamespace as Plain\n"
                              "def ran(*rest): raise SystemError('code of the object ran')\n"
                              "def one(): return np.ones(3)\n"
                              "Pair = namedtuple('Pair', 'a b')\n"
                              "@dataclass\n"
                              "class Data:\n"
                              "    coef_: object\n"
                              "class Slots:\n"
                              "    __slots__ = ('buffer', '__own', 'unset')\n"
                              "    def __init__(self): self.buffer = one(); self.__own = one()\n"
                              "class Code:\n"
                              "    def __init__(self): self.a = one()\n"
                              "    __getattr__ = __getattribute__ = __eq__ = __hash__ = ran\n"
                              "    p = property(ran)\n"
                              "class List(list): __iter__ = __getitem__ = __len__ = ran\n"
                              "class Dict(dict): __iter__ = __getitem__ = __len__ = items = ran\n"
                              "class Key:\n"
                              "    __repr__ = ran\n"
                              "class Shares:\n"
                              "    __slots__ = ('" REACH_SHARES "',)\n"
                              "    def __init__(self, *places): self." REACH_SHARES " = list(places)\n";

/* Places outside of the names: each of a kind. */
static const char outside[] =
    "_dict, _tuple = {'x': one()}, (0, one())\n"
    "class _Class: a = one()\n"
    "def _around():\n"
    "    x = one()\n"
    "    return lambda: x\n"
    "def _yields():\n"
    "    y = one()\n"
    "    yield y\n"
    "_generator, _cell = _yields(), _around().__closure__[0]\n"
    "next(_generator)\n"
    "s = Shares(('m.x', _dict, 'x'), ('f.t', _tuple, 1), ('C.a', _Class, 'a'),\n"
    "           ('f.c', _cell, None), ('f.y', _generator.gi_frame.f_locals, 'y'))\n";

struct trial {
    PyObject *names;
    struct reach reach;
};

static void run_code(PyObject *names, const char *code)
{
    PyObject *result = PyRun_String(code, Py_file_input, names, names);
    if (!result)
        PyErr_Print();
    assert_non_null(result);
    Py_DECREF(result);
}

static void begin(struct trial *trial, const char *setup)
{
    *trial = (struct trial){.names = PyDict_New()};
    run_code(trial->names, classes);
    run_code(trial->names, setup);
    reach_names(&trial->reach, trial->names, true);
    assert_null(PyErr_Occurred());
}

static void end(struct trial *trial)
{
    reach_clear(&trial->reach);
    Py_DECREF(trial->names);
}

/* Lists the paths of the arrays, with blanks between; those that cannot be moved are in brackets. */
static const char *paths(const struct trial *trial)
{
    static char text[4096];
    char *at = text;
    *at = '\0';
    for (size_t i = 0; i < trial->reach.nobjects; i++) {
        const struct reached *reached = &trial->reach.objects[i];
        if (reached->is_array)
            at += snprintf(at, sizeof text - (size_t)(at - text), reached->is_movable ? "%s%s" : "%s(%s)",
                           at == text ? "" : " ", reached->path);
    }
    return text;
}

static void assert_paths(const char *setup, const char *expected)
{
    struct trial trial;
    begin(&trial, setup);
    assert_string_equal(paths(&trial), expected);
    assert_string_equal(trial.reach.cut, "");
    end(&trial);
}

static void an_array_is_named_by_its_path(void **state)
{
    (void)state;
    assert_paths("x = one(); _y = one()", "x");
    assert_paths("lu = (1, one())", "lu[1]");
    assert_paths("l = [one(), [one()]]", "l[0] l[1][0]");
    assert_paths("d = {'x': one(), 3: one(), (1, 2): one(), None: one()}", "d['x'] d[3] (d[...]) d[None]");
    assert_paths("m = Data(one())", "m.coef_");
    assert_paths("m = Data({'w': [one()]})", "m.coef_['w'][0]");
    assert_paths("s = Slots()", "s._Slots__own s.buffer");
    assert_paths("p = Pair(one(), one()); o = OrderedDict(a=one())", "p[0] p[1] o['a']");
    assert_paths("f = partial(ran, one())", "f.args[0]");
    assert_paths("n = Plain(a=one())", "n.a");
}

static void no_code_of_an_object_runs(void **state)
{
    (void)state;
    assert_paths("c = Code(); l = List((one(),)); d = Dict({'a': one(), Key(): one()})",
                 "c.a l[0] d['a'] (d[...])");
}

static void modules_classes_and_functions_are_closed(void **state)
{
    (void)state;
    assert_paths("class C: a = one()\n"
                 "def f(a=one()): pass\n"
                 "f.a = one()\n"
                 "g = lambda: f.a\n",
                 "");
}

static void cycles_end(void **state)
{
    (void)state;
    assert_paths("l = [one()]; l.append(l); l.append({'l': l})", "l[0]");
    assert_paths("m = Data(one()); m.self = m; n = Data(m)", "m.coef_");
}

static void an_array_is_found_once_and_its_name_comes_first(void **state)
{
    (void)state;
    struct trial trial;
    assert_paths("t = (one(),); x = t[0]; d = {'x': x}", "x");
    begin(&trial, "t = (one(),); x = t[0]; d = {'x': x}");
    assert_int_equal(trial.reach.narrays, 1);
    end(&trial);
}

static void an_unknown_reference_keeps_an_array_in_place(void **state)
{
    (void)state;
    assert_paths("d = {'x': one()}; keep = lambda x=d['x']: x", "(d['x'])");
    assert_paths("t = (one()[1:],); b = np.zeros(9); u = (b[1:],)", "(b) t[0] (u[0])");
    assert_paths("t = (np.frombuffer(bytearray(8)),)", "(t[0])");
    assert_paths("a = one(); p = Plain(a=a, b=one(), at=a.ctypes.data + 8); del a", "(p.a) p.b");
}

static void an_object_with_other_references_is_not_owned(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial, "m = Data(one()); n = Data(one()); n.self = n; keep = lambda m=m: m");
    for (size_t i = 0; i < trial.reach.nobjects; i++)
        if (trial.reach.objects[i].is_array)
            assert_true(trial.reach.objects[i].is_owned == (trial.reach.objects[i].path[0] == 'n'));
    end(&trial);
}

static void assert_cut(const char *setup, const char *cut, unsigned arrays)
{
    struct trial trial;
    begin(&trial, setup);
    assert_string_equal(trial.reach.cut, cut);
    assert_int_equal(trial.reach.narrays, arrays);
    end(&trial);
}

static void limits_cut_and_are_reported(void **state)
{
    (void)state;
    assert_cut("a = [[[[one()]]]]; b = (1,)", "", 1);
    assert_cut("a = [[[[[one()], 1]]], one()]; b = [one()]", "a", 2);
    assert_cut("a = [one() for _ in range(32)]", "", 32);
    assert_cut("a = [one() for _ in range(33)]; b = [one()]", "a", 33);
    assert_cut("a = [[] for _ in range(300)] + [one()]; b = [one()]", "a", 1);
    assert_cut("a = [0] * 70000 + [one()]; b = [one()]", "a", 1);
    assert_cut("a = [np.zeros(9 << 20), one()]", "a", 1);
}

static void the_values_alone(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial, "x = one(); l = [one()]");
    reach_clear(&trial.reach);
    reach_names(&trial.reach, trial.names, false);
    assert_string_equal(paths(&trial), "x");
    end(&trial);
}

static void another_object_takes_every_place(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial, "t = (1, one()); x = t[1]; l = [x]; d = {'x': x}; s = Slots(); s.buffer = x; m = Data(x)");
    assert_string_equal(paths(&trial), "x s._Slots__own");
    size_t index = 0;
    while (!trial.reach.objects[index].is_array)
        index++;
    PyObject *other = PyUnicode_FromString("another");
    Py_ssize_t before = Py_REFCNT(trial.reach.objects[index].object);
    reach_replace(&trial.reach, index, other);
    run_code(trial.names, "assert [t[1], x, l[0], d['x'], s.buffer, m.coef_] == ['another'] * 6");
    assert_int_equal(Py_REFCNT(trial.reach.objects[index].object), before - 6);
    Py_DECREF(other);
    end(&trial);
}

static void places_outside_of_the_names_are_listed(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial, outside);
    assert_string_equal(paths(&trial), "m.x f.t C.a f.c f.y");
    PyObject *other = PyUnicode_FromString("another");
    for (size_t i = 0; i < trial.reach.nobjects; i++)
        if (trial.reach.objects[i].is_array) {
            assert_false(trial.reach.objects[i].is_owned);
            reach_replace(&trial.reach, i, other);
        }
    run_code(trial.names, "assert [_dict['x'], _tuple[1], _Class.a, _cell.cell_contents,\n"
                          "        _generator.gi_frame.f_locals['y']] == ['another'] * 5");
    Py_DECREF(other);
    end(&trial);
}

static void a_place_is_counted_once(void **state)
{
    (void)state;
    assert_paths(
        "_d = {'x': one()}; s = Shares(('m.x', _d, 'x'), ('m.x', _d, 'x')); t = Shares(('n.x', _d, 'x'))",
        "m.x");
    assert_paths("_d = {'x': one()}; _e = {'x': _d['x']}; s = Shares(('m.x', _d, 'x'))", "(m.x)");
    assert_paths("s = Shares(('m.x', {}, 'x'), ('m.y', (), 0), ('m.z',), 5)", "");
}

static void references_come_back(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial, "x = one(); l = [x]; m = Data(l)");
    PyObject *list = PyDict_GetItemString(trial.names, "l"), *array = PyDict_GetItemString(trial.names, "x");
    reach_clear(&trial.reach);
    assert_int_equal(Py_REFCNT(list), 2);
    assert_int_equal(Py_REFCNT(array), 2);
    end(&trial);
}

static int start(void **state)
{
    (void)state;
    return embedded_start() ? array_api_import() : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_array_is_named_by_its_path),
        cmocka_unit_test(no_code_of_an_object_runs),
        cmocka_unit_test(modules_classes_and_functions_are_closed),
        cmocka_unit_test(cycles_end),
        cmocka_unit_test(an_array_is_found_once_and_its_name_comes_first),
        cmocka_unit_test(an_unknown_reference_keeps_an_array_in_place),
        cmocka_unit_test(an_object_with_other_references_is_not_owned),
        cmocka_unit_test(limits_cut_and_are_reported),
        cmocka_unit_test(the_values_alone),
        cmocka_unit_test(another_object_takes_every_place),
        cmocka_unit_test(places_outside_of_the_names_are_listed),
        cmocka_unit_test(a_place_is_counted_once),
        cmocka_unit_test(references_come_back),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
