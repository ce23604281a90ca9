/* The name of a type, its package, and the allocation site of its objects. See census.h for the contract. */
#include <stdio.h>
#include <string.h>

#include "detectors/leak/census.h"
#include "detectors/memory/pyobject.h"

#define SAMPLE 256 /* objects of which the site is counted */
#define SITES 16

/* Compares the first part of the module's name with the standard library. */
static bool is_foreign(const char *module)
{
    PyObject *known = PySys_GetObject("stdlib_module_names");
    PyObject *top = module ? PyUnicode_FromStringAndSize(module, (Py_ssize_t)strcspn(module, ".")) : NULL;
    bool foreign = known && top && strcmp(module, "builtins") != 0 && PySequence_Contains(known, top) == 0;
    Py_XDECREF(top);
    return foreign;
}

bool census_type_name(PyTypeObject *type, char *text, size_t size)
{
    char bare[96];
    snprintf(text, size, "a freed type");
    if (pyobject_check_head((PyObject *)type) != PYOBJECT_SOUND)
        return false;
    PyObject stand_in = {.ob_type = type};
    pyobject_type_name(&stand_in, bare, sizeof bare);
    PyObject *module = PyObject_GetAttrString((PyObject *)type, "__module__");
    const char *name = module && PyUnicode_Check(module) ? PyUnicode_AsUTF8(module) : NULL;
    bool plain = name && strcmp(name, "builtins") != 0 && strcmp(name, "__ftstress__") != 0;
    const char *last = strrchr(bare, '.');
    snprintf(text, size, "%s%s%s", plain ? name : "", plain ? "." : "", last ? last + 1 : bare);
    bool foreign = is_foreign(name);
    PyErr_Clear();
    Py_XDECREF(module);
    return foreign;
}

struct votes {
    uint64_t sites[SITES];
    unsigned counts[SITES], n; /* n: objects */
};

static bool vote(void *context, PyObject *object)
{
    struct votes *votes = context;
    uint64_t site = addresses_site(pyobject_block(object));
    for (unsigned i = 0; site && i < SITES; i++) {
        if (votes->sites[i] && votes->sites[i] != site)
            continue;
        votes->sites[i] = site;
        votes->counts[i]++;
        break;
    }
    return ++votes->n < SAMPLE;
}

uint64_t census_site_of(const PyTypeObject *type, enum epoch since)
{
    struct votes votes = {0};
    unsigned best = 0;
    census_visit(type, since, vote, &votes);
    for (unsigned i = 1; i < SITES; i++)
        if (votes.counts[i] > votes.counts[best])
            best = i;
    return votes.sites[best];
}
