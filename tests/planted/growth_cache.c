/* Keeps an answer for each key; the twin keeps the last few only. clear() releases them. */
#define PLANTED_ITEM "growth_cache"
#include "planted_item.h"

#define FEW 16

static PyMutex lock;
static PyObject *answers; /* by key */
static PyObject *recent[FEW];
static unsigned next;

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *key)
{
    PyObject *item = NULL;
    PyMutex_Lock(&lock);
    if (!answers)
        answers = PyDict_New();
    PyMutex_Unlock(&lock);
    if (!answers || PyDict_GetItemRef(answers, key, &item) != 0)
        return item;
    item = new_item();
    if (item && PyDict_SetItem(answers, key, item) < 0)
        Py_CLEAR(item);
    return item;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *key)
{
    PyObject *item = new_item(), *old;
    (void)key;
    PyMutex_Lock(&lock);
    old = recent[next % FEW];
    recent[next++ % FEW] = Py_XNewRef(item);
    PyMutex_Unlock(&lock);
    Py_XDECREF(old);
    return item;
}

static PyObject *clear(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    if (answers)
        PyDict_Clear(answers);
    for (int i = 0; i < FEW; i++)
        Py_CLEAR(recent[i]);
    Py_RETURN_NONE;
}

PLANTED_MODULE(growth_cache, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL},
               {"clear", clear, METH_NOARGS, NULL})
