/* Shows where the code of a type or function comes from. Attached. */
#pragma once

#include <Python.h>

enum owner {
    OWNER_SETUP,       /* neither of the others */
    OWNER_INTERPRETER, /* a module of the interpreter */
    OWNER_PACKAGE      /* another imported module */
};

enum owner owner_of(PyObject *named);
