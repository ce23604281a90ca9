#include "child/python/interp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "child/python/pyversion.h"
#include "detectors/leak/census.h"

/* Python installs no signal handlers: ours are installed, and the driver handles Ctrl-C. */
static PyStatus configure(PyConfig *config, const char *executable, bool gil)
{
    PyConfig_InitPythonConfig(config);
    config->parse_argv = 0;
    config->install_signal_handlers = 0;
    config->write_bytecode = 1;
    pyversion_config_gil(config, gil);
    return PyConfig_SetBytesString(config, &config->executable, executable);
}

/* Sets the allocators before the first allocation. */
static PyStatus preinitialize(bool hooks)
{
    PyPreConfig config;
    PyPreConfig_InitPythonConfig(&config);
    if (hooks)
        pyversion_config_hooks(&config);
    const struct pyobject_layout layout = pyversion_layout();
    pyobject_set_layout(&layout);
    PyStatus status = Py_PreInitialize(&config);
    if (!PyStatus_Exception(status))
        census_take_domains();
    return status;
}

/* Makes modules in the working directory importable as with `python -c`, unless PYTHONSAFEPATH is set. */
static void add_working_directory(void)
{
    PyObject *path = PySys_GetObject("path"), *here = PyUnicode_FromString("");
    if (!getenv("PYTHONSAFEPATH") && path && here && PyList_Insert(path, 0, here) < 0)
        PyErr_Clear();
    Py_XDECREF(here);
}

int interp_start(const char *executable, bool gil, bool hooks, char *error, size_t error_size)
{
    PyConfig config = {0};
    PyStatus status = preinitialize(hooks);
    if (!PyStatus_Exception(status))
        status = configure(&config, executable, gil);
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (!PyStatus_Exception(status)) {
        add_working_directory();
        return 0;
    }
    snprintf(error, error_size, "Python does not start as %s: %s; is it a CPython " FTSTRESS_ABI "?",
             executable, status.err_msg ? status.err_msg : "it exits");
    return -ENOEXEC;
}

void interp_send_fact(int wire, enum fact_kind kind, int64_t value, const char *text)
{
    RECORD_SEND(wire, RECORD_FACT, .values = {[FACT_KIND] = kind, [FACT_VALUE] = value}, .texts = {text});
}

void interp_send_environment(int wire)
{
    char text[512];
    snprintf(text, sizeof text, "python=%s", Py_GetVersion());
    record_send_text(RECORD_ENVIRONMENT, text, wire);
    record_send_text(RECORD_ENVIRONMENT, "abi=" FTSTRESS_ABI, wire);
    interp_send_fact(wire, FACT_GIL, pyversion_gil_is_on(), "");
}
