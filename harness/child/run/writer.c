/* See writer.h for the contract. */
#include "child/run/writer.h"

#include <stdio.h>
#include <string.h>

#include "child/space/array.h"
#include "child/python/interp.h"
#include "child/run/run.h"
#include "child/run/worker.h"
#include "core/wire/status.h"

/* What one turn writes of a large array; the next turn goes on behind it. */
#define TURN_BYTES (64u << 10)
/* How often the code is run to learn what it changes. */
#define LESSONS 3

static bool writes_at(const struct run *run, unsigned index)
{
    enum rung rung = run->plan->share;
    return run->writer.any && (rung == RUNG_ALL || (rung == RUNG_ONE_WRITER && index == 0));
}

static bool run_code(const struct run *run, PyObject *names)
{
    PyObject *result = PyEval_EvalCode(run->maker->writer, names, names);
    Py_XDECREF(result);
    return result != NULL;
}

static bool say_raises(const struct run *run)
{
    char reason[256], sentence[384];
    space_say_exception(reason, sizeof reason);
    snprintf(sentence, sizeof sentence, "the writer raises %s; correct it: it runs on one thread first",
             reason);
    run_cannot(run, STATUS_UNTESTED, sentence);
    return false;
}

/* In the serial pass's own space, which is made anew afterwards. */
static bool learn_code(struct run *run)
{
    char sentence[640];
    for (unsigned i = 0; run->maker->writer && i < LESSONS; i++) {
        if (!run_code(run, run->base.names))
            return say_raises(run);
        for (unsigned k = 0; k < run->base.nwatched; k++)
            if (watched_learn(&run->base.watched[k], sentence, sizeof sentence))
                run->base.watched[k].written = true;
    }
    space_remember(run->maker, &run->base);
    return true;
}

/* Other bytes, of the same distribution. */
static void make_variants(struct run *run, unsigned input)
{
    for (unsigned k = 0; k < WRITER_VARIANTS; k++) {
        PyObject *array = array_build(&run->maker->recipes[input], run->plan->seed + 1 + k, input);
        if (!array || watched_take(&run->writer.variants[input][k], "", array) < 0)
            PyErr_Clear();
        Py_XDECREF(array);
    }
}

bool writer_learn(struct run *run)
{
    char names[256] = "";
    if (run->plan->share < RUNG_ONE_WRITER)
        return true;
    if (!learn_code(run))
        return false;
    run->writer.any = run->maker->writer != NULL;
    for (unsigned i = 0; i < run->base.nwatched; i++) {
        const struct watched *watched = &run->base.watched[i];
        if (!watched->written)
            continue;
        if (watched->input)
            make_variants(run, watched->input - 1);
        run->writer.any = true;
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", watched->name);
    }
    if (*names)
        interp_send_fact(run->wire, FACT_WRITES, 0, names);
    return true;
}

void writer_clear(struct run *run)
{
    for (unsigned i = 0; i < PLAN_INPUTS_MAX; i++)
        for (unsigned k = 0; k < WRITER_VARIANTS; k++)
            watched_drop(&run->writer.variants[i][k]);
}

/* An array that a statement reshaped or moved meanwhile is left alone. */
static void write_array(const struct watched *watched, const struct watched *variant, uint64_t turn)
{
    char text[640];
    if (variant->size != watched->size || watched->size == 0 ||
        watched_metadata_differs(watched, text, sizeof text))
        return;
    size_t turns = (watched->size + TURN_BYTES - 1) / TURN_BYTES, from = turn % turns * TURN_BYTES;
    size_t rest = watched->size - from;
    memcpy(watched->low + from, variant->low + from, rest < TURN_BYTES ? rest : TURN_BYTES);
}

void writer_write(struct worker *worker)
{
    const struct run *run = worker->run;
    if (worker->learn || !writes_at(run, worker->index))
        return;
    uint64_t turn = worker->iterations + worker->index;
    for (unsigned i = 0; i < worker->space.nwatched; i++) {
        const struct watched *watched = &worker->space.watched[i];
        if (watched->written && watched->input)
            write_array(watched, &run->writer.variants[watched->input - 1][turn % WRITER_VARIANTS], turn);
    }
    /* An exception is what odd values make of it, and no finding. */
    if (run->maker->writer && !run_code(run, worker->space.names))
        PyErr_Clear();
}
