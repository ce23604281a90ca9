/* Parses text into steps with Python's own parser. */
#include "child/step/step.h"
#include "base/list.h"
#include "core/wire/scene.h"
#include "detectors/common/pycompat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Calls module.function(...) with arguments as in PyObject_CallFunction. */
#define CALL(module, function, ...) PyObject_CallMethod(module, function, __VA_ARGS__)

static bool is_node(PyObject *node, const char *kind)
{
    return strcmp(Py_TYPE(node)->tp_name, kind) == 0 ||
           (strncmp(Py_TYPE(node)->tp_name, "ast.", 4) == 0 && strcmp(Py_TYPE(node)->tp_name + 4, kind) == 0);
}

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

/* Splits np.linalg.norm into its names, outermost first. Returns false for other expressions. */
static bool parse_path(PyObject *node, struct step_call *call)
{
    PyObject *reversed[8];
    int n = 0;
    node = Py_NewRef(node);
    while (is_node(node, "Attribute") && n < 7) {
        PyObject *inner = field(node, "value");
        reversed[n++] = field(node, "attr");
        Py_SETREF(node, inner);
    }
    bool simple = is_node(node, "Name");
    reversed[n++] = simple ? field(node, "id") : Py_NewRef(Py_None);
    Py_DECREF(node);
    for (int i = 0; i < n; i++)
        call->path[i] = reversed[n - 1 - i];
    call->npath = n;
    return simple;
}

/* No call can change the value; a list, for example, would have to be new in each call. */
static bool is_immutable(PyObject *value)
{
    if (PyTuple_CheckExact(value)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(value); i++)
            if (!is_immutable(PyTuple_GET_ITEM(value, i)))
                return false;
        return true;
    }
    return value == Py_None || PyBool_Check(value) || PyLong_CheckExact(value) || PyFloat_CheckExact(value) ||
           PyComplex_CheckExact(value) || PyUnicode_CheckExact(value) || PyBytes_CheckExact(value);
}

static bool parse_arg(PyObject *ast, PyObject *node, struct step_arg *arg)
{
    if (is_node(node, "Name")) {
        arg->name = field(node, "id");
        return true;
    }
    arg->constant = CALL(ast, "literal_eval", "O", node);
    if (arg->constant && is_immutable(arg->constant))
        return true;
    PyErr_Clear();
    return false;
}

static bool parse_positional(PyObject *ast, PyObject *list, struct step_call *call)
{
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++)
        if (call->nargs == STEP_ARGS || !parse_arg(ast, PyList_GET_ITEM(list, i), &call->args[call->nargs++]))
            return false;
    return true;
}

static bool parse_keywords(PyObject *ast, PyObject *list, struct step_call *call)
{
    Py_ssize_t n = PyList_GET_SIZE(list);
    if (n == 0)
        return true;
    call->kwnames = PyTuple_New(n);
    if (!call->kwnames)
        return false;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *name = field(PyList_GET_ITEM(list, i), "arg");
        PyObject *value = field(PyList_GET_ITEM(list, i), "value");
        PyTuple_SET_ITEM(call->kwnames, i, name);
        bool simple =
            name != Py_None && call->nargs < STEP_ARGS && parse_arg(ast, value, &call->args[call->nargs++]);
        Py_DECREF(value);
        if (!simple)
            return false;
    }
    return true;
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

/* Returns NULL unless the node is a plain call; the code object then runs. */
static struct step_call *parse_call(PyObject *ast, PyObject *node)
{
    if (!is_node(node, "Call"))
        return NULL;
    struct step_call *call = calloc(1, sizeof *call);
    PyObject *function = field(node, "func"), *args = field(node, "args"),
             *keywords = field(node, "keywords");
    bool plain = call && parse_path(function, call) && parse_positional(ast, args, call) &&
                 parse_keywords(ast, keywords, call);
    Py_DECREF(function);
    Py_DECREF(args);
    Py_DECREF(keywords);
    if (plain)
        return call;
    PyErr_Clear();
    call_free(call);
    return NULL;
}

/* Returns the only name that `y = ...` assigns, or NULL. */
static PyObject *parse_target(PyObject *node)
{
    if (!is_node(node, "Assign"))
        return NULL;
    PyObject *targets = field(node, "targets"), *name = NULL;
    if (PyList_GET_SIZE(targets) == 1 && is_node(PyList_GET_ITEM(targets, 0), "Name"))
        name = field(PyList_GET_ITEM(targets, 0), "id");
    Py_DECREF(targets);
    return name;
}

/* Compiles one statement. An expression is compiled as such, so that its value is the result. */
static PyObject *compile_node(PyObject *ast, PyObject *builtins, PyObject *node, bool is_expression)
{
    PyObject *tree = NULL, *code = NULL;
    if (is_expression) {
        PyObject *value = field(node, "value");
        tree = CALL(ast, "Expression", "O", value);
        Py_DECREF(value);
    } else {
        tree = CALL(ast, "Module", "[O][]", node);
    }
    if (tree)
        code = CALL(builtins, "compile", "Oss", tree, SCENE_STEP, is_expression ? "eval" : "exec");
    Py_XDECREF(tree);
    return code;
}

/* Collects names: those with a Load context are used, the others (targets, imports, definitions) are assigned. */
static int collect_names(struct program *program, PyObject *ast, PyObject *node)
{
    PyObject *walk = CALL(ast, "walk", "O", node), *child;
    while (walk && (child = PyIter_Next(walk))) {
        PyObject *context = field(child, "ctx"), *name = field(child, is_node(child, "Name") ? "id" : "name");
        bool load = is_node(child, "Name") && is_node(context, "Load");
        if (PyUnicode_Check(name))
            PySet_Add(load ? program->used : program->assigned, name);
        PyObject *as_name = field(child, "asname");
        if (PyUnicode_Check(as_name))
            PySet_Add(program->assigned, as_name);
        Py_DECREF(as_name);
        Py_DECREF(context);
        Py_DECREF(name);
        Py_DECREF(child);
    }
    Py_XDECREF(walk);
    return PyErr_Occurred() ? -1 : 0;
}

static int parse_statement(struct step *step, PyObject *ast, PyObject *builtins, PyObject *node)
{
    step->is_expression = is_node(node, "Expr");
    PyObject *value = field(node, "value"), *text = CALL(ast, "unparse", "O", node);
    const char *utf8 = text ? PyUnicode_AsUTF8(text) : NULL;
    step->source = strdup(utf8 ? utf8 : "?");
    step->target = parse_target(node);
    if (value != Py_None && (step->is_expression || step->target))
        step->call = parse_call(ast, value);
    step->code = compile_node(ast, builtins, node, step->is_expression);
    Py_DECREF(value);
    Py_XDECREF(text);
    return step->code ? 0 : -1;
}

static bool is_left_out(const struct program *program, const char *source)
{
    for (unsigned i = 0; i < program->nleave_out; i++)
        if (strcmp(program->leave_out[i], source) == 0)
            return true;
    return false;
}

/* Adds the step to the body or to the knocked-out ones. Names that only the latter assign do not change in a round. */
static int add_step(struct program *program, struct body *body, const struct step *step, PyObject *ast,
                    PyObject *node)
{
    bool left = is_left_out(program, step->source);
    struct step **list = left ? &program->left : &body->steps;
    unsigned *n = left ? &program->nleft : &body->nsteps;
    if (list_grow(list, *n, sizeof *step) < 0 || (!left && collect_names(program, ast, node) < 0))
        return -1;
    (*list)[(*n)++] = *step;
    return 0;
}

static void step_clear(struct step *step)
{
    call_free(step->call);
    Py_XDECREF(step->code);
    Py_XDECREF(step->target);
    free(step->source);
}

static int parse_text(struct program *program, struct body *body, const char *text, PyObject *ast,
                      PyObject *builtins)
{
    PyObject *tree = CALL(ast, "parse", "s", text);
    PyObject *list = tree ? field(tree, "body") : NULL;
    int error = tree ? 0 : -1;
    for (Py_ssize_t i = 0; !error && i < PyList_GET_SIZE(list); i++) {
        struct step step = {0};
        PyObject *node = PyList_GET_ITEM(list, i);
        if (parse_statement(&step, ast, builtins, node) == 0)
            error = add_step(program, body, &step, ast, node);
        else
            error = -1;
        if (error)
            step_clear(&step);
    }
    Py_XDECREF(list);
    Py_XDECREF(tree);
    return error;
}

int program_add(struct program *program, char *const *texts, unsigned n, char *error, size_t error_size)
{
    if (!program->assigned) {
        program->assigned = PySet_New(NULL);
        program->used = PySet_New(NULL);
    }
    bool grown = list_grow(&program->bodies, program->nbodies, sizeof *program->bodies) == 0;
    PyObject *ast = PyImport_ImportModule("ast"), *builtins = PyImport_ImportModule("builtins");
    if (!grown || !ast || !builtins) {
        snprintf(error, error_size,
                 "statements cannot be compiled: Python's module ast does not import, or memory is out");
        Py_XDECREF(ast);
        Py_XDECREF(builtins);
        return -ENOMEM;
    }
    struct body *body = &program->bodies[program->nbodies++];
    *body = (struct body){0};
    if (program->nbodies > 1)
        body->first = body[-1].first + body[-1].nsteps;
    int result = 0;
    for (unsigned i = 0; i < n && !result; i++)
        if (parse_text(program, body, texts[i], ast, builtins) < 0) {
            describe_syntax_error(texts[i], error, error_size);
            result = -EINVAL;
        }
    if (!result && body->nsteps == 0 && program->nleft > 0)
        result = parse_text(program, body, "pass", ast, builtins);
    if (!result && body->nsteps == 0) {
        snprintf(error, error_size, "a step has no statement; write one, or leave the step out");
        result = -EINVAL;
    }
    Py_DECREF(ast);
    Py_DECREF(builtins);
    return result;
}

static bool set_has(PyObject *set, const char *name)
{
    PyObject *key = PyUnicode_FromString(name);
    bool has = key && PySet_Contains(set, key) == 1;
    Py_XDECREF(key);
    return has;
}

static void mark_changing(const struct program *program, struct step_call *call)
{
    for (int i = 0; i < call->nargs; i++) {
        PyObject *name = call->args[i].name;
        call->args[i].changes = name && (PySet_Contains(program->assigned, name) == 1 ||
                                         PyUnicode_CompareWithASCIIString(name, "iteration_index") == 0);
    }
}

void program_finish(struct program *program)
{
    program->uses_iteration = program->used && set_has(program->used, "iteration_index");
    program->uses_thread = program->used && set_has(program->used, "thread_index");
    for (unsigned b = 0; b < program->nbodies; b++)
        for (unsigned i = 0; i < program->bodies[b].nsteps; i++) {
            struct step *step = &program->bodies[b].steps[i];
            if (!step->call)
                continue;
            /* A callee that a step assigns is looked up in each call, by the code object. */
            if (PySet_Contains(program->assigned, step->call->path[0]) == 1) {
                call_free(step->call);
                step->call = NULL;
            } else {
                mark_changing(program, step->call);
            }
        }
}

void program_clear(struct program *program)
{
    for (unsigned b = 0; b < program->nbodies; b++) {
        for (unsigned i = 0; i < program->bodies[b].nsteps; i++)
            step_clear(&program->bodies[b].steps[i]);
        free(program->bodies[b].steps);
    }
    for (unsigned i = 0; i < program->nleft; i++)
        step_clear(&program->left[i]);
    free(program->left);
    free(program->bodies);
    Py_XDECREF(program->assigned);
    Py_XDECREF(program->used);
    *program = (struct program){0};
}
