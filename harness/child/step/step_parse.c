/* Parses text into steps with Python's own parser, and sends the statements to the driver: both by step.py. */
#include "child/step/step.h"
#include "base/fail.h"
#include "base/list.h"
#include "core/wire/record.h"
#include "core/wire/scene.h"
#include "detectors/common/pycode.h"
#include "detectors/common/pycompat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

PYCODE(step_code, FTSTRESS_STEP);

/* Returns a new reference; None when the node has no such field. */
static PyObject *field(PyObject *node, const char *name)
{
    PyObject *value = PyObject_GetAttrString(node, name);
    if (value)
        return value;
    PyErr_Clear();
    Py_RETURN_NONE;
}

/* "step 'np.repeat(x,' is not Python: '(' was never closed (line 1); correct the statement" */
static void describe_syntax_error(const char *text, char *error, size_t size)
{
    PyObject *raised = PyErr_GetRaisedException();
    PyObject *message = field(raised, "msg"), *line = field(raised, "lineno");
    PyObject *sentence = message == Py_None ? PyObject_Str(raised) : Py_NewRef(message);
    const char *utf8 = sentence ? PyUnicode_AsUTF8(sentence) : NULL;
    snprintf(error, size, "step '%.200s' is not Python: %s (line %ld); correct the statement", text,
             utf8 ? utf8 : "syntax error", PyLong_Check(line) ? PyLong_AsLong(line) : 1);
    PyErr_Clear();
    Py_XDECREF(sentence);
    Py_DECREF(message);
    Py_DECREF(line);
    Py_DECREF(raised);
}

static void call_free(struct step_call *call)
{
    if (!call)
        return;
    for (int i = 0; i < call->npath; i++)
        Py_XDECREF(call->path[i]);
    for (int i = 0; i < call->nargs; i++) {
        Py_XDECREF(call->args[i].constant);
        Py_XDECREF(call->args[i].name);
    }
    Py_XDECREF(call->kwnames);
    free(call);
}

static PyObject *new_or_null(PyObject *object)
{
    return object == Py_None ? NULL : Py_NewRef(object);
}

/* Takes a call of step.py. Returns NULL for None, and for a call that does not fit. */
static struct step_call *take_call(PyObject *row)
{
    PyObject *path, *args, *kwnames;
    if (row == Py_None || !PyArg_ParseTuple(row, "OOO", &path, &args, &kwnames) ||
        PyTuple_GET_SIZE(path) > STEP_PATH || PyTuple_GET_SIZE(args) > STEP_ARGS)
        return NULL;
    struct step_call *call = calloc(1, sizeof *call);
    if (!call)
        return NULL;
    for (; call->npath < PyTuple_GET_SIZE(path); call->npath++)
        call->path[call->npath] = Py_NewRef(PyTuple_GET_ITEM(path, call->npath));
    for (; call->nargs < PyTuple_GET_SIZE(args); call->nargs++) {
        PyObject *arg = PyTuple_GET_ITEM(args, call->nargs);
        if (PyUnicode_Check(arg))
            call->args[call->nargs].name = Py_NewRef(arg);
        else
            call->args[call->nargs].constant = Py_NewRef(PyTuple_GET_ITEM(arg, 0));
    }
    call->kwnames = new_or_null(kwnames);
    return call;
}

static int add_names(PyObject *set, PyObject *names)
{
    PyObject *done = PyObject_CallMethod(set, "update", "O", names);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

/* Adds the periods of a step; with None it has none, and so has the program. */
static int add_periods(struct program *program, PyObject *periods)
{
    if (periods == Py_None)
        program->has_period = false;
    else if (program->periods && PyList_SetSlice(program->periods, 0, 0, periods) < 0)
        return -1;
    return program->periods ? 0 : -1;
}

/* Adds a step of step.py to the body or to the knocked-out ones. Names that only the latter assign do not change in
 * a round. */
static int take_step(struct program *program, struct body *body, PyObject *row)
{
    const char *source;
    PyObject *code, *target, *call, *assigned, *used, *periods;
    int has_result, is_query;
    if (!PyArg_ParseTuple(row, "sOOOOOppO", &source, &code, &target, &call, &assigned, &used, &has_result,
                          &is_query, &periods))
        return -1;
    bool left = false;
    for (unsigned i = 0; i < program->nleave_out; i++)
        left |= strcmp(program->leave_out[i], source) == 0;
    struct body *to = left ? &program->left : body;
    if (list_grow(&to->steps, to->nsteps, sizeof *to->steps) < 0 ||
        (!left && (add_names(program->assigned, assigned) < 0 || add_names(program->used, used) < 0 ||
                   add_periods(program, periods) < 0)))
        return -1;
    to->steps[to->nsteps++] = (struct step){.source = strdup(source),
                                            .code = Py_NewRef(code),
                                            .call = take_call(call),
                                            .target = new_or_null(target),
                                            .has_result = has_result,
                                            .is_query = is_query};
    return 0;
}

static void body_clear(struct body *body)
{
    for (unsigned i = 0; i < body->nsteps; i++) {
        call_free(body->steps[i].call);
        Py_XDECREF(body->steps[i].code);
        Py_XDECREF(body->steps[i].target);
        free(body->steps[i].source);
    }
    free(body->steps);
}

static int parse_text(struct program *program, struct body *body, PyObject *parser, const char *text)
{
    PyObject *rows = PyObject_CallFunction(PyDict_GetItemString(parser, "parse"), "ss", text, SCENE_STEP);
    int error = rows ? 0 : -1;
    for (Py_ssize_t i = 0; !error && i < PyList_GET_SIZE(rows); i++)
        error = take_step(program, body, PyList_GET_ITEM(rows, i));
    Py_XDECREF(rows);
    return error;
}

static void step_python_drop(PyObject *names)
{
    if (names)
        PyDict_Clear(names); /* its functions refer to it */
    Py_XDECREF(names);
}

int program_add(struct program *program, char *const *texts, unsigned n, char *error, size_t error_size)
{
    if (!program->assigned) {
        program->assigned = PySet_New(NULL);
        program->used = PySet_New(NULL);
        program->periods = PyList_New(0);
        program->has_period = true;
    }
    bool grown = list_grow(&program->bodies, program->nbodies, sizeof *program->bodies) == 0;
    PyObject *parser = pycode_run(&step_code);
    if (!grown || !parser) {
        Py_XDECREF(parser);
        return fail(-ENOMEM, error, error_size,
                    "statements cannot be compiled: Python's module ast does not import, or memory is out");
    }
    struct body *body = &program->bodies[program->nbodies++];
    *body = (struct body){0};
    if (program->nbodies > 1)
        body->first = body[-1].first + body[-1].nsteps;
    int result = 0;
    for (unsigned i = 0; i < n && !result; i++)
        if (parse_text(program, body, parser, texts[i]) < 0) {
            describe_syntax_error(texts[i], error, error_size);
            result = -EINVAL;
        }
    body->is_idle = !result && body->nsteps == 0 && program->left.nsteps > 0;
    if (body->is_idle)
        result = parse_text(program, body, parser, "pass");
    if (!result && body->nsteps == 0)
        result =
            fail(-EINVAL, error, error_size, "a step has no statement; write one, or leave the step out");
    step_python_drop(parser);
    return result;
}

static bool set_has(PyObject *set, const char *name)
{
    PyObject *key = PyUnicode_FromString(name);
    bool has = key && PySet_Contains(set, key) == 1;
    Py_XDECREF(key);
    return has;
}

static void finish_step(const struct program *program, struct step *step)
{
    struct step_call *call = step->call;
    /* A callee that a step assigns is looked up in each call, by the code object. */
    if (call && PySet_Contains(program->assigned, call->path[0]) == 1) {
        call_free(call);
        step->call = call = NULL;
    }
    for (int i = 0; call && i < call->nargs; i++) {
        PyObject *name = call->args[i].name;
        call->args[i].changes = name && (PySet_Contains(program->assigned, name) == 1 ||
                                         PyUnicode_CompareWithASCIIString(name, "iteration_index") == 0);
        call->changes |= call->args[i].changes;
    }
}

/* A name in a period that a step assigns makes it no period. */
static bool are_periods_fixed(const struct program *program)
{
    bool fixed = true;
    for (Py_ssize_t i = 0; program->periods && i < PyList_GET_SIZE(program->periods); i++) {
        PyObject *names = PyTuple_GET_ITEM(PyList_GET_ITEM(program->periods, i), 1);
        for (Py_ssize_t k = 0; k < PyList_GET_SIZE(names); k++)
            fixed &= PySet_Contains(program->assigned, PyList_GET_ITEM(names, k)) == 0;
    }
    return fixed;
}

void program_finish(struct program *program)
{
    program->has_period = program->has_period && are_periods_fixed(program);
    program->uses_iteration = program->used && set_has(program->used, "iteration_index");
    program->uses_thread = program->used && set_has(program->used, "thread_index");
    for (unsigned b = 0; b < program->nbodies; b++)
        for (unsigned i = 0; i < program->bodies[b].nsteps; i++)
            finish_step(program, &program->bodies[b].steps[i]);
}

void program_clear(struct program *program)
{
    for (unsigned b = 0; b < program->nbodies; b++)
        body_clear(&program->bodies[b]);
    body_clear(&program->left);
    free(program->bodies);
    Py_XDECREF(program->assigned);
    Py_XDECREF(program->used);
    Py_XDECREF(program->periods);
    *program = (struct program){0};
}

static void send_statement(const struct step *step, const char *source, int64_t number, int64_t role,
                           PyObject *describe, PyObject *names, int wire)
{
    const char *objects = "", *modules = "", *call = "", *owner = "";
    int plain = false;
    PyObject *row = PyObject_CallFunction(describe, "OOs", step->code, names, step->source);
    if (row)
        PyArg_ParseTuple(row, "sspss", &objects, &modules, &plain, &call, &owner);
    RECORD_SEND(wire, RECORD_STATEMENT,
                .values = {[STATEMENT_NUMBER] = number, [STATEMENT_ROLE] = role, [STATEMENT_PLAIN] = plain},
                .texts = {source, objects, modules, call, owner});
    PyErr_Clear();
    Py_XDECREF(row);
}

void program_send(const struct program *program, PyObject *names, int wire)
{
    PyObject *python = pycode_run(&step_code);
    PyObject *describe = python ? PyDict_GetItemString(python, "describe") : NULL;
    for (unsigned b = 0; b < program->nbodies; b++) {
        const struct body *body = &program->bodies[b];
        for (unsigned i = 0; i < body->nsteps; i++)
            send_statement(&body->steps[i], body->is_idle ? "" : body->steps[i].source, body->first + i, b,
                           describe, names, wire);
    }
    for (unsigned i = 0; i < program->left.nsteps; i++)
        send_statement(&program->left.steps[i], program->left.steps[i].source, -1, 0, describe, names, wire);
    step_python_drop(python);
}
