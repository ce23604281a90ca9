#include "child/run/writer.h"

#include <string.h>

#include "base/text.h"
#include "child/space/array.h"
#include "child/run/run.h"
#include "child/run/worker.h"
#include "core/wire/status.h"

/* Bytes of a large array that one turn writes; the next turn continues behind them. */
#define TURN_BYTES (64u << 10)
/* Runs of the code to learn which arrays it changes. */
#define LESSONS 3

/* In the space of the serial pass, which is dropped afterwards. */
static bool learn_code(struct run *run)
{
    char text[640];
    for (unsigned i = 0; run->maker->writer && i < LESSONS; i++) {
        if (!space_run(run->maker->writer, run->base.names)) {
            run_cannot(run, STATUS_UNTESTED, "the writer raises %s; correct it: it runs on one thread first",
                       space_exception_text(text, sizeof text));
            return false;
        }
        for (unsigned k = 0; k < run->base.nwatched; k++)
            if (watched_learn(&run->base.watched[k], text, sizeof text))
                run->base.watched[k].written = true;
    }
    return true;
}

/* Makes arrays with other bytes of the same distribution. */
static void make_variants(struct run *run, unsigned input)
{
    for (unsigned k = 0; k < WRITER_VARIANTS; k++) {
        PyObject *array = array_build(&run->maker->recipes[input], run->plan->seed + 1 + k,
                                      plan_input_stream(run->plan, input));
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
        text_add(names, sizeof names, ", ", "%s", watched->name);
    }
    space_remember(run->maker, &run->base);
    if (run->writer.any)
        space_loosen(run->maker, &run->base);
    if (*names)
        RECORD_SEND(run->wire, RECORD_FACT, .values = {[FACT_KIND] = FACT_WRITES}, .texts = {names});
    return true;
}

void writer_clear(struct run *run)
{
    for (unsigned i = 0; i < PLAN_INPUTS_MAX; i++)
        for (unsigned k = 0; k < WRITER_VARIANTS; k++)
            watched_drop(&run->writer.variants[i][k]);
}

/* Skips an array that a statement has reshaped or moved. */
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
    enum rung rung = run->plan->share;
    bool writes = rung == RUNG_ALL || (rung == RUNG_ONE_WRITER && worker->index == 0);
    if (worker->learn || !writes)
        return;
    uint64_t turn = worker->iterations + worker->index;
    for (unsigned i = 0; i < worker->space.nwatched; i++) {
        const struct watched *watched = &worker->space.watched[i];
        if (watched->written && watched->input)
            write_array(watched, &run->writer.variants[watched->input - 1][turn % WRITER_VARIANTS], turn);
    }
    /* Values that other threads change may make it raise: no finding. */
    if (run->maker->writer && !space_run(run->maker->writer, worker->space.names))
        PyErr_Clear();
}
