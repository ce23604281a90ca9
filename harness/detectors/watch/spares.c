/* See spares.h for the contract. */
#include "detectors/watch/spares.h"

#include "core/wire/record.h"
#include "detectors/memory/pyobject.h"

/* More than the calls of a round release, yet few enough for an `int` in the target. */
#define SPARES ((Py_ssize_t)1 << 26)

static int descriptor = -1;

void spares_start(int wire)
{
    descriptor = wire;
}

static void add(struct watched *watched, Py_ssize_t n)
{
    pyobject_add_references(watched->array, n);
    watched->spares += n;
}

void spares_take(struct watched *watched)
{
    Py_ssize_t count;
    if (pyobject_references(watched->array, &count) != PYOBJECT_IMMORTAL)
        add(watched, SPARES);
}

/* Another thread may move a reference between the two reads of one count, hence two counts. */
static bool has_lost(const struct watched *watched, Py_ssize_t *ret_count)
{
    Py_ssize_t own = watched->spares + 1 + (watched->region != NULL); /* tripwire_place keeps one more */
    bool lost = watched->spares > 0;
    for (int i = 0; lost && i < 2; i++)
        lost = pyobject_references(watched->array, ret_count) != PYOBJECT_IMMORTAL && *ret_count < own;
    return lost;
}

void spares_check(struct watched *watched, const char *statement)
{
    Py_ssize_t count;
    if (!has_lost(watched, &count))
        return;
    if (count < SPARES / 2)
        add(watched, SPARES);
    if (!watched->lost)
        RECORD_SEND(descriptor, RECORD_UNDERFLOW, .texts = {watched->name, statement});
    watched->lost = true;
}

bool spares_release(struct watched *watched)
{
    spares_check(watched, "");
    if (!watched->lost)
        add(watched, -watched->spares);
    return !watched->lost;
}
