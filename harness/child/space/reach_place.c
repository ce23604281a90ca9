#include "child/space/reach_place.h"

/* Returns what the class itself has under the name. */
static PyObject *find_in_class(PyObject *class, PyObject *key)
{
    PyObject *dict = PyType_GetDict((PyTypeObject *)class), *value = NULL;
    if (dict)
        PyDict_GetItemRef(dict, key, &value);
    Py_XDECREF(dict);
    return value;
}

PyObject *reach_place_find(struct reach_place *place, PyObject *holder, PyObject *key)
{
    PyObject *value = NULL;
    *place = (struct reach_place){.kind = PLACE_VARIABLE, .holder = holder, .key = key};
    if (PyDict_Check(holder)) {
        place->kind = PLACE_DICT;
        PyDict_GetItemRef(holder, key, &value);
    } else if (PyTuple_Check(holder)) {
        place->kind = PLACE_TUPLE;
        place->at = PyLong_AsSsize_t(key);
        value = Py_XNewRef(PyTuple_GetItem(holder, place->at));
    } else if (PyCell_Check(holder)) {
        place->kind = PLACE_CELL;
        value = PyCell_Get(holder);
    } else if (PyType_Check(holder)) {
        place->kind = PLACE_CLASS;
        value = find_in_class(holder, key);
    } else {
        value = PyObject_GetItem(holder, key);
    }
    PyErr_Clear();
    return value;
}

bool reach_place_is(const struct reach_place *one, const struct reach_place *other)
{
    return one->kind == other->kind && one->holder == other->holder && one->key == other->key &&
           one->at == other->at;
}

void reach_place_set(const struct reach_place *place, PyObject *other)
{
    PyObject **slot = (PyObject **)(void *)((char *)place->holder + place->at);
    switch (place->kind) {
    case PLACE_FIXED:
        break;
    case PLACE_DICT:
        PyDict_SetItem(place->holder, place->key, other);
        break;
    case PLACE_LIST:
        PyList_SetItem(place->holder, place->at, Py_NewRef(other));
        break;
    case PLACE_TUPLE:
        slot = &PyTuple_GET_ITEM(place->holder, place->at);
        /* fallthrough */
    case PLACE_SLOT:
        Py_SETREF(*slot, Py_NewRef(other));
        break;
    case PLACE_CELL:
        PyCell_Set(place->holder, other);
        break;
    case PLACE_CLASS: /* without the code of a metaclass */
        PyType_Type.tp_setattro(place->holder, place->key, other);
        break;
    case PLACE_VARIABLE:
        PyObject_SetItem(place->holder, place->key, other);
    }
}
