#include "child/python/interp.h"

#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/prng.h"
#include "detectors/common/pycode.h"
#include "detectors/common/pyversion.h"
#include "core/wire/record.h"
#include "detectors/leak/census.h"
#include "detectors/memory/pyobject.h"

PYCODE(distribution, FTSTRESS_DISTRIBUTION);

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

void interp_send_environment(int wire)
{
    char text[512];
    snprintf(text, sizeof text, "python=%s", Py_GetVersion());
    RECORD_SEND(wire, RECORD_ENVIRONMENT, .texts = {text});
    RECORD_SEND(wire, RECORD_ENVIRONMENT, .texts = {"abi=" FTSTRESS_ABI});
    RECORD_SEND(wire, RECORD_FACT, .values = {[FACT_KIND] = FACT_GIL, [FACT_VALUE] = pyversion_gil_is_on()});
}

/* Returns the namespace of the Python functions. It lives until Python ends. */
static PyObject *names_of(void)
{
    static PyObject *names;
    if (!names)
        names = pycode_run(&distribution);
    return names;
}

static int count_added(struct dl_phdr_info *info, size_t size, void *ret_added)
{
    (void)size;
    *(uint64_t *)ret_added = info->dlpi_adds;
    return 1;
}

/* A number that changes with the libraries and the modules that are loaded. */
static uint64_t count_loaded(void)
{
    uint64_t sum = 0;
    PyObject *modules = PyDict_Values(PyImport_GetModuleDict());
    dl_iterate_phdr(count_added, &sum);
    for (Py_ssize_t i = 0; modules && i < PyList_GET_SIZE(modules); i++)
        sum += prng_mix((uintptr_t)PyList_GET_ITEM(modules, i));
    PyErr_Clear();
    Py_XDECREF(modules);
    return sum;
}

/* The end of a child seldom finds anything new. */
void interp_send_packages(int wire)
{
    static uint64_t sent;
    uint64_t now = count_loaded();
    if (now == sent)
        return;
    PyObject *names = names_of();
    PyObject *rows = names ? PyRun_String("new()", Py_eval_input, names, names) : NULL;
    for (Py_ssize_t i = 0; rows && i < PyList_GET_SIZE(rows); i++) {
        const char *path, *name, *owner, *version;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(rows, i), "ssss", &path, &name, &owner, &version))
            continue;
        RECORD_SEND(wire, RECORD_PACKAGE, .texts = {path, name, owner});
        if (*version)
            RECORD_SEND(wire, RECORD_ENVIRONMENT, .texts = {version});
    }
    if (rows)
        sent = now;
    PyErr_Clear();
    Py_XDECREF(rows);
}

void interp_flush(void)
{
    static const char *const names[] = {"stdout", "stderr"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        PyObject *file = PySys_GetObject(names[i]);
        PyObject *done = file && file != Py_None ? PyObject_CallMethod(file, "flush", NULL) : NULL;
        PyErr_Clear();
        Py_XDECREF(done);
    }
}
