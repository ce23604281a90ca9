/* Lock-order inversion: a transfer locks the account that pays, then the other one. Two transfers in opposite
 * directions may wait for each other for ever. The twin locks the account with the lower number first. */
#include "narrow.h"

struct bank {
    PyObject ob_base;
    PyMutex locks[2];
    long balances[2];
};

/* Returns the sum of the balances, which stays 0. */
static inline long transfer(struct bank *bank, int from, PyMutex *first, PyMutex *second)
{
    PyMutex_Lock(first);
    PyMutex_Lock(second);
    bank->balances[from]--;
    bank->balances[1 - from]++;
    long sum = bank->balances[0] + bank->balances[1];
    PyMutex_Unlock(second);
    PyMutex_Unlock(first);
    return sum;
}

static PyObject *lock_order(PyObject *self, PyObject *argument)
{
    struct bank *bank = (struct bank *)self;
    long x;
    if (!narrow_long(argument, &x))
        return NULL;
    int from = x & 1;
    return PyLong_FromLong(transfer(bank, from, &bank->locks[from], &bank->locks[1 - from]));
}

static PyObject *lock_order_twin(PyObject *self, PyObject *argument)
{
    struct bank *bank = (struct bank *)self;
    long x;
    if (!narrow_long(argument, &x))
        return NULL;
    return PyLong_FromLong(transfer(bank, x & 1, &bank->locks[0], &bank->locks[1]));
}

int narrow_add_lock_order(PyObject *module)
{
    static PyMethodDef methods[] = {
        {"lock_order", lock_order, METH_O, NULL},
        {"lock_order_twin", lock_order_twin, METH_O, NULL},
        {NULL, NULL, 0, NULL},
    };
    static PyType_Slot slots[] = {{Py_tp_methods, methods}, {0, NULL}};
    static PyType_Spec spec = {"narrow.Bank", sizeof(struct bank), 0, Py_TPFLAGS_DEFAULT, slots};
    return narrow_add_type(module, &spec);
}
