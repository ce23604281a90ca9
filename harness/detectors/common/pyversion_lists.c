/* The interpreter's free lists. See pyversion.h for the contract. */
#define Py_BUILD_CORE 1
#include "detectors/common/pyversion.h"
#include "detectors/common/selftest.h"

#if defined(Py_GIL_DISABLED) && PY_VERSION_HEX < 0x030e0000
#include <string.h>

#include <internal/pycore_interp.h>
#include <internal/pycore_object_stack.h>

/* A list with a negative number of blocks takes no more of them. Its blocks stay until the next collection. */
void pyversion_stop_free_lists(void)
{
    struct _Py_object_freelists *lists = &((_PyThreadStateImpl *)PyThreadState_Get())->freelists;
    for (unsigned i = 0; i < PyTuple_NFREELISTS; i++)
        lists->tuples.numfree[i] = -1;
    lists->floats.numfree = -1;
    lists->lists.numfree = -1;
    lists->dicts.numfree = -1;
    lists->dictkeys.numfree = -1;
    lists->contexts.numfree = -1;
    lists->async_gens.numfree = -1;
    lists->async_gen_asends.numfree = -1;
}

void pyversion_forget_stacks(void)
{
    _PyObjectStackChunk *chunk = ((_PyThreadStateImpl *)PyThreadState_Get())->freelists.object_stacks.items;
    for (; chunk; chunk = chunk->prev)
        memset(chunk->objs, 0, sizeof chunk->objs);
}

/* A float that is freed goes to the list of floats. */
bool selftest_lists(struct selftest *test)
{
    const struct _Py_object_freelists *lists = &((_PyThreadStateImpl *)PyThreadState_Get())->freelists;
    PyObject *first = PyFloat_FromDouble(1.5), *second = PyFloat_FromDouble(2.5);
    int before = lists->floats.numfree;
    Py_XDECREF(first);
    int between = lists->floats.numfree;
    Py_XDECREF(second);
    return (before >= 0 && between == before + 1 && lists->floats.numfree == before + 2) ||
           selftest_fail(test,
                         "the list of free floats counts %d, %d and %d, where one float is freed at a time",
                         before, between, lists->floats.numfree);
}
#else
bool selftest_lists(struct selftest *test)
{
    (void)test;
    return true;
}

void pyversion_stop_free_lists(void)
{
}

void pyversion_forget_stacks(void)
{
}
#endif
