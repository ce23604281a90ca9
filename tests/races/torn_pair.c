/* Torn pair: a call reads x and -x of the call before, and stores its own, one word after the other. The twin has
 * both in one word, with one atomic load and one atomic store (plain moves on x86; the last writer wins, and nothing
 * is lost). */
#include "narrow.h"

#include <stdint.h>

struct pair {
    PyObject ob_base;
    long first, stored, second; /* two words apart: one vector store cannot hold both */
    _Atomic uint64_t twin;
};

static PyObject *torn_pair(PyObject *self, PyObject *argument)
{
    struct pair *pair = (struct pair *)self;
    long x;
    if (!narrow_long(argument, &x))
        return NULL;
    long sum = pair->first + pair->second;
    pair->first = x;
    pair->second = -x;
    return PyLong_FromLong(x + sum);
}

static PyObject *torn_pair_twin(PyObject *self, PyObject *argument)
{
    struct pair *pair = (struct pair *)self;
    long x;
    if (!narrow_long(argument, &x))
        return NULL;
    uint64_t old = atomic_load_explicit(&pair->twin, memory_order_relaxed);
    atomic_store_explicit(&pair->twin, (uint64_t)(uint32_t)x << 32 | (uint32_t)-x, memory_order_relaxed);
    return PyLong_FromLong(x + (int32_t)((uint32_t)(old >> 32) + (uint32_t)old));
}

int narrow_add_torn_pair(PyObject *module)
{
    static PyMethodDef methods[] = {
        {"torn_pair", torn_pair, METH_O, NULL},
        {"torn_pair_twin", torn_pair_twin, METH_O, NULL},
        {NULL, NULL, 0, NULL},
    };
    static PyType_Slot slots[] = {{Py_tp_methods, methods}, {0, NULL}};
    static PyType_Spec spec = {"narrow.Pair", sizeof(struct pair), 0, Py_TPFLAGS_DEFAULT, slots};
    return narrow_add_type(module, &spec);
}
