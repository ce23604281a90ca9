#include "child/interp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "child/pyversion.h"
#include "core/record.h"
#include "detectors/census.h"

/* Signals stay ours: the crash handlers are installed, and Ctrl-C is the driver's. */
static PyStatus configure(PyConfig *config, const char *executable, bool gil)
{
    PyConfig_InitPythonConfig(config);
    config->parse_argv = 0;
    config->install_signal_handlers = 0;
    config->write_bytecode = 1;
    pyversion_config_gil(config, gil);
    return PyConfig_SetBytesString(config, &config->executable, executable);
}

/* The allocators cannot be changed any more once something was allocated. */
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

/* As with `python -c`: modules beside the user are found. PYTHONSAFEPATH says no. */
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

int interp_finish(void)
{
    return Py_FinalizeEx() < 0 ? -EIO : 0;
}

static void send_text(int wire, enum record_type type, const char *first, const char *second)
{
    struct record record;
    record_begin(&record, type, RECORD_MAIN);
    record_add_text(&record, first);
    if (second)
        record_add_text(&record, second);
    record_send(&record, wire);
}

void interp_send_fact(int wire, const char *fact)
{
    send_text(wire, RECORD_ENVIRONMENT, fact, NULL);
}

static void send_version(int wire, const char *module_name)
{
    char text[256];
    PyObject *name = PyUnicode_FromString(module_name);
    PyObject *module = name ? PyImport_GetModule(name) : NULL;
    PyObject *version = module ? PyObject_GetAttrString(module, "__version__") : NULL;
    if (version && PyUnicode_Check(version)) {
        snprintf(text, sizeof text, "%s=%s", module_name, PyUnicode_AsUTF8(version));
        send_text(wire, RECORD_ENVIRONMENT, text, NULL);
    }
    PyErr_Clear();
    Py_XDECREF(version);
    Py_XDECREF(module);
    Py_XDECREF(name);
}

/* A top-level package with an extension module: its version belongs in the report. */
static void send_package(int wire, const char *module_name, const char *file)
{
    send_text(wire, RECORD_PACKAGE, file, module_name);
    char top[128];
    if (strstr(file, "/lib-dynload/"))
        return;
    snprintf(top, sizeof top, "%.*s", (int)strcspn(module_name, "."), module_name);
    send_version(wire, top);
}

void interp_send_environment(int wire)
{
    char text[512];
    snprintf(text, sizeof text, "python=%s", Py_GetVersion());
    send_text(wire, RECORD_ENVIRONMENT, text, NULL);
    snprintf(text, sizeof text, "abi=%s", FTSTRESS_ABI);
    send_text(wire, RECORD_ENVIRONMENT, text, NULL);
    snprintf(text, sizeof text, "gil=%s", pyversion_gil_is_on() ? "on" : "off");
    send_text(wire, RECORD_ENVIRONMENT, text, NULL);
}

void interp_send_packages(int wire)
{
    PyObject *modules = PyImport_GetModuleDict(), *copy = PyDict_Copy(modules), *key, *module;
    Py_ssize_t at = 0;
    while (copy && PyDict_Next(copy, &at, &key, &module)) {
        PyObject *file = PyObject_GetAttrString(module, "__file__");
        const char *path = file && PyUnicode_Check(file) ? PyUnicode_AsUTF8(file) : NULL;
        const char *name = PyUnicode_Check(key) ? PyUnicode_AsUTF8(key) : NULL;
        size_t length = path ? strlen(path) : 0;
        if (name && length > 3 && strcmp(path + length - 3, ".so") == 0)
            send_package(wire, name, path);
        PyErr_Clear();
        Py_XDECREF(file);
    }
    Py_XDECREF(copy);
}
