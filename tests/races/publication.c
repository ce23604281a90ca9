/* Publication before filling: a call puts a new record into the box, and takes the old one, which it then owns. The
 * record is filled after it is in the box. The twin fills it before. */
#include "narrow.h"

#include <stdlib.h>

struct record {
    long key, value;
};

struct box {
    PyObject ob_base;
    _Atomic(struct record *) newest, twin_newest;
};

/* Frees the record. Returns x, or NULL with RuntimeError if the record is not as fill() leaves it. */
static PyObject *check_and_free(struct record *record, PyObject *x)
{
    bool broken = record && record->value != 3 * record->key + 1;
    free(record);
    if (!broken)
        return Py_NewRef(x);
    PyErr_SetString(PyExc_RuntimeError, "the record is not complete");
    return NULL;
}

static inline void fill(struct record *record, long x)
{
    record->key = x;
    record->value = 3 * x + 1;
}

static PyObject *publication(PyObject *self, PyObject *argument)
{
    struct box *box = (struct box *)self;
    long x;
    if (!narrow_long(argument, &x))
        return NULL;
    struct record *record = calloc(1, sizeof *record);
    if (!record)
        return PyErr_NoMemory();
    struct record *old = atomic_exchange_explicit(&box->newest, record, memory_order_acq_rel);
    fill(record, x);
    return check_and_free(old, argument);
}

static PyObject *publication_twin(PyObject *self, PyObject *argument)
{
    struct box *box = (struct box *)self;
    long x;
    if (!narrow_long(argument, &x))
        return NULL;
    struct record *record = calloc(1, sizeof *record);
    if (!record)
        return PyErr_NoMemory();
    fill(record, x);
    return check_and_free(atomic_exchange_explicit(&box->twin_newest, record, memory_order_acq_rel),
                          argument);
}

static void dealloc(PyObject *self)
{
    struct box *box = (struct box *)self;
    PyTypeObject *type = Py_TYPE(self);
    free(box->newest);
    free(box->twin_newest);
    type->tp_free(self);
    Py_DECREF(type);
}

int narrow_add_publication(PyObject *module)
{
    static PyMethodDef methods[] = {
        {"publication", publication, METH_O, NULL},
        {"publication_twin", publication_twin, METH_O, NULL},
        {NULL, NULL, 0, NULL},
    };
    static PyType_Slot slots[] = {{Py_tp_methods, methods}, {Py_tp_dealloc, (void *)dealloc}, {0, NULL}};
    static PyType_Spec spec = {"narrow.Box", sizeof(struct box), 0, Py_TPFLAGS_DEFAULT, slots};
    return narrow_add_type(module, &spec);
}
