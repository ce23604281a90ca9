/* Lazy initialisation: the first call of an instance appends four weights. Two first calls may append them twice, or
 * one may sum what the other has not finished. The twin holds the instance's own lock. */
#include "narrow.h"

enum { WEIGHTS = 4, ROOM = 256 };

struct filter {
    PyObject ob_base;
    int ready;
    unsigned used;
    long weights[ROOM];
};

static inline long apply(struct filter *filter, long x)
{
    if (!filter->ready) {
        for (long i = 1; i <= WEIGHTS; i++)
            if (filter->used < ROOM)
                filter->weights[filter->used++] = i;
        filter->ready = 1;
    }
    long sum = 0;
    for (unsigned i = 0; i < filter->used; i++)
        sum += filter->weights[i] * x;
    return sum;
}

static PyObject *lazy_initialisation(PyObject *self, PyObject *argument)
{
    long x;
    if (!narrow_long(argument, &x))
        return NULL;
    return PyLong_FromLong(apply((struct filter *)self, x));
}

static PyObject *lazy_initialisation_twin(PyObject *self, PyObject *argument)
{
    long x, sum;
    if (!narrow_long(argument, &x))
        return NULL;
    Py_BEGIN_CRITICAL_SECTION(self);
    sum = apply((struct filter *)self, x);
    Py_END_CRITICAL_SECTION();
    return PyLong_FromLong(sum);
}

int narrow_add_lazy(PyObject *module)
{
    static PyMethodDef methods[] = {
        {"lazy_initialisation", lazy_initialisation, METH_O, NULL},
        {"lazy_initialisation_twin", lazy_initialisation_twin, METH_O, NULL},
        {NULL, NULL, 0, NULL},
    };
    static PyType_Slot slots[] = {{Py_tp_methods, methods}, {0, NULL}};
    static PyType_Spec spec = {"narrow.Filter", sizeof(struct filter), 0, Py_TPFLAGS_DEFAULT, slots};
    return narrow_add_type(module, &spec);
}
