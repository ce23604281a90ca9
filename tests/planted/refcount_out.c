/* Adds one to each byte of its output, and takes a reference to it that it never releases. */
#include "planted.h"

static PyObject *fill(PyObject *out, bool keep)
{
    Py_buffer buffer;
    if (PyObject_GetBuffer(out, &buffer, PyBUF_WRITABLE) < 0)
        return NULL;
    for (Py_ssize_t i = 0; i < buffer.len; i++)
        ((volatile unsigned char *)buffer.buf)[i]++;
    PyBuffer_Release(&buffer);
    if (keep)
        Py_INCREF(out);
    Py_RETURN_NONE;
}

static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *out)
{
    return fill(out, true);
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *out)
{
    return fill(out, false);
}

PLANTED_MODULE(refcount_out, {"bug", bug, METH_O, NULL}, {"twin", twin, METH_O, NULL})
