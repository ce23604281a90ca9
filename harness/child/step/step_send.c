/* Sends the statements to the driver, which names, pairs and knocks them out by their source. */
#include "child/step/step.h"

#include "core/wire/record.h"

static void send_statement(const struct step *step, const char *source, int64_t number, int64_t role,
                           PyObject *describe, PyObject *names, int wire)
{
    const char *objects = "", *modules = "";
    int plain = false;
    PyObject *row = PyObject_CallFunctionObjArgs(describe, step->code, names, NULL);
    if (row)
        PyArg_ParseTuple(row, "ssp", &objects, &modules, &plain);
    RECORD_SEND(wire, RECORD_STATEMENT,
                .values = {[STATEMENT_NUMBER] = number, [STATEMENT_ROLE] = role, [STATEMENT_PLAIN] = plain},
                .texts = {source, objects, modules});
    PyErr_Clear();
    Py_XDECREF(row);
}

void program_send(const struct program *program, PyObject *names, int wire)
{
    PyObject *python = step_python();
    PyObject *describe = python ? PyDict_GetItemString(python, "describe") : NULL;
    for (unsigned b = 0; b < program->nbodies; b++) {
        const struct body *body = &program->bodies[b];
        for (unsigned i = 0; i < body->nsteps; i++)
            send_statement(&body->steps[i], body->is_idle ? "" : body->steps[i].source, body->first + i, b,
                           describe, names, wire);
    }
    for (unsigned i = 0; i < program->left.nsteps; i++)
        send_statement(&program->left.steps[i], program->left.steps[i].source, -1, 0, describe, names, wire);
    step_python_drop(python);
}
