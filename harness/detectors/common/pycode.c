/* See pycode.h for the contract. */
#include "detectors/common/pycode.h"

#include <marshal.h>
#include <string.h>

/* In front of the code: the magic number, flags, and a hash of the source. */
#define HEADER 16

/* A library of Python that is newer than the build may read other bytecode. */
static PyObject *read_compiled(const struct pycode *code)
{
    uint32_t magic = (uint32_t)PyImport_GetMagicNumber();
    if (code->end - code->compiled <= HEADER || memcmp(code->compiled, &magic, sizeof magic) != 0)
        return NULL;
    return PyMarshal_ReadObjectFromString(code->compiled + HEADER, code->end - code->compiled - HEADER);
}

PyObject *pycode_run(const struct pycode *code)
{
    PyObject *names = Py_BuildValue("{sO}", "__builtins__", PyEval_GetBuiltins());
    PyObject *compiled = read_compiled(code);
    PyErr_Clear();
    if (!compiled)
        compiled = Py_CompileString(code->source, "<string>", Py_file_input);
    PyObject *result = names && compiled ? PyEval_EvalCode(compiled, names, names) : NULL;
    if (!result)
        Py_CLEAR(names);
    Py_XDECREF(compiled);
    Py_XDECREF(result);
    return names;
}
