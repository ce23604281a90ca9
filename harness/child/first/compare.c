/* See compare.h for the contract. */
#include "child/first/compare.h"

#include <stdio.h>
#include <string.h>

#include "child/run/worker.h"
#include "detectors/result/image.h"

#define AFTER " on one thread after the first calls of all threads"

static struct compare_table *table;

void compare_use(struct compare_table *shared)
{
    table = shared;
}

static struct compare_entry *entry_of(unsigned thread, uint64_t iteration, unsigned step)
{
    if (thread >= COMPARE_THREADS || iteration >= COMPARE_CALLS || step >= COMPARE_STEPS)
        return NULL;
    return &table->entries[thread][iteration][step];
}

static struct image_inputs inputs_of(const struct worker *worker)
{
    return (struct image_inputs){.watched = worker->call.watched, .n = worker->call.nwatched};
}

const char *compare_why(unsigned role, unsigned step)
{
    return role < COMPARE_THREADS && step < COMPARE_STEPS ? table->why[role][step] : "";
}

static void refute(struct compare_entry *entry, const struct worker *worker, unsigned step, const char *why)
{
    char *text = table->why[worker->call.role % COMPARE_THREADS][step];
    size_t size = sizeof table->why[0][0];
    entry->state = COMPARE_REFUTED;
    if (!*text)
        snprintf(text, size, "%.*s", (int)size - 1, why);
}

static void take(struct compare_entry *entry, const struct worker *worker, unsigned step, PyObject *result)
{
    struct image image;
    struct image_inputs inputs = inputs_of(worker);
    char text[512];
    if (image_take(&image, result, &inputs, text, sizeof text) < 0) {
        refute(entry, worker, step, text);
        return;
    }
    if (image.size > COMPARE_POOL - table->used) {
        refute(entry, worker, step, "the results take too much memory");
    } else {
        *entry = (struct compare_entry){COMPARE_VALUE, (uint32_t)image.size, table->used};
        if (image.size > 0)
            memcpy(table->pool + table->used, image.bytes, image.size);
        table->used += image.size;
    }
    image_clear(&image);
}

static enum image_verdict compare(const struct compare_entry *entry, const struct worker *worker,
                                  PyObject *result, char *text, size_t size)
{
    const struct image image = {.bytes = table->pool + entry->offset, .size = entry->size};
    struct image_inputs inputs = inputs_of(worker);
    return image_compare(&image, result, &inputs, text, size);
}

void compare_learn(struct worker *worker, unsigned step, PyObject *result)
{
    struct compare_entry *entry = entry_of(worker->index, worker->iterations, step);
    char text[512];
    if (!entry || entry->state == COMPARE_REFUTED)
        return;
    if (!result) {
        refute(entry, worker, step, "one thread gets an exception");
        return;
    }
    if (entry->state == COMPARE_NONE) {
        take(entry, worker, step, result);
        return;
    }
    enum image_verdict verdict = compare(entry, worker, result, text, sizeof text);
    if (verdict == IMAGE_DIFFERENT || verdict == IMAGE_UNFIT)
        refute(entry, worker, step, verdict == IMAGE_UNFIT ? text : "one thread gets different results");
}

void compare_interleaved(const struct diverge_step *at, PyObject *result)
{
    static const struct image_inputs none;
    const struct compare_entry *first = entry_of(at->role, at->iteration, at->step);
    char text[512], *why = table->why[at->role % COMPARE_THREADS][at->step % COMPARE_STEPS];
    if (!first || first->state != COMPARE_VALUE)
        return;
    const struct image image = {.bytes = table->pool + first->offset, .size = first->size};
    enum image_verdict verdict =
        result ? image_compare(&image, result, &none, text, sizeof text) : IMAGE_DIFFERENT;
    if (verdict != IMAGE_DIFFERENT && verdict != IMAGE_UNFIT)
        return;
    snprintf(why, sizeof table->why[0][0], "one thread gets different results");
    for (unsigned thread = at->role; thread < COMPARE_THREADS; thread += at->roles)
        for (unsigned i = 0; i < COMPARE_CALLS; i++)
            table->entries[thread][i][at->step].state = COMPARE_REFUTED;
}

/* Replaces "under threads" in the sentence of an image: the threads were right. */
static void say_after(char *sentence, size_t size, const char *text)
{
    static const char threads[] = " under threads";
    const char *at = strstr(text, threads);
    if (at)
        snprintf(sentence, size, "%.*s" AFTER "%s", (int)(at - text), text, at + sizeof threads - 1);
    else
        snprintf(sentence, size, "%s", text);
}

static void note(const struct worker *worker, unsigned step, const char *text, bool afterwards)
{
    struct compare_difference *difference = &table->difference;
    bool first = !atomic_exchange(&difference->claimed, true);
    if (first || !afterwards)
        atomic_fetch_add(&table->differing, 1);
    if (!first) {
        difference->stays |= afterwards && !difference->afterwards;
        return;
    }
    difference->afterwards = afterwards;
    difference->thread = worker->index;
    difference->iteration = (unsigned)worker->iterations;
    difference->step = step;
    if (afterwards)
        say_after(difference->sentence, sizeof difference->sentence, text);
    else
        snprintf(difference->sentence, sizeof difference->sentence, "%s", text);
}

static void check(const struct worker *worker, unsigned step, PyObject *result, bool afterwards)
{
    const struct compare_entry *entry = entry_of(worker->index, worker->iterations, step);
    char text[512];
    if (!entry || entry->state != COMPARE_VALUE || !result ||
        compare(entry, worker, result, text, sizeof text) != IMAGE_DIFFERENT)
        return;
    note(worker, step, text, afterwards);
}

void compare_race(struct worker *worker, unsigned step, PyObject *result)
{
    check(worker, step, result, false);
}

void compare_after(struct worker *worker, unsigned step, PyObject *result)
{
    check(worker, step, result, true);
}

static unsigned roles_of(const struct run *run)
{
    return run->program ? run->program->nbodies : 1;
}

static unsigned steps_of(const struct run *run, unsigned thread)
{
    return run->program ? run->program->bodies[thread % roles_of(run)].nsteps : 1;
}

bool compare_is_whole(const struct run *run, int role, int step)
{
    for (unsigned thread = 0; thread < run->plan->threads; thread++)
        for (unsigned i = 0; i < COMPARE_CALLS; i++)
            for (unsigned k = 0; k < steps_of(run, thread); k++) {
                const struct compare_entry *entry = entry_of(thread, i, k);
                bool asked = (role < 0 || thread % roles_of(run) == (unsigned)role) &&
                             (step < 0 || k == (unsigned)step);
                if (asked && (!entry || entry->state != COMPARE_VALUE))
                    return false;
            }
    return true;
}

static void refute_all(unsigned role, unsigned roles, unsigned step)
{
    for (unsigned thread = role; thread < COMPARE_THREADS; thread += roles)
        for (unsigned i = 0; i < COMPARE_CALLS; i++)
            table->entries[thread][i][step].state = COMPARE_REFUTED;
}

void compare_settle(const struct run *run)
{
    for (unsigned role = 0; role < roles_of(run); role++)
        for (unsigned step = 0; step < steps_of(run, role) && step < COMPARE_STEPS; step++)
            if (!compare_is_whole(run, (int)role, (int)step))
                refute_all(role, roles_of(run), step);
}

bool compare_any(const struct run *run)
{
    for (unsigned thread = 0; thread < run->plan->threads; thread++)
        for (unsigned k = 0; k < steps_of(run, thread); k++) {
            const struct compare_entry *entry = entry_of(thread, 0, k);
            if (entry && entry->state == COMPARE_VALUE)
                return true;
        }
    return false;
}

bool compare_stands(void)
{
    const struct compare_difference *difference = &table->difference;
    const struct compare_entry *entry = entry_of(difference->thread, difference->iteration, difference->step);
    return entry && entry->state == COMPARE_VALUE;
}
