/* Shortens the first dimension of its input for a microsecond. Every fiftieth call that does so while another
 * thread is inside does not restore it.
 *
 * Only the thread that holds `tampering` changes a shape, and the others do not wait for it. The length that it
 * saves is therefore never the short-lived one of another thread. */
#define PLANTED_NUMPY
#include "planted.h"

enum { FORGET_EVERY = 50 };

static atomic_flag tampering = ATOMIC_FLAG_INIT;
static atomic_uint crowded_calls;

static bool forgets(void)
{
    return planted_crowded() && atomic_fetch_add(&crowded_calls, 1) % FORGET_EVERY == FORGET_EVERY - 1;
}

static void tamper(volatile npy_intp *length)
{
    npy_intp right = *length;
    *length = planted_other_length(right);
    planted_spin();
    if (!forgets())
        *length = right;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *x)
{
    PyArrayObject *array = planted_array(x);
    if (!array)
        return NULL;
    planted_enter();
    if (atomic_flag_test_and_set(&tampering)) {
        planted_spin();
    } else {
        tamper(PyArray_DIMS(array));
        atomic_flag_clear(&tampering);
    }
    planted_leave();
    Py_RETURN_NONE;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *x)
{
    PyArrayObject *array = planted_array(x);
    if (!array)
        return NULL;
    planted_enter();
    volatile npy_intp length = *(volatile npy_intp *)PyArray_DIMS(array);
    (void)length;
    planted_spin();
    planted_leave();
    Py_RETURN_NONE;
}

PLANTED_MODULE(invariant_shape, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL})
