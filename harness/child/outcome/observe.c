/* See observe.h for the contract. */
#include "child/outcome/observe.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "child/outcome/portrait.h"
#include "child/outcome/roles.h"
#include "detectors/common/array_api.h"
#include "detectors/common/pycompat.h"

static void add_result(struct portrait *portrait, const struct role_result *result)
{
    portrait_add_number(portrait, result->n);
    portrait->reads = true;
    for (unsigned i = 0; i < result->n; i++)
        portrait_add(portrait, result->values[i]);
    portrait->reads = false;
    if (result->raised)
        portrait_add_raised(portrait, result->raised);
}

static void add_state_of_names(const struct observer *observer, PyObject *names, struct portrait *portrait,
                               char *why, size_t size)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(observer->shared); i++) {
        PyObject *name = PyList_GET_ITEM(observer->shared, i);
        PyObject *value = PyDict_GetItemWithError(names, name);
        portrait->opaque = false;
        if (value)
            portrait_add(portrait, value);
        if (value && portrait->opaque && why)
            text_add(why, size, "; ", "%s: %s", PyUnicode_AsUTF8(name), portrait->why);
    }
    PyErr_Clear();
}

/* Adds what the expression gives. */
static void add_expression(PyObject *code, PyObject *names, struct portrait *portrait)
{
    PyObject *value = PyEval_EvalCode(code, names, names);
    PyObject *raised = value ? NULL : PyErr_GetRaisedException();
    if (value)
        portrait_add(portrait, value);
    else
        portrait_add_raised(portrait, raised);
    Py_XDECREF(value);
    Py_XDECREF(raised);
}

/* Adds one part of the outcome. why: NULL, or the room for what is not seen in it. */
static void add_part(const struct observer *observer, unsigned set, unsigned part, struct portrait *portrait,
                     char *why, size_t size)
{
    PyObject *names = role_stage.sets[set];
    bool by_name = part == OUTCOME_STATE && !observer->state;
    portrait->opaque = false;
    if (part < role_stage.nroles)
        add_result(portrait, &role_stage.roles[part].results[set]);
    else if (by_name)
        add_state_of_names(observer, names, portrait, why, size);
    else if (part == OUTCOME_STATE)
        add_expression(observer->state, names, portrait);
    if (portrait->opaque && why && !by_name)
        text_add(why, size, "; ", "%s", portrait->why);
}

void observe_parts(struct observer *observer, unsigned set, uint64_t parts[static OUTCOME_PARTS])
{
    struct portrait portrait = {0};
    for (unsigned i = 0; i < OUTCOME_PARTS; i++) {
        char *why = *observer->why[i] ? NULL : observer->why[i];
        portrait.hash = i + 1;
        portrait.items = 0;
        if (!observer->left_out[i])
            add_part(observer, set, i, &portrait, why, sizeof observer->why[i]);
        parts[i] = observer->left_out[i] ? 0 : portrait.hash;
    }
    portrait_release(&portrait);
}

uint64_t observe_arrays(const struct observer *observer, unsigned set)
{
    struct portrait portrait = {0};
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(observer->shared); i++) {
        PyObject *value = PyDict_GetItemWithError(role_stage.sets[set], PyList_GET_ITEM(observer->shared, i));
        if (value && array_api_has(value))
            portrait_add(&portrait, value);
    }
    PyErr_Clear();
    portrait_release(&portrait);
    return portrait.hash;
}

uint64_t observe_key(const uint64_t parts[static OUTCOME_PARTS])
{
    struct portrait portrait = {0};
    for (unsigned i = 0; i < OUTCOME_PARTS; i++)
        portrait_add_number(&portrait, parts[i]);
    return portrait.hash;
}

static void print_result(struct portrait *numbers, const struct role_result *result, char *text, size_t size)
{
    char part[OUTCOME_RESULT_TEXT];
    *text = '\0';
    for (unsigned i = 0; i < result->n; i++)
        text_add(text, size, "; ", "%s", portrait_print(numbers, result->values[i], part, sizeof part));
    if (result->raised)
        text_add(text, size, "; ", "%s", portrait_print_raised(result->raised, part, sizeof part));
}

static void print_state(const struct observer *observer, struct portrait *numbers, PyObject *names,
                        char *text, size_t size)
{
    char part[OUTCOME_RESULT_TEXT];
    if (observer->state) {
        PyObject *value = PyEval_EvalCode(observer->state, names, names);
        PyObject *raised = value ? NULL : PyErr_GetRaisedException();
        snprintf(text, size, "%s",
                 value ? portrait_print(numbers, value, part, sizeof part)
                       : portrait_print_raised(raised, part, sizeof part));
        Py_XDECREF(value);
        Py_XDECREF(raised);
        return;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(observer->shared); i++) {
        PyObject *name = PyList_GET_ITEM(observer->shared, i);
        PyObject *value = PyDict_GetItemWithError(names, name);
        struct portrait portrait = {0};
        if (value)
            portrait_add(&portrait, value);
        portrait_release(&portrait);
        if (value && !portrait.opaque)
            text_add(text, size, ", ", "%s = %s", PyUnicode_AsUTF8(name),
                     portrait_print(numbers, value, part, sizeof part));
    }
    PyErr_Clear();
}

void observe_print(const struct observer *observer, unsigned set, struct outcome_row *row)
{
    struct portrait numbers = {0};
    for (unsigned i = 0; i < role_stage.nroles; i++)
        if (observer->left_out[i])
            snprintf(row->texts[i], sizeof row->texts[i], "not compared");
        else
            print_result(&numbers, &role_stage.roles[i].results[set], row->texts[i], sizeof row->texts[i]);
    *row->texts[OUTCOME_STATE] = '\0';
    if (!observer->left_out[OUTCOME_STATE])
        print_state(observer, &numbers, role_stage.sets[set], row->texts[OUTCOME_STATE],
                    sizeof row->texts[OUTCOME_STATE]);
    portrait_release(&numbers);
}

static PyObject *tuple_of(const struct role_result *result)
{
    if (result->raised)
        return Py_NewRef(result->raised);
    if (result->n == 1)
        return Py_NewRef(result->values[0]);
    PyObject *tuple = PyTuple_New(result->n);
    for (unsigned i = 0; tuple && i < result->n; i++)
        PyTuple_SET_ITEM(tuple, i, Py_NewRef(result->values[i]));
    return tuple;
}

bool observe_check(const struct observer *observer, unsigned set, char *why, size_t size)
{
    PyObject *names = role_stage.sets[set];
    PyObject *results = observer->check ? PyTuple_New(role_stage.nroles) : NULL;
    if (!results)
        return true;
    for (unsigned i = 0; i < role_stage.nroles; i++)
        PyTuple_SET_ITEM(results, i, tuple_of(&role_stage.roles[i].results[set]));
    PyObject *value = PyDict_SetItemString(names, "results", results) < 0
                          ? NULL
                          : PyEval_EvalCode(observer->check, names, names);
    PyObject *raised = value ? NULL : PyErr_GetRaisedException();
    int holds = value ? PyObject_IsTrue(value) : 0;
    if (value)
        snprintf(why, size, "is false");
    else
        portrait_print_raised(raised, why, size);
    PyErr_Clear();
    Py_XDECREF(raised);
    Py_XDECREF(value);
    Py_DECREF(results);
    return holds > 0;
}
