/* The interpreter's free lists. See pyversion.h for the contract. */
#define Py_BUILD_CORE 1
#include "child/python/pyversion.h"

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
#else
void pyversion_stop_free_lists(void)
{
}

void pyversion_forget_stacks(void)
{
}
#endif
