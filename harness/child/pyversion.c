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
