/* See warm.h for the contract. */
#include "child/first/warm.h"

#include <stdio.h>
#include <string.h>

PyObject *warm_modules(void)
{
    PyObject *modules = PyImport_GetModuleDict(); /* borrowed */
    PyObject *copy = modules ? PyDict_Copy(modules) : NULL;
    PyErr_Clear();
    return copy;
}

/* Returns a new reference to the dotted name of the module that the value is or comes from, or NULL. */
static PyObject *module_of(PyObject *value)
{
    PyObject *name =
        PyModule_Check(value) ? PyModule_GetNameObject(value) : PyObject_GetAttrString(value, "__module__");
    if (!name || !PyUnicode_Check(name)) {
        PyErr_Clear();
        Py_XSETREF(name, PyObject_GetAttrString((PyObject *)Py_TYPE(value), "__module__"));
    }
    PyErr_Clear();
    return name;
}

static void add_package(PyObject *set, PyObject *names, const struct plan *plan, PyObject *name)
{
    const char *text = PyUnicode_AsUTF8(name);
    PyObject *value = PyDict_GetItemWithError(names, name); /* borrowed */
    bool input = !text || !value;
    for (unsigned i = 0; !input && i < plan->ninputs; i++)
        input = strcmp(plan->inputs[i].name, text) == 0;
    PyObject *module = input ? NULL : module_of(value);
    const char *dotted = module && PyUnicode_Check(module) ? PyUnicode_AsUTF8(module) : NULL;
    PyObject *top = dotted ? PyUnicode_FromStringAndSize(dotted, (Py_ssize_t)strcspn(dotted, ".")) : NULL;
    if (top)
        PySet_Add(set, top);
    PyErr_Clear();
    Py_XDECREF(top);
    Py_XDECREF(module);
}

/* Returns a new set of the packages that the statements call. A plain call names what it calls; of other code each name
 * may be it. */
static PyObject *target_of(const struct run *run)
{
    PyObject *set = PySet_New(NULL), *names = run->base.names, *name;
    for (unsigned b = 0; set && run->program && b < run->program->nbodies; b++)
        for (unsigned i = 0; i < run->program->bodies[b].nsteps; i++) {
            const struct step *step = &run->program->bodies[b].steps[i];
            PyObject *used = step->call ? NULL : PyObject_GetAttrString(step->code, "co_names");
            if (step->call)
                add_package(set, names, run->plan, step->call->path[0]);
            for (Py_ssize_t k = 0; used && k < PyTuple_GET_SIZE(used); k++) {
                name = PyTuple_GET_ITEM(used, k);
                add_package(set, names, run->plan, name);
            }
            PyErr_Clear();
            Py_XDECREF(used);
        }
    return set;
}

static void add(struct warm_list *list, PyObject *name, PyObject *target)
{
    const char *text = PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : NULL;
    PyObject *top = text ? PyUnicode_FromStringAndSize(text, (Py_ssize_t)strcspn(text, ".")) : NULL;
    size_t room = sizeof list->names - list->size;
    int n =
        top ? snprintf(list->names + list->size, room, "%d%s\n", PySet_Contains(target, top) == 1, text) : 0;
    if (n > 0 && (size_t)n < room)
        list->size += (size_t)n;
    list->names[list->size] = '\0';
    PyErr_Clear();
    Py_XDECREF(top);
}

void warm_list_fill(struct warm_list *list, const struct run *run, PyObject *before)
{
    PyObject *now = warm_modules(), *target = target_of(run), *name, *module;
    Py_ssize_t at = 0;
    list->size = 0;
    while (now && before && target && PyDict_Next(now, &at, &name, &module))
        if (PyDict_Contains(before, name) == 0)
            add(list, name, target);
    PyErr_Clear();
    Py_XDECREF(now);
    Py_XDECREF(target);
}

void warm_import(const struct warm_list *list, bool target)
{
    char name[512];
    const char *at = list->names, *end;
    for (; (end = strchr(at, '\n')); at = end + 1) {
        size_t length = (size_t)(end - at) - 1;
        if (length >= sizeof name || (*at == '1') != target)
            continue;
        memcpy(name, at + 1, length);
        name[length] = '\0';
        PyObject *module = PyImport_ImportModule(name);
        PyErr_Clear();
        Py_XDECREF(module);
    }
}
