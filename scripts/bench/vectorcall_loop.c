/* The fastest loop that calls a function from many threads: PyObject_Vectorcall on the same objects, and nothing around it.
 *
 * The loops run attached, and detach for a moment every POLL calls, as a stop-the-world collection needs. `stop` ends them;
 * the caller of run() waits detached. */
#include <Python.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum { ARGS_MAX = 8, POLL = 64 };

struct loop {
    _Alignas(128) pthread_t thread;
    PyInterpreterState *interpreter;
    PyObject *callable, **args;
    Py_ssize_t nargs;
    atomic_bool *stop;
    long calls;
    bool failed;
};

static void *loop_main(void *argument)
{
    struct loop *loop = argument;
    PyThreadState *state = PyThreadState_New(loop->interpreter);
    PyEval_RestoreThread(state);
    PyObject *args[ARGS_MAX + 1] = {NULL};
    for (Py_ssize_t i = 0; i < loop->nargs; i++)
        args[i + 1] = loop->args[i];
    long calls = 0;
    while (!loop->failed && !atomic_load_explicit(loop->stop, memory_order_relaxed)) {
        for (int i = 0; i < POLL && !loop->failed; i++, calls++) {
            PyObject *result = PyObject_Vectorcall(
                loop->callable, args + 1, (size_t)loop->nargs | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
            loop->failed = !result;
            Py_XDECREF(result);
        }
        PyEval_RestoreThread(PyEval_SaveThread());
    }
    loop->calls = calls;
    PyErr_Clear();
    PyThreadState_Clear(state);
    PyThreadState_DeleteCurrent();
    return NULL;
}

/* run(threads, seconds, callable, *args): returns the number of calls that all threads made. */
static PyObject *run(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    if (nargs < 3 || nargs - 3 > ARGS_MAX)
        return PyErr_Format(PyExc_TypeError, "run(threads, seconds, callable, *args) takes up to %d args",
                            ARGS_MAX);
    long threads = PyLong_AsLong(args[0]), calls = 0;
    double seconds = PyFloat_AsDouble(args[1]);
    struct loop *loops =
        PyErr_Occurred() ? NULL : aligned_alloc(_Alignof(struct loop), threads * sizeof *loops);
    if (!loops)
        return PyErr_Occurred() ? NULL : PyErr_NoMemory();
    atomic_bool stop = false;
    bool failed = false;
    for (long i = 0; i < threads; i++) {
        loops[i] = (struct loop){.interpreter = PyInterpreterState_Get(),
                                 .callable = args[2],
                                 .stop = &stop,
                                 .args = (PyObject **)args + 3,
                                 .nargs = nargs - 3};
        if (pthread_create(&loops[i].thread, NULL, loop_main, &loops[i]))
            abort();
    }
    Py_BEGIN_ALLOW_THREADS;
    usleep((useconds_t)(seconds * 1e6));
    atomic_store(&stop, true);
    for (long i = 0; i < threads; i++) {
        pthread_join(loops[i].thread, NULL);
        calls += loops[i].calls;
        failed |= loops[i].failed;
    }
    Py_END_ALLOW_THREADS;
    free(loops);
    return failed ? PyErr_Format(PyExc_RuntimeError, "a call raised") : PyLong_FromLong(calls);
}

static PyMethodDef functions[] = {{"run", (PyCFunction)(void *)run, METH_FASTCALL, NULL},
                                  {NULL, NULL, 0, NULL}};
static PyModuleDef_Slot slots[] = {{Py_mod_gil, Py_MOD_GIL_NOT_USED}, {0, NULL}};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "vectorcall_loop", NULL, 0, functions, slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_vectorcall_loop(void)
{
    return PyModuleDef_Init(&definition);
}
