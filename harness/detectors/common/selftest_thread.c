/* Rows about threads: their states, frames and locks. See selftest.h for the contract. */
#include "detectors/common/selftest.h"

#include <stdlib.h>
#include <string.h>

#include "detectors/common/pycompat.h"

bool selftest_states(struct selftest *test)
{
    PyThreadState *state = PyThreadState_Get();
    if (state->interp != PyThreadState_GetInterpreter(state) || state->id != PyThreadState_GetID(state))
        return selftest_fail(test, "a thread state names another interpreter, or another number");
    if (PyGILState_GetThisThreadState() != state)
        return selftest_fail(test, "a thread does not find its own state");
    return true;
}

static struct scene_page *page;

static PyObject *look(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(none))
{
    pyversion_write_frames(page);
    Py_RETURN_NONE;
}

static PyMethodDef look_method = {"look", look, METH_NOARGS, NULL};
static const char source[] = "def inner(look):\n    look()\n\ndef outer(look):\n    inner(look)\n";
static const struct {
    const char *function;
    int line;
} expected[] = {{"inner", 2}, {"outer", 5}};

/* Calls the functions of the source, which write their frames to the page. */
static void call_functions(void)
{
    PyObject *names = PyDict_New(), *look = PyCFunction_New(&look_method, NULL);
    PyObject *done = names && look ? PyRun_String(source, Py_file_input, names, names) : NULL;
    PyObject *outer = done ? PyDict_GetItemString(names, "outer") : NULL;
    PyObject *result = outer ? PyObject_CallOneArg(outer, look) : NULL;
    Py_XDECREF(result);
    Py_XDECREF(done);
    Py_XDECREF(look);
    Py_XDECREF(names);
}

/* Does a tracer, or a tool of sys.monitoring, keep lines of its own? Frames have no lines then. */
static bool is_traced(void)
{
    static const char query[] =
        "import sys\n"
        "tools = getattr(sys, 'monitoring', None)\n"
        "traced = sys.gettrace() is not None or tools and any(map(tools.get_tool, range(6)))\n";
    PyObject *names = PyDict_New();
    PyObject *done = names ? PyRun_String(query, Py_file_input, names, names) : NULL;
    PyObject *traced = done ? PyDict_GetItemString(names, "traced") : NULL;
    bool is = traced && PyObject_IsTrue(traced) == 1;
    Py_XDECREF(done);
    Py_XDECREF(names);
    return is;
}

static bool is_right(const struct scene_python *frame, unsigned i)
{
    return strcmp(frame->function, expected[i].function) == 0 &&
           (frame->line == expected[i].line || (frame->line == 0 && is_traced()));
}

bool selftest_frames(struct selftest *test)
{
    bool holds = true;
    page = calloc(1, sizeof *page);
    if (!page)
        return selftest_fail(test, "no memory is left");
    call_functions();
    for (unsigned i = 0; i < sizeof expected / sizeof *expected && holds; i++) {
        const struct scene_python *frame = &page->python[i];
        holds = is_right(frame, i) ||
                selftest_fail(test, "frame %u is read as line %d of '%.20s', and is line %d of %s", i,
                              frame->line, frame->function, expected[i].line, expected[i].function);
    }
    if (holds && page->npython != sizeof expected / sizeof *expected)
        holds = selftest_fail(test, "%u frames are read instead of 2", page->npython);
    free(page);
    page = NULL;
    return holds;
}

bool selftest_sections(struct selftest *test)
{
#ifdef Py_GIL_DISABLED
    uint8_t inside, outside;
    PyObject *object = PySet_New(NULL);
    if (!object)
        return selftest_fail(test, "no memory is left");
    Py_BEGIN_CRITICAL_SECTION(object);
    inside = object->ob_mutex._bits;
    Py_END_CRITICAL_SECTION();
    outside = object->ob_mutex._bits;
    Py_DECREF(object);
    if (inside != 1 || outside != 0)
        return selftest_fail(test, "the lock of an object is %u in a critical section, and %u behind it",
                             inside, outside);
#else
    (void)test;
#endif
    return true;
}
