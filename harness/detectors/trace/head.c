/* See head.h. */
#include "detectors/trace/head.h"

#include <Python.h>

#include "base/peek.h"
#include "detectors/common/pyversion.h"

/* Is this the head of a Python object? Its type is an object, too, and the type of that is a type. */
bool head_is_at(uintptr_t at)
{
    PyObject object, type;
    PyTypeObject metatype;
    if (!peek(0, at, &object, sizeof object) || !object.ob_type || !pyversion_has_owner(&object) ||
        !peek(0, (uint64_t)object.ob_type, &type, sizeof type) || !type.ob_type ||
        !peek(0, (uint64_t)type.ob_type, &metatype, sizeof metatype))
        return false;
    return type.ob_type == &PyType_Type || metatype.tp_flags & Py_TPFLAGS_TYPE_SUBCLASS;
}

bool head_contains(uintptr_t word)
{
    for (size_t offset = 0; offset < sizeof(PyObject); offset += sizeof(uint64_t))
        if (head_is_at(word - offset))
            return true;
    return false;
}
