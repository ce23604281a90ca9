/* Exceptions that the statements raise on purpose, by the plan's key `raises`. */
#include "child/run/run.h"
#include "detectors/leak/census.h"

bool run_declares(const struct run *run, PyObject *raised)
{
    PyObject *bases = Py_TYPE(raised)->tp_mro;
    char name[256];
    for (Py_ssize_t i = 0; run->plan->nraises > 0 && i < PyTuple_GET_SIZE(bases); i++) {
        census_type_name((PyTypeObject *)PyTuple_GET_ITEM(bases, i), name, sizeof name);
        if (plan_declares(run->plan, name))
            return true;
    }
    return false;
}
