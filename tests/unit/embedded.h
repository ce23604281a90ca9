/* A test's own interpreter, with the packages of the environment that the tests use. */
#pragma once

#include <Python.h>

#include <stdbool.h>

/* Returns false where it does not start. */
static inline bool embedded_start(void)
{
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.parse_argv = 0;
    if (!PyStatus_Exception(PyConfig_SetBytesString(&config, &config.executable, FTSTRESS_NUMPY_PYTHON)))
        Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    return Py_IsInitialized();
}
