/* See held.h. Two detectors may call the same hook in turn: the second call changes nothing. */
#include "detectors/leak/held.h"

#include <stdlib.h>

#include "core/wire/counted.h"
#include "detectors/leak/census.h"

/* Types that hold no more objects than before the first call are sent too, up to this number of types in all. */
#define SENT_MAX 48

static struct census_row first[CENSUS_TYPES], last[CENSUS_TYPES], released[CENSUS_TYPES];
static bool is_sent;

void held_begin(struct detector_call *call, const struct counting_window *window)
{
    (void)call;
    (void)window;
    census_take(first, NULL);
}

void held_window(const struct counting_window *window)
{
    if (window->arm == COUNTED_CALLS && window->next == 0)
        census_take(last, NULL);
}

static int64_t live_in(struct census_row *rows, PyTypeObject *type)
{
    const struct census_row *row = census_row(rows, type);
    return row ? census_live(row) : 0;
}

static int by_count(const void *a, const void *b)
{
    int64_t one = census_live(a), other = census_live(b);
    return (one < other) - (one > other);
}

static bool send_type(const struct detector_call *call, PyTypeObject *type, const char *name, int64_t still,
                      bool all)
{
    int64_t before = live_in(first, type), after = live_in(last, type);
    if (after <= before && !all)
        return false;
    RECORD_SEND(call->wire, RECORD_SERIES,
                .values = {[SERIES_OF] = SERIES_HELD,
                           [SERIES_NPOINTS] = 3,
                           [SERIES_POINTS] = before,
                           [SERIES_POINTS + 1] = after,
                           [SERIES_POINTS + 2] = still},
                .texts = {name});
    return true;
}

void held_released(struct detector_call *call)
{
    char name[192];
    unsigned sent = 0;
    if (is_sent)
        return;
    is_sent = true;
    census_take(released, NULL);
    for (size_t i = 0; i < CENSUS_TYPES; i++) /* types without objects get a row too */
        if (last[i].type)
            census_row(released, last[i].type);
    qsort(released, CENSUS_TYPES, sizeof *released, by_count);
    for (size_t i = 0; i < CENSUS_TYPES; i++)
        if (released[i].type && census_type_name(released[i].type, name, sizeof name))
            sent += send_type(call, released[i].type, name, census_live(&released[i]), sent < SENT_MAX);
}
