/* See held.h. Two detectors may call the hooks in turn: the second time there is nothing new. */
#include "detectors/leak/held.h"

#include <stdlib.h>
#include <string.h>

#include "core/wire/counted.h"
#include "detectors/leak/census.h"

/* Types of which nothing more is held than before the first call are told, too: those with most objects. */
#define TELL_MAX 48

static struct census_row first[CENSUS_TYPES], last[CENSUS_TYPES], left[CENSUS_TYPES];
static bool is_told;

void held_begin(struct detector_call *call, const struct plan *plan, PyObject *const *names, unsigned nnames)
{
    (void)call;
    (void)plan;
    (void)names;
    (void)nnames;
    census_take(&(struct census){.rows = first});
}

void held_window(const struct counting_window *window)
{
    if (window->arm == COUNTED_CALLS && window->next == 0)
        census_take(&(struct census){.rows = last});
}

static int64_t live_in(struct census_row *rows, PyTypeObject *type)
{
    const struct census_row *row = census_row(&(struct census){.rows = rows}, type);
    return row ? census_live(row) : 0;
}

static int by_left(const void *a, const void *b)
{
    int64_t one = census_live(a), other = census_live(b);
    return (one < other) - (one > other);
}

static bool send(const struct detector_call *call, PyTypeObject *type, const char *name, int64_t still,
                 bool all)
{
    const int64_t points[] = {live_in(first, type), live_in(last, type), still};
    struct record record;
    if (points[1] <= points[0] && !all)
        return false;
    record_begin(&record, RECORD_SERIES, RECORD_MAIN);
    record.values[SERIES_OF] = SERIES_HELD;
    record.values[SERIES_NPOINTS] = sizeof points / sizeof *points;
    memcpy(&record.values[SERIES_POINTS], points, sizeof points);
    record_add_text(&record, name);
    record_send(&record, call->wire);
    return true;
}

void held_released(struct detector_call *call, const struct plan *plan)
{
    char name[192];
    unsigned told = 0;
    (void)plan;
    if (is_told)
        return;
    is_told = true;
    census_take(&(struct census){.rows = left});
    for (size_t i = 0; i < CENSUS_TYPES; i++) /* what is gone has a row, too */
        if (last[i].type)
            census_row(&(struct census){.rows = left}, last[i].type);
    qsort(left, CENSUS_TYPES, sizeof *left, by_left);
    for (size_t i = 0; i < CENSUS_TYPES; i++)
        if (left[i].type && census_type_name(left[i].type, name, sizeof name))
            told += send(call, left[i].type, name, census_live(&left[i]), told < TELL_MAX);
}
