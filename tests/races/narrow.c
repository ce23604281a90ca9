/* The module `narrow`: ten races with windows of 2 to 30 instructions. races.py lists them. */
#include "narrow.h"

static int add_races(PyObject *module)
{
    static int (*const adders[])(PyObject *) = {
        narrow_add_aba,        narrow_add_check_then_act,  narrow_add_double_checked, narrow_add_lazy,
        narrow_add_lock_order, narrow_add_lost_update,     narrow_add_order,          narrow_add_publication,
        narrow_add_torn_pair,  narrow_add_reference_count,
    };
    for (size_t i = 0; i < sizeof adders / sizeof *adders; i++)
        if (adders[i](module))
            return -1;
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)add_races},
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "narrow", NULL, 0, NULL, slots, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit_narrow(void)
{
    return PyModuleDef_Init(&definition);
}
