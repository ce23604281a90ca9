/* Sets half of a block, and branches on the sum of all of it. */
#include "planted_heap.h"

enum { WORDS = 8 };

/* Not inlined: Valgrind reports this function, because a jump in it depends on the values. */
static __attribute__((noinline)) PyObject *is_odd(const volatile uint64_t *words)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < WORDS; i++)
        sum += words[i];
    if (sum % 2 == 1)
        planted_hide(NULL);
    Py_RETURN_NONE;
}

static PyObject *add_up(unsigned set)
{
    volatile uint64_t *words = planted_hide(malloc(WORDS * sizeof *words));
    if (!words)
        return PyErr_NoMemory();
    for (unsigned i = 0; i < set; i++)
        words[i] = i;
    PyObject *result = is_odd(words);
    free((void *)words);
    return result;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    return add_up(WORDS / 2);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    return add_up(WORDS);
}

PLANTED_MODULE(memcheck_unset, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL})
