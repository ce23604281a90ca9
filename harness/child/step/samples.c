/* See samples.h for the contract. */
#include "child/step/samples.h"

#include <string.h>

#include "base/prng.h"

#define PERIOD_MAX 1024u

/* Returns the number that a period has now, or 0. */
static uint64_t evaluate(const char *source, PyObject *names)
{
    PyObject *value = PyRun_String(source, Py_eval_input, names, names);
    long number = value && PyLong_CheckExact(value) ? PyLong_AsLong(value) : 0;
    PyErr_Clear();
    Py_XDECREF(value);
    return number > 0 && number <= PERIOD_MAX ? (uint64_t)number : 0;
}

static uint64_t divisor(uint64_t a, uint64_t b)
{
    return b ? divisor(b, a % b) : a;
}

/* Returns the least common multiple of all periods; 0 if it is too large, or a number has none. */
static uint64_t find_period(const struct program *program, PyObject *names)
{
    uint64_t all = program->has_period || !program->uses_iteration;
    Py_ssize_t n = program->periods ? PyList_GET_SIZE(program->periods) : 0;
    for (Py_ssize_t i = 0; all && i < n; i++) {
        const char *source = PyUnicode_AsUTF8(PyTuple_GET_ITEM(PyList_GET_ITEM(program->periods, i), 0));
        uint64_t one = source ? evaluate(source, names) : 0;
        all = one ? all / divisor(all, one) * one : 0;
        if (all > PERIOD_MAX)
            all = 0;
    }
    return all;
}

void samples_init(struct samples *samples, const struct plan *plan, const struct program *program,
                  PyObject *names)
{
    memset(samples, 0, sizeof *samples);
    samples->by_thread = program->uses_thread || (plan->thread_setup && *plan->thread_setup);
    samples->lanes = samples->by_thread ? plan->threads : program->nbodies;
    if (samples->by_thread && samples->lanes > SAMPLE_LANES)
        samples->lanes = SAMPLE_LANES;
    samples->period = find_period(program, names);
    samples->n = (unsigned)samples->period;
}

void samples_choose(struct samples *samples, uint64_t first, uint64_t span, unsigned n, uint64_t seed)
{
    if (n > SAMPLES_MAX)
        n = SAMPLES_MAX;
    samples->first = first;
    samples->shift = 0;
    while (n > 0 && span >> samples->shift > n)
        samples->shift++;
    samples->n = n > 0 ? (unsigned)(span >> samples->shift) : 0;
    uint64_t mask = (UINT64_C(1) << samples->shift) - 1;
    for (unsigned i = 0; i < samples->n; i++)
        samples->numbers[i] =
            first + ((uint64_t)i << samples->shift) + (i == 0 ? 0 : prng_mix(seed ^ (first + i)) & mask);
}

unsigned samples_lane(const struct samples *samples, unsigned worker, unsigned roles)
{
    unsigned lane = samples->by_thread ? worker : worker % roles;
    return lane < samples->lanes ? lane : DETECTOR_NO_SAMPLE;
}
