/* Check-then-act: a call takes the scratch space of the pool if it is not busy, else one of its own. Two calls may
 * both see that it is not busy. The twin takes it with one atomic exchange. */
#include "narrow.h"

struct pool {
    PyObject ob_base;
    int busy;
    atomic_int twin_busy;
    long scratch[4], twin_scratch[4];
};

/* The compiler must not keep the values in registers, as it may not if another function filled the space. */
static inline long sum_in(volatile long *scratch, long x)
{
    for (long i = 0; i < 4; i++)
        scratch[i] = x + i;
    return scratch[0] + scratch[1] + scratch[2] + scratch[3];
}

static PyObject *check_then_act(PyObject *self, PyObject *argument)
{
    struct pool *pool = (struct pool *)self;
    long x, own[4], sum;
    if (!narrow_long(argument, &x))
        return NULL;
    if (!pool->busy) {
        *(volatile int *)&pool->busy = 1;
        sum = sum_in(pool->scratch, x);
        *(volatile int *)&pool->busy = 0;
    } else {
        sum = sum_in(own, x);
    }
    return PyLong_FromLong(sum);
}

static PyObject *check_then_act_twin(PyObject *self, PyObject *argument)
{
    struct pool *pool = (struct pool *)self;
    long x, own[4], sum;
    if (!narrow_long(argument, &x))
        return NULL;
    if (!atomic_exchange_explicit(&pool->twin_busy, 1, memory_order_acquire)) {
        sum = sum_in(pool->twin_scratch, x);
        atomic_store_explicit(&pool->twin_busy, 0, memory_order_release);
    } else {
        sum = sum_in(own, x);
    }
    return PyLong_FromLong(sum);
}

int narrow_add_check_then_act(PyObject *module)
{
    static PyMethodDef methods[] = {
        {"check_then_act", check_then_act, METH_O, NULL},
        {"check_then_act_twin", check_then_act_twin, METH_O, NULL},
        {NULL, NULL, 0, NULL},
    };
    static PyType_Slot slots[] = {{Py_tp_methods, methods}, {0, NULL}};
    static PyType_Spec spec = {"narrow.Pool", sizeof(struct pool), 0, Py_TPFLAGS_DEFAULT, slots};
    return narrow_add_type(module, &spec);
}
