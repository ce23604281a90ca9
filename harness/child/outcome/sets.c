/* See sets.h for the contract. */
#include "child/outcome/sets.h"

#include <errno.h>
#include <string.h>

#include "base/fail.h"
#include "child/outcome/roles.h"
#include "child/space/array.h"
#include "core/wire/status.h"
#include "detectors/common/pycode.h"

PYCODE(outcome_code, FTSTRESS_OUTCOME);

static struct {
    struct run *run;
    PyObject *python; /* the namespace of outcome.py */
    PyObject *code;   /* makes the objects */
    PyObject *kept;   /* dict: what every set has from the start */
    PyObject *shared; /* borrowed from the observer */
} sets;

static PyObject *list_of(char *const *texts, unsigned n)
{
    PyObject *list = PyList_New(0);
    for (unsigned i = 0; list && i < n; i++) {
        PyObject *text = PyUnicode_FromString(texts[i]);
        if (!text || PyList_Append(list, text) < 0)
            Py_CLEAR(list);
        Py_XDECREF(text);
    }
    return list;
}

static PyObject *list_inputs(const struct plan *plan)
{
    PyObject *list = PyList_New(0);
    for (unsigned i = 0; list && i < plan->ninputs; i++) {
        PyObject *name = PyUnicode_FromString(plan->inputs[i].name);
        if (!name || PyList_Append(list, name) < 0)
            Py_CLEAR(list);
        Py_XDECREF(name);
    }
    return list;
}

/* Keeps the modules and functions that imports bound: they are the same in every set. */
static int keep(PyObject *imported, PyObject *names)
{
    sets.kept = Py_BuildValue("{s:O,s:s}", "__builtins__", PyEval_GetBuiltins(), "__name__", "__ftstress__");
    for (Py_ssize_t i = 0; sets.kept && i < PyList_GET_SIZE(imported); i++) {
        PyObject *key = PyList_GET_ITEM(imported, i), *value = PyDict_GetItemWithError(names, key);
        if (value && PyDict_SetItem(sets.kept, key, value) < 0)
            return -1;
    }
    return sets.kept ? 0 : -1;
}

static PyObject *split(const struct plan *plan, PyObject *names)
{
    const char *expressions[2];
    unsigned n = 0;
    if (plan->state)
        expressions[n++] = plan->state;
    if (plan->check)
        expressions[n++] = plan->check;
    PyObject *python = sets.python = pycode_run(&outcome_code);
    return python ? PyObject_CallFunction(PyDict_GetItemString(python, "split"), "sNNNO",
                                          plan->setup ? plan->setup : "", list_inputs(plan),
                                          plan->nroles ? list_of(plan->roles, plan->nroles)
                                                       : list_of(plan->steps, plan->nsteps),
                                          list_of((char *const *)expressions, n), names)
                  : NULL;
}

static int compile_expression(const char *text, const char *option, PyObject **ret_code, char *error,
                              size_t size)
{
    char reason[256];
    *ret_code = text ? Py_CompileString(text, option, Py_eval_input) : NULL;
    if (*ret_code || !text)
        return 0;
    return fail(-EINVAL, error, size, "%s '%.200s' is no expression: %s; correct it", option, text,
                space_exception_text(reason, sizeof reason));
}

int sets_init(struct run *run, struct observer *observer, char *error, size_t size)
{
    char reason[256];
    PyObject *imported;
    sets.run = run;
    if (compile_expression(run->plan->state, "--state", &observer->state, error, size) < 0 ||
        compile_expression(run->plan->check, "--check", &observer->check, error, size) < 0)
        return -EINVAL;
    PyObject *parts = split(run->plan, run->base.names);
    if (!parts || !PyArg_ParseTuple(parts, "OOO", &sets.code, &imported, &observer->shared) ||
        keep(imported, run->base.names) < 0)
        return fail(-EINVAL, error, size, "the setup cannot be split: %s",
                    space_exception_text(reason, sizeof reason));
    Py_INCREF(sets.code);
    sets.shared = Py_NewRef(observer->shared);
    Py_DECREF(parts);
    observer->left_out[OUTCOME_STATE] = !observer->state && PyList_GET_SIZE(observer->shared) == 0;
    return 0;
}

void sets_clear(struct observer *observer)
{
    for (unsigned i = 0; i < SETS_MAX; i++)
        Py_CLEAR(role_stage.sets[i]);
    Py_CLEAR(observer->state);
    Py_CLEAR(observer->check);
    Py_CLEAR(observer->shared);
    Py_CLEAR(sets.code);
    Py_CLEAR(sets.kept);
    if (sets.python)
        PyDict_Clear(sets.python);
    Py_CLEAR(sets.python);
}

static bool make_inputs(PyObject *names)
{
    const struct space_maker *maker = sets.run->maker;
    for (unsigned i = 0; i < maker->plan->ninputs; i++) {
        PyObject *array =
            array_build(&maker->recipes[i], maker->plan->seed, plan_input_stream(maker->plan, i));
        bool failed = !array || PyDict_SetItemString(names, maker->plan->inputs[i].name, array) < 0;
        Py_XDECREF(array);
        if (failed)
            return false;
    }
    return true;
}

bool sets_make(unsigned n)
{
    char reason[512];
    for (unsigned i = 0; i < SETS_MAX; i++)
        Py_CLEAR(role_stage.sets[i]);
    for (role_stage.nsets = 0; role_stage.nsets < n; role_stage.nsets++) {
        PyObject *names = role_stage.sets[role_stage.nsets] = PyDict_Copy(sets.kept);
        if (names && make_inputs(names) && space_run(sets.code, names))
            continue;
        run_cannot(
            sets.run, STATUS_UNTESTED,
            "the setup raises %s when it runs again, and outcomes need fresh objects for each meeting; let it "
            "make new objects each time",
            space_exception_text(reason, sizeof reason));
        return false;
    }
    return true;
}

/* A word of the object's own memory behind its head. */
static uintptr_t draw_word(struct prng *prng, PyObject *object)
{
    uintptr_t from = (uintptr_t)object + sizeof(PyObject);
    Py_ssize_t words =
        (Py_TYPE(object)->tp_basicsize - (Py_ssize_t)sizeof(PyObject)) / (Py_ssize_t)sizeof(uint64_t);
    return words > 0 ? from + prng_next(prng) % (uint64_t)words * sizeof(uint64_t) : 0;
}

void sets_draw_words(struct prng *prng)
{
    Py_ssize_t n = PyList_GET_SIZE(sets.shared);
    for (unsigned i = 0; i < role_stage.nsets; i++) {
        PyObject *name =
            n > 0 ? PyList_GET_ITEM(sets.shared, (Py_ssize_t)(prng_next(prng) % (uint64_t)n)) : NULL;
        PyObject *value = name ? PyDict_GetItemWithError(role_stage.sets[i], name) : NULL;
        role_stage.words[i] = value ? draw_word(prng, value) : 0;
    }
}

void sets_describe(int wire)
{
    const struct plan *plan = sets.run->plan;
    const struct program *program = sets.run->program;
    (void)plan;
    for (unsigned i = 0; i < program->nbodies; i++)
        for (unsigned k = 0; k < program->bodies[i].nsteps; k++) {
            const char *kind = "unclear", *function = "";
            int plain = 0;
            PyObject *row =
                PyObject_CallFunction(PyDict_GetItemString(sets.python, "describe"), "sOO",
                                      program->bodies[i].steps[k].source, sets.run->base.names, sets.shared);
            if (row)
                PyArg_ParseTuple(row, "ssp", &kind, &function, &plain);
            RECORD_SEND(wire, RECORD_ROLE, .values = {[ROLE_NUMBER] = i, [ROLE_PLAIN] = plain},
                        .texts = {program->bodies[i].steps[k].source, kind, function});
            PyErr_Clear();
            Py_XDECREF(row);
        }
}
