/* The smallest scenario: it does nothing, and so measures the harness itself. Copy it to begin your own. */
#include <ftstress/scenario.h>

static PyObject *null_step(const struct ft_worker *worker, void *state)
{
    (void)worker;
    (void)state;
    Py_RETURN_NONE;
}

const struct ft_scenario null_scenario = {
    .name = "null",
    .step = null_step,
};
