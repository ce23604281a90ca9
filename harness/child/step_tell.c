/* What the driver is told of the statements: it names them, pairs them and leaves them out by their source. */
#include "child/step.h"

#include <string.h>

#include "core/record.h"

#define NAMES 512

/* What a call target is made of is no shared state. */
static bool is_object(PyObject *names, PyObject *name)
{
    PyObject *value = PyDict_GetItemWithError(names, name);
    return value && !PyModule_Check(value) && !PyType_Check(value) && !PyFunction_Check(value) &&
           !PyCFunction_Check(value);
}

/* "a,b": names that do not fit are left away whole. */
static void list_objects(const struct step *step, PyObject *names, char *text)
{
    PyObject *used = PyObject_GetAttrString(step->code, "co_names");
    text[0] = '\0';
    for (Py_ssize_t i = 0; used && i < PyTuple_GET_SIZE(used); i++) {
        PyObject *name = PyTuple_GET_ITEM(used, i);
        const char *utf8 = PyUnicode_AsUTF8(name);
        if (!utf8 || !is_object(names, name) || strlen(text) + strlen(utf8) + 2 > NAMES)
            continue;
        strcat(text, *text ? "," : "");
        strcat(text, utf8);
    }
    PyErr_Clear();
    Py_XDECREF(used);
}

static void tell(const struct step *step, int64_t number, int64_t role, PyObject *names, int wire)
{
    struct record record;
    char objects[NAMES];
    list_objects(step, names, objects);
    record_begin(&record, RECORD_STATEMENT, RECORD_MAIN);
    record.values[STATEMENT_NUMBER] = number;
    record.values[STATEMENT_ROLE] = role;
    record_add_text(&record, step->source);
    record_add_text(&record, objects);
    record_send(&record, wire);
}

void program_tell(const struct program *program, PyObject *names, int wire)
{
    for (unsigned b = 0; b < program->nbodies; b++)
        for (unsigned i = 0; i < program->bodies[b].nsteps; i++)
            tell(&program->bodies[b].steps[i], program->bodies[b].first + i, b, names, wire);
    for (unsigned i = 0; i < program->nleft; i++)
        tell(&program->left[i], -1, 0, names, wire);
}
