/* Makes a page of code for each new key, as a compiler does, and keeps it; the twin makes none. */
#include <sys/mman.h>

#include "planted.h"

static PyMutex lock;
static PyObject *compiled; /* set of keys */

static bool compile(void)
{
    void *code = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return code != MAP_FAILED;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *key)
{
    PyMutex_Lock(&lock);
    if (!compiled)
        compiled = PySet_New(NULL);
    int known = compiled ? PySet_Contains(compiled, key) : -1;
    if (known == 0 && (PySet_Add(compiled, key) < 0 || !compile()))
        known = -1;
    PyMutex_Unlock(&lock);
    return known < 0 ? NULL : PyBool_FromLong(known);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *key)
{
    return Py_NewRef(key);
}

PLANTED_MODULE(growth_code, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL})
