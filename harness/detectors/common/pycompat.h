/* Functions of CPython's C API that are newer than 3.11, the oldest CPython of a child, for older versions. Same
 * contracts as in CPython's documentation. Attached. */
#pragma once

#include <Python.h>

#if PY_VERSION_HEX < 0x030c0000
static inline PyObject *PyType_GetDict(PyTypeObject *type)
{
    return Py_XNewRef(type->tp_dict);
}

/* No int is: callers take their long way. */
static inline int PyUnstable_Long_IsCompact(const PyLongObject *value)
{
    (void)value;
    return 0;
}

static inline Py_ssize_t PyUnstable_Long_CompactValue(const PyLongObject *value)
{
    (void)value;
    return 0;
}

static inline PyObject *PyErr_GetRaisedException(void)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (type)
        PyErr_NormalizeException(&type, &value, &traceback);
    if (value && traceback)
        PyException_SetTraceback(value, traceback);
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

static inline void PyErr_SetRaisedException(PyObject *exception)
{
    PyErr_SetObject((PyObject *)Py_TYPE(exception), exception);
    Py_DECREF(exception);
}

#include <structmember.h>
#define Py_T_OBJECT_EX T_OBJECT_EX
#define _Py_T_OBJECT T_OBJECT
#define Py_READONLY READONLY

/* In 3.11 an object has a header for its dict only. */
#define Py_TPFLAGS_PREHEADER Py_TPFLAGS_MANAGED_DICT

/* 3.11 has no walk over the tracked objects. */
#define PYCOMPAT_NO_GC_VISIT 1
static inline void PyUnstable_GC_VisitObjects(int (*visit)(PyObject *, void *), void *argument)
{
    (void)visit;
    (void)argument;
}
#else
#define PYCOMPAT_NO_GC_VISIT 0
#endif

#if PY_VERSION_HEX < 0x030d0000
static inline int PyDict_GetItemRef(PyObject *dict, PyObject *key, PyObject **ret_value)
{
    *ret_value = Py_XNewRef(PyDict_GetItemWithError(dict, key));
    return *ret_value ? 1 : PyErr_Occurred() ? -1 : 0;
}

static inline PyObject *PyList_GetItemRef(PyObject *list, Py_ssize_t i)
{
    return Py_XNewRef(PyList_GetItem(list, i));
}

/* Signed, in native byte order; fails if the value does not fit. */
#define Py_ASNATIVEBYTES_DEFAULTS (-1)
static inline Py_ssize_t PyLong_AsNativeBytes(PyObject *value, void *bytes, Py_ssize_t n, int flags)
{
    (void)flags;
    return _PyLong_AsByteArray((PyLongObject *)value, bytes, (size_t)n, 1, 1) < 0 ? -1 : n;
}

#define Py_BEGIN_CRITICAL_SECTION(object) {
#define Py_END_CRITICAL_SECTION() }

/* The GIL is the lock: no code releases it while it holds one of these. */
typedef char PyMutex;
static inline void PyMutex_Lock(PyMutex *mutex)
{
    (void)mutex;
}

static inline void PyMutex_Unlock(PyMutex *mutex)
{
    (void)mutex;
}
#endif

/* Attributes behind the object, without a dict; since 3.13. */
#ifdef Py_TPFLAGS_INLINE_VALUES
#define PYCOMPAT_INLINE_VALUES Py_TPFLAGS_INLINE_VALUES
#else
#define PYCOMPAT_INLINE_VALUES 0
#endif

/* Bytes before an object with Py_TPFLAGS_PREHEADER: pointers to its dict and its weak references. */
#define PYCOMPAT_PREHEADER (2 * sizeof(PyObject *))
