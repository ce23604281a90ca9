/* Sends the statements to the driver, which names, pairs and knocks them out by their source. */
#include "child/step/step.h"

#include <stdio.h>
#include <string.h>

#include "core/wire/record.h"

#define NAMES 512

/* Modules, types and functions are not shared state. */
static bool is_object(PyObject *value)
{
    return !PyModule_Check(value) && !PyType_Check(value) && !PyFunction_Check(value) &&
           !PyCFunction_Check(value);
}

/* Makes "a,b" of words; drops a word that does not fit. */
static void add_word(char *text, const char *word)
{
    size_t used = strlen(text), length = strlen(word);
    if (length > 0 && used + length + 2 <= NAMES)
        snprintf(text + used, NAMES - used, "%s%s", used ? "," : "", word);
}

/* Writes the top-level module of the value: its own name, or that of its function or type. */
static const char *module_of(PyObject *value, char *text, size_t size)
{
    bool is_module = PyModule_Check(value), named = PyType_Check(value) || PyCallable_Check(value);
    PyObject *name = is_module ? PyModule_GetNameObject(value)
                     : named   ? PyObject_GetAttrString(value, "__module__")
                               : NULL;
    if (!name || !PyUnicode_Check(name)) {
        PyErr_Clear();
        Py_XSETREF(name, PyObject_GetAttrString((PyObject *)Py_TYPE(value), "__module__"));
    }
    const char *utf8 = name && PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    snprintf(text, size, "%.*s", utf8 ? (int)strcspn(utf8, ".") : 0, utf8 ? utf8 : "");
    Py_XDECREF(name);
    return text;
}

static bool is_standard(const char *module)
{
    PyObject *names = PySys_GetObject("stdlib_module_names"), *name = PyUnicode_FromString(module);
    bool standard = names && name && PySet_Contains(names, name) == 1;
    PyErr_Clear();
    Py_XDECREF(name);
    return standard || strcmp(module, "builtins") == 0;
}

/* Python code of the setup may call anything. */
static bool runs_python(PyObject *value)
{
    return PyFunction_Check(value) || PyMethod_Check(value) || PyGen_Check(value) || PyCoro_CheckExact(value);
}

/* Lists the objects that the statement uses, and "numpy,builtins": the modules of all names in it, in its order.
 * Returns whether all these belong to the interpreter and its library. */
static bool list_names(const struct step *step, PyObject *names, char *objects, char *modules)
{
    char module[128];
    bool plain = true;
    PyObject *used = PyObject_GetAttrString(step->code, "co_names");
    objects[0] = modules[0] = '\0';
    for (Py_ssize_t i = 0; used && i < PyTuple_GET_SIZE(used); i++) {
        PyObject *name = PyTuple_GET_ITEM(used, i), *value = PyDict_GetItemWithError(names, name);
        const char *utf8 = PyUnicode_AsUTF8(name);
        if (value)
            add_word(modules, module_of(value, module, sizeof module));
        if (value && utf8 && is_object(value))
            add_word(objects, utf8);
        if (!value) /* the statement may import the module itself */
            value = PyDict_GetItemWithError(PyImport_GetModuleDict(), name);
        plain &= !value || (is_standard(module_of(value, module, sizeof module)) && !runs_python(value));
    }
    PyErr_Clear();
    Py_XDECREF(used);
    return plain;
}

static void send_statement(const struct step *step, int64_t number, int64_t role, PyObject *names, int wire)
{
    char objects[NAMES], modules[NAMES];
    bool plain = list_names(step, names, objects, modules);
    RECORD_SEND(wire, RECORD_STATEMENT,
                .values = {[STATEMENT_NUMBER] = number, [STATEMENT_ROLE] = role, [STATEMENT_PLAIN] = plain},
                .texts = {step->source, objects, modules});
}

void program_send(const struct program *program, PyObject *names, int wire)
{
    for (unsigned b = 0; b < program->nbodies; b++)
        for (unsigned i = 0; i < program->bodies[b].nsteps; i++)
            send_statement(&program->bodies[b].steps[i], program->bodies[b].first + i, b, names, wire);
    for (unsigned i = 0; i < program->nleft; i++)
        send_statement(&program->left[i], -1, 0, names, wire);
}
