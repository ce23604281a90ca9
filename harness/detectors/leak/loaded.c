/* See loaded.h for the contract. */
#include "detectors/leak/loaded.h"

#include <stdbool.h>
#include <stdio.h>

#include "detectors/common/pycompat.h"

#define MODULES_MAX 32
#define CODES_MAX 256

struct module {
    PyObject *object; /* strong */
    char path[64];
};

struct loading {
    PyObject *names;
    void (*visit)(PyObject *object, const char *name);
    PyObject *codes[CODES_MAX]; /* strong, each once; those that are not yet looked through come last */
    unsigned ncodes, nmodules;
    struct module modules[MODULES_MAX];
};

static void add_code(struct loading *loading, PyObject *code)
{
    for (unsigned i = 0; i < loading->ncodes; i++)
        if (loading->codes[i] == code)
            return;
    if (loading->ncodes < CODES_MAX)
        loading->codes[loading->ncodes++] = Py_NewRef(code);
}

static void add_module(struct loading *loading, PyObject *module, const char *path)
{
    for (unsigned i = 0; i < loading->nmodules; i++)
        if (loading->modules[i].object == module)
            return;
    if (loading->nmodules == MODULES_MAX)
        return;
    struct module *added = &loading->modules[loading->nmodules++];
    added->object = Py_NewRef(module);
    snprintf(added->path, sizeof added->path, "%s", path);
}

/* Functions of the setup are part of the statements. */
static void follow(struct loading *loading, PyObject *object, const char *path)
{
    if (PyModule_Check(object))
        add_module(loading, object, path);
    else if (PyFunction_Check(object) && PyFunction_GetGlobals(object) == loading->names)
        add_code(loading, PyFunction_GetCode(object));
}

static void load_global(struct loading *loading, PyObject *key, const char *name)
{
    PyObject *object = NULL, *builtins = PyEval_GetBuiltins();
    if (PyDict_GetItemRef(loading->names, key, &object) == 0 && builtins &&
        PyDict_GetItemRef(builtins, key, &object) == 1)
        loading->visit(object, name);
    if (object)
        follow(loading, object, name);
    Py_XDECREF(object);
}

static void load_attribute(struct loading *loading, struct module *module, PyObject *key, const char *name)
{
    PyObject *object = NULL;
    char path[sizeof module->path];
    if (PyDict_GetItemRef(PyModule_GetDict(module->object), key, &object) != 1)
        return;
    snprintf(path, sizeof path, "%.40s.%.22s", module->path, name);
    loading->visit(object, path);
    follow(loading, object, path);
    Py_DECREF(object);
}

/* Modules that are found on the way come last, and see all names too. */
static void load_names(struct loading *loading, const PyCodeObject *code)
{
    unsigned found = loading->nmodules = 0;
    for (unsigned next = 0; next <= found; next++) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_names); i++) {
            PyObject *key = PyTuple_GET_ITEM(code->co_names, i);
            const char *name = PyUnicode_AsUTF8(key);
            if (name && next == 0)
                load_global(loading, key, name);
            else if (name)
                load_attribute(loading, &loading->modules[next - 1], key, name);
        }
        found = loading->nmodules;
    }
    while (loading->nmodules > 0)
        Py_DECREF(loading->modules[--loading->nmodules].object);
    PyErr_Clear();
}

void loaded_visit(PyObject *codes, PyObject *names, void (*visit)(PyObject *object, const char *name))
{
    struct loading loading = {.names = names, .visit = visit};
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(codes); i++)
        add_code(&loading, PyList_GET_ITEM(codes, i));
    for (unsigned i = 0; i < loading.ncodes; i++) {
        const PyCodeObject *code = (const PyCodeObject *)loading.codes[i];
        load_names(&loading, code);
        for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(code->co_consts); k++)
            if (PyCode_Check(PyTuple_GET_ITEM(code->co_consts, k))) /* a comprehension, a lambda */
                add_code(&loading, PyTuple_GET_ITEM(code->co_consts, k));
    }
    while (loading.ncodes > 0)
        Py_DECREF(loading.codes[--loading.ncodes]);
}
