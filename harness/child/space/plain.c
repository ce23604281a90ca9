#include "child/space/plain.h"

#include <string.h>

#include "child/space/owner.h"
#include "detectors/common/pycompat.h"

static bool is_slot(const PyMemberDef *member)
{
    return (member->type == Py_T_OBJECT_EX || member->type == _Py_T_OBJECT) && !(member->flags & Py_READONLY);
}

bool plain_is(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    PyObject *types = type->tp_mro;
    size_t size = sizeof(PyObject) + sizeof(PyObject *) * (size_t)(type->tp_dictoffset > 0) +
                  sizeof(PyObject *) * (size_t)(type->tp_weaklistoffset > 0);
    for (Py_ssize_t i = 0; types && i < PyTuple_GET_SIZE(types); i++)
        for (const PyMemberDef *member = ((PyTypeObject *)PyTuple_GET_ITEM(types, i))->tp_members;
             member && member->name; member++)
            size += is_slot(member) ? sizeof(PyObject *) : 0;
    return types && (type->tp_dictoffset || size > sizeof(PyObject)) && type->tp_itemsize == 0 &&
           (size_t)type->tp_basicsize == size;
}

static void add_slots(PyObject *state, PyObject *object, const PyTypeObject *type)
{
    for (const PyMemberDef *member = type->tp_members; member && member->name; member++) {
        PyObject *value = is_slot(member) ? *(PyObject **)(void *)((char *)object + member->offset) : NULL;
        if (value)
            PyDict_SetItemString(state, member->name, value);
    }
}

/* Functions and descriptors are no data, and names such as `__doc__` are the interpreter's. */
static void add_data(PyObject *state, PyTypeObject *type)
{
    PyObject *dict = type->tp_flags & Py_TPFLAGS_HEAPTYPE ? PyType_GetDict(type) : NULL, *key, *value;
    Py_ssize_t at = 0;
    while (dict && PyDict_Next(dict, &at, &key, &value)) {
        const char *name = PyUnicode_CheckExact(key) ? PyUnicode_AsUTF8(key) : "__";
        if (strncmp(name, "__", 2) == 0 || Py_TYPE(value)->tp_descr_get || PyCallable_Check(value))
            continue;
        PyObject *place = PyUnicode_FromFormat("%p.%U", (void *)type, key);
        if (place)
            PyDict_SetItem(state, place, value);
        Py_XDECREF(place);
    }
    Py_XDECREF(dict);
}

PyObject *plain_state(PyObject *object)
{
    PyObject *state = PyDict_New(), *types = Py_TYPE(object)->tp_mro;
    PyObject **attributes = _PyObject_GetDictPtr(object);
    if (state && attributes && *attributes && PyDict_Check(*attributes))
        PyDict_Update(state, *attributes);
    for (Py_ssize_t i = 0; state && i < PyTuple_GET_SIZE(types); i++) {
        add_slots(state, object, (PyTypeObject *)PyTuple_GET_ITEM(types, i));
        add_data(state, (PyTypeObject *)PyTuple_GET_ITEM(types, i));
    }
    PyErr_Clear();
    return state;
}

/* Is it a method that `dataclass` makes from text, or from a function of the interpreter? They change nothing. */
static bool is_generated(PyObject *function, PyObject *dict)
{
    PyCodeObject *code = (PyCodeObject *)PyFunction_GET_CODE(function);
    PyObject *module = PyDict_GetItemString(PyFunction_GET_GLOBALS(function), "__name__");
    const char *name = module && PyUnicode_Check(module) ? PyUnicode_AsUTF8(module) : NULL;
    if (!PyDict_GetItemString(dict, "__dataclass_fields__"))
        return false;
    return PyUnicode_CompareWithASCIIString(code->co_filename, "<string>") == 0 ||
           (name && (strcmp(name, "dataclasses") == 0 || strcmp(name, "reprlib") == 0));
}

static bool has_code(PyObject *value, PyObject *dict)
{
    if (PyFunction_Check(value))
        return !is_generated(value, dict);
    return Py_TYPE(value)->tp_descr_get && !PyType_Check(value) && !Py_IS_TYPE(value, &PyMemberDescr_Type) &&
           !Py_IS_TYPE(value, &PyGetSetDescr_Type);
}

/* A constructor does not run for an object that exists. */
static bool may_run(PyObject *key, PyObject *value, PyObject *dict, PyObject *used)
{
    const char *name = PyUnicode_CheckExact(key) ? PyUnicode_AsUTF8(key) : "__";
    bool is_special = strncmp(name, "__", 2) == 0 && strcmp(name, "__init__") != 0 &&
                      strcmp(name, "__post_init__") != 0 && strncmp(name, "__annotate", 10) != 0;
    return has_code(value, dict) && (is_special || PySequence_Contains(used, key) != 0);
}

bool plain_runs_code(PyTypeObject *type, PyObject *used)
{
    PyObject *dict, *key, *value;
    bool runs = false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(type->tp_mro) && !runs; i++) {
        PyTypeObject *each = (PyTypeObject *)PyTuple_GET_ITEM(type->tp_mro, i);
        if (owner_of((PyObject *)each) != OWNER_SETUP || !(dict = PyType_GetDict(each)))
            continue;
        Py_ssize_t at = 0;
        while (!runs && PyDict_Next(dict, &at, &key, &value))
            runs = may_run(key, value, dict, used);
        Py_DECREF(dict);
    }
    return runs;
}
