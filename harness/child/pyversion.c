#include "child/pyversion.h"

bool pyversion_is_free_threaded(void)
{
#ifdef Py_GIL_DISABLED
    return true;
#else
    return false;
#endif
}

bool pyversion_gil_is_on(void)
{
#if PY_VERSION_HEX >= 0x030d0000
    PyObject *query = PySys_GetObject("_is_gil_enabled");
    PyObject *answer = query ? PyObject_CallNoArgs(query) : NULL;
    bool on = !answer || PyObject_IsTrue(answer) != 0;
    Py_XDECREF(answer);
    PyErr_Clear();
    return on;
#else
    return true;
#endif
}

/* PyConfig.enable_gil: -1 leaves the choice to imported modules, 0 forces it off, 1 forces it on. */
void pyversion_config_gil(PyConfig *config, bool on)
{
#ifdef Py_GIL_DISABLED
    if (on)
        config->enable_gil = 1;
#else
    (void)config;
    (void)on;
#endif
}

/* In a free-threaded build objects must lie in mimalloc's heaps: the collector finds them there. */
void pyversion_config_hooks(PyPreConfig *config)
{
#ifdef Py_GIL_DISABLED
    config->allocator = PYMEM_ALLOCATOR_MIMALLOC_DEBUG;
#else
    config->allocator = PYMEM_ALLOCATOR_DEBUG;
#endif
}

/* _PyType_PreHeaderSize, and _PyListArray: a free-threaded list keeps its capacity before its items. */
struct pyobject_layout pyversion_layout(void)
{
    struct pyobject_layout layout = {.preheader = 2 * sizeof(PyObject *)};
#ifdef Py_GIL_DISABLED
    layout.list_head = sizeof(Py_ssize_t);
#else
    layout.gc_head = 2 * sizeof(uintptr_t);
#endif
    return layout;
}
