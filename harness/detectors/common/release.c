/* See release.h for the contract. */
#include "detectors/common/release.h"

#include <dlfcn.h>
#include <stddef.h>

/* What Py_DECREF calls, in all versions, and what frees memory. */
static const char *const names[] = {"Py_DecRef",
                                    "_Py_DecRef",
                                    "_Py_DecRefShared",
                                    "_Py_DecRefSharedDebug",
                                    "_Py_MergeZeroLocalRefcount",
                                    "_Py_Dealloc",
                                    "PyObject_Free",
                                    "PyObject_GC_Del",
                                    "PyMem_Free",
                                    "PyMem_RawFree",
                                    "free",
                                    "_ZdlPv",
                                    "_ZdlPvm"};
#define NAMES (sizeof names / sizeof *names)

static uintptr_t functions[NAMES];

void release_start(void)
{
    for (size_t i = 0; i < NAMES; i++)
        functions[i] = (uintptr_t)dlsym(RTLD_DEFAULT, names[i]);
}

bool release_is(uintptr_t function)
{
    for (size_t i = 0; function && i < NAMES; i++)
        if (functions[i] == function)
            return true;
    return false;
}
