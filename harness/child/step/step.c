/* Binding and running of steps: the hot path of every worker. See step.h for the contract. */
#include "child/step/step.h"
#include "detectors/common/pycompat.h"

/* Returns a strong reference to the value of the name, or NULL without an exception. */
static PyObject *look_up(PyObject *names, PyObject *name)
{
    PyObject *value = NULL;
    if (PyDict_GetItemRef(names, name, &value) != 0)
        return value;
    PyObject *builtins = PyEval_GetBuiltins();
    if (builtins)
        PyDict_GetItemRef(builtins, name, &value);
    PyErr_Clear();
    return value;
}

/* Follows modules by name once: np.repeat is the same function in every call. The attribute of any other object is
 * looked up in each call, because the look-up is under test too. */
static bool bind_callable(struct bound_step *bound, const struct step_call *call, PyObject *names)
{
    PyObject *at = look_up(names, call->path[0]);
    int i = 1;
    while (at && i < call->npath && PyModule_Check(at)) {
        PyObject *next = PyObject_GetAttr(at, call->path[i++]);
        Py_SETREF(at, next);
    }
    if (!at || call->npath - i > 1) {
        PyErr_Clear();
        Py_XDECREF(at);
        return false;
    }
    if (i < call->npath)
        bound->method = call->path[i];
    bound->callable = at;
    return true;
}

static bool bind_args(struct bound_step *bound, const struct step_call *call, PyObject *names)
{
    for (int i = 0; i < call->nargs; i++) {
        const struct step_arg *arg = &call->args[i];
        if (arg->changes)
            continue;
        if (!arg->constant)
            bound->args[i + 2] = look_up(names, arg->name);
        else if (PyFloat_CheckExact(
                     arg->constant)) /* of its own: threads do not contend for its reference count */
            bound->args[i + 2] = PyFloat_FromDouble(PyFloat_AS_DOUBLE(arg->constant));
        else
            bound->args[i + 2] = Py_NewRef(arg->constant);
        if (!bound->args[i + 2])
            return false;
    }
    return true;
}

void step_unbind(struct bound_step *bound)
{
    Py_CLEAR(bound->callable);
    for (int i = 2; i < STEP_ARGS + 2; i++)
        Py_CLEAR(bound->args[i]);
    bound->method = NULL;
    bound->is_plain = false;
}

static bool bind_call(struct bound_step *bound, const struct step_call *call, PyObject *names)
{
    size_t keywords = call->kwnames ? (size_t)PyTuple_GET_SIZE(call->kwnames) : 0;
    bound->nargs = ((size_t)call->nargs - keywords) | PY_VECTORCALL_ARGUMENTS_OFFSET;
    bound->kwnames = call->kwnames;
    if (!bind_callable(bound, call, names) || !bind_args(bound, call, names))
        return false;
    bound->is_plain = !bound->method && !call->changes && !bound->step->target;
    return true;
}

void step_bind(struct bound_step *bound, const struct step *step, PyObject *names)
{
    step_unbind(bound);
    bound->step = step;
    if (step->call && !bind_call(bound, step->call, names))
        step_unbind(bound);
}

/* Looks up the arguments that steps assign. Returns false with NameError set when one is missing. */
static bool refresh_args(struct bound_step *bound, PyObject *names)
{
    const struct step_call *call = bound->step->call;
    for (int i = 0; i < call->nargs; i++) {
        if (!call->args[i].changes)
            continue;
        PyObject *value = look_up(names, call->args[i].name);
        if (!value) {
            PyErr_Format(PyExc_NameError, "name '%U' is not defined", call->args[i].name);
            return false;
        }
        Py_XSETREF(bound->args[i + 2], value);
    }
    return true;
}

/* args[2..] are the arguments, args[1] is a method's object, and the slot before the first is scratch of the callee. */
static PyObject *call_bound(struct bound_step *bound)
{
    if (!bound->method)
        return step_call_plain(bound);
    bound->args[1] = bound->callable;
    PyObject *result =
        PyObject_VectorcallMethod(bound->method, bound->args + 1, bound->nargs + 1, bound->kwnames);
    bound->args[1] = NULL;
    return result;
}

PyObject *step_run(struct bound_step *bound, PyObject *names)
{
    const struct step *step = bound->step;
    if (!bound->callable) {
        PyObject *done = PyEval_EvalCode(step->code, names, names);
        PyObject *value = done && step->target ? look_up(names, step->target) : NULL;
        if (value)
            Py_SETREF(done, value);
        return done;
    }
    if (step->call->changes && !refresh_args(bound, names))
        return NULL;
    PyObject *result = call_bound(bound);
    if (result && step->target && PyDict_SetItem(names, step->target, result) < 0)
        Py_CLEAR(result);
    return result;
}
