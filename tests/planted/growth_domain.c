/* Loses 40 bytes in each call, from one of CPython's allocators or from malloc; none of it is an object. The twin keeps
 * its first few blocks, as a cache does, and grows one of them by PyObject_Realloc up to a limit. */
#include "planted_heap.h"

#define KEPT 64
#define ARENA_MAX 4096

static PyMutex lock;
static char *kept[KEPT], *arena;
static unsigned nkept;
static size_t arena_size;

/* No tail call: it stays on the stack. */
static __attribute__((noinline)) char *allocate(long domain)
{
    void *block = domain == 0   ? malloc(40)
                  : domain == 1 ? PyMem_RawMalloc(40)
                  : domain == 2 ? PyMem_Malloc(40)
                  : domain == 3 ? PyObject_Malloc(40)
                                : PyObject_Calloc(5, 8);
    return planted_hide(block);
}

static void release(long domain, char *block)
{
    if (domain == 0)
        free(block);
    else if (domain == 1)
        PyMem_RawFree(block);
    else if (domain == 2)
        PyMem_Free(block);
    else
        PyObject_Free(block);
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *domain)
{
    char *block = allocate(PyLong_AsLong(domain));
    if (block)
        block[0] = 1;
    Py_RETURN_NONE;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *argument)
{
    long domain = PyLong_AsLong(argument);
    char *block = allocate(domain);
    PyMutex_Lock(&lock);
    if (nkept < KEPT) {
        kept[nkept++] = block;
        block = NULL;
    }
    if (arena_size < ARENA_MAX)
        arena = PyObject_Realloc(arena, arena_size += 64);
    PyMutex_Unlock(&lock);
    if (block)
        release(domain, block);
    Py_RETURN_NONE;
}

PLANTED_MODULE(growth_domain, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL})
