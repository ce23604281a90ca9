/* Notes the objects that are held after the calls: those that the release step frees, and those that stay until the
 * process ends. They are no findings. */
#include <stdlib.h>

#include "base/fd.h"
#include "driver/leak/judge_leak.h"

#define LIST_MAX 8

/* Before the first call, after the last, and after the release step. */
enum { BEFORE, HELD, LEFT };

static int64_t point_of(const struct record *record, int point)
{
    return record->values[SERIES_POINTS + point];
}

static bool is_cached(const struct record *record)
{
    return point_of(record, HELD) > point_of(record, BEFORE) &&
           point_of(record, LEFT) <= point_of(record, BEFORE);
}

static int64_t held(const struct record *record)
{
    return is_cached(record) ? point_of(record, HELD) - point_of(record, BEFORE) : point_of(record, LEFT);
}

static int compare(const void *a, const void *b)
{
    const struct record *one = *(const struct record *const *)a, *other = *(const struct record *const *)b;
    int64_t n = held(one), m = held(other);
    return (n < m) - (n > m);
}

static void note(struct judge *judge, const struct record **records, size_t n, bool cached)
{
    struct judge_list list = {.gap = ", ", .max = LIST_MAX};
    for (size_t i = 0; i < n; i++) {
        long long before = point_of(records[i], BEFORE), now = held(records[i]);
        const char *name = record_text(records[i], 0);
        if (is_cached(records[i]) != cached || now <= 0)
            continue;
        if (cached || before <= 0)
            judge_list_add(&list, "%lld %s", now, name);
        else
            judge_list_add(&list, "%lld %s (%lld before the first call)", now, name, before);
    }
    cleanup_free char *text = judge_list_end(&list);
    if (text)
        note_add(&judge->run->notes,
                 cached ? "cache-held: held after the calls, and not after `%s`: %s"
                        : "process-lifetime-floor: held after the calls, also after `%s`: %s",
                 judge->plan->release, text);
}

void judge_held(struct judge *judge)
{
    const struct outcome *outcome = judge->outcome;
    const struct record **records = calloc(outcome->nrecords + 1, sizeof *records);
    size_t n = 0;
    for (size_t i = 0; records && i < outcome->nrecords; i++)
        if (outcome->records[i]->type == RECORD_SERIES &&
            outcome->records[i]->values[SERIES_OF] == SERIES_HELD)
            records[n++] = outcome->records[i];
    if (n > 0)
        qsort(records, n, sizeof *records, compare);
    note(judge, records, n, true);
    note(judge, records, n, false);
    free(records);
}
