/* Rows about objects: their fields and their reference counts. See selftest.h for the contract. */
#include "detectors/common/selftest.h"

#include <string.h>

#include "detectors/common/pycompat.h"

bool selftest_version(struct selftest *test)
{
    if (Py_Version >> 16 != PY_VERSION_HEX >> 16)
        return selftest_fail(test, "the headers are of %d.%d, and the library is %lu.%lu", PY_MAJOR_VERSION,
                             PY_MINOR_VERSION, Py_Version >> 24, Py_Version >> 16 & 0xff);
    PyObject *flags = PySys_GetObject("abiflags");
    const char *text = flags ? PyUnicode_AsUTF8(flags) : NULL;
    bool is_free = text && strchr(text, 't');
    if (is_free != pyversion_is_free_threaded())
        return selftest_fail(test, "the headers are %sfree-threaded, and the library is %s",
                             is_free ? "not " : "", is_free ? "so" : "not");
    return true;
}

bool selftest_objects(struct selftest *test)
{
    const struct {
        const PyTypeObject *type;
        size_t size;
    } sizes[] = {
        {&PyBaseObject_Type, sizeof(PyObject)},
        {&PyFloat_Type, sizeof(PyFloatObject)},
        {&PyList_Type, sizeof(PyListObject)},
        {&PyDict_Type, sizeof(PyDictObject)},
        {&PyTuple_Type, offsetof(PyTupleObject, ob_item)},
        {&PyBytes_Type, offsetof(PyBytesObject, ob_sval) + 1},
        {&PyByteArray_Type, sizeof(PyByteArrayObject)},
        {&PyUnicode_Type, sizeof(PyUnicodeObject)},
        {&PyCode_Type, offsetof(PyCodeObject, co_code_adaptive)},
        {&PyType_Type, sizeof(PyHeapTypeObject)},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if ((size_t)sizes[i].type->tp_basicsize != sizes[i].size)
            return selftest_fail(test, "an object of type %s has %zd bytes, not %zu", sizes[i].type->tp_name,
                                 sizes[i].type->tp_basicsize, sizes[i].size);
    return true;
}

/* The interpreter's own count: sys.getrefcount, called from C, counts no reference of the call. -1: there is none. */
static Py_ssize_t count_of(PyObject *object)
{
    PyObject *function = PySys_GetObject("getrefcount");
    PyObject *count = function ? PyObject_CallOneArg(function, object) : NULL;
    Py_ssize_t n = count ? PyLong_AsSsize_t(count) : -1;
    Py_XDECREF(count);
    return n;
}

static bool check_counts(struct selftest *test, PyObject *object)
{
    Py_ssize_t count = 0;
    enum { MORE = 5 };
    for (int more = 0; more <= MORE; more += MORE) {
        test->layout->add_references(object, more);
        enum pyobject_references kind = test->layout->references(object, &count);
        Py_ssize_t counted = count_of(object);
        test->layout->add_references(object, -more);
        if (kind != PYOBJECT_COUNTED || count != 1 + more || counted != count)
            return selftest_fail(test,
                                 "a new object with %d references counts as having %zd, and the interpreter "
                                 "counts %zd",
                                 1 + more, count, counted);
    }
    return true;
}

#ifdef Py_GIL_DISABLED
/* References that another thread would add. */
static bool check_shared(struct selftest *test, PyObject *object)
{
    enum { MORE = 3 };
    Py_ssize_t count = 0;
    __atomic_fetch_add(&object->ob_ref_shared, MORE << _Py_REF_SHARED_SHIFT, __ATOMIC_RELAXED);
    test->layout->references(object, &count);
    Py_ssize_t counted = count_of(object);
    __atomic_fetch_sub(&object->ob_ref_shared, MORE << _Py_REF_SHARED_SHIFT, __ATOMIC_RELAXED);
    return (count == 1 + MORE && counted == count) ||
           selftest_fail(test, "%d shared references count as %zd, and the interpreter counts %zd", MORE,
                         count - 1, counted - 1);
}

/* Functions have deferred counts, or are immortal. */
static bool check_deferred(struct selftest *test)
{
    Py_ssize_t count;
    PyObject *names = PyDict_New();
    PyObject *done = names ? PyRun_String("def f(): pass", Py_file_input, names, names) : NULL;
    PyObject *function = done ? PyDict_GetItemString(names, "f") : NULL;
    enum pyobject_references kind = function ? test->layout->references(function, &count) : PYOBJECT_COUNTED;
    Py_XDECREF(done);
    Py_XDECREF(names);
    return kind != PYOBJECT_COUNTED || selftest_fail(test, "a function has no mark of deferred references");
}
#else
static bool check_shared(struct selftest *test, PyObject *object)
{
    (void)test;
    (void)object;
    return true;
}

static bool check_deferred(struct selftest *test)
{
    (void)test;
    return true;
}
#endif

bool selftest_references(struct selftest *test)
{
    Py_ssize_t count;
    PyObject *object = PySet_New(NULL);
    bool holds = object && check_counts(test, object) && check_shared(test, object) && check_deferred(test);
    Py_XDECREF(object);
#if PY_VERSION_HEX >= 0x030c0000
    if (holds && test->layout->references(Py_None, &count) != PYOBJECT_IMMORTAL)
        return selftest_fail(test, "None has no mark of an immortal object");
#else
    (void)count;
#endif
    return holds;
}

bool selftest_owners(struct selftest *test)
{
    PyObject *object = PySet_New(NULL);
    bool holds = object && pyversion_has_owner(object);
#ifdef Py_GIL_DISABLED
    if (holds) {
        PyObject head = *object;
        head.ob_tid = sizeof head; /* the address of no thread */
        holds = !pyversion_has_owner(&head) && _Py_IsOwnedByCurrentThread(object);
    }
#endif
    Py_XDECREF(object);
    return holds || selftest_fail(test, "a new object does not name the thread that made it");
}
