#include "driver/finding/history.h"

static long long number(const json_t *json, const char *key)
{
    return json_integer_value(json_object_get(json, key));
}

json_t *history_of(const json_t *finding, const char *date)
{
    const json_t *history = json_object_get(finding, "history");
    if (json_is_object(history))
        return json_copy((json_t *)history);
    return json_pack("{s:s, s:s, s:i, s:I, s:i, s:i}", "first", date, "last", date, "runs", 1, "count",
                     (json_int_t)number(finding, "count"), "hit", 0, "of", 0);
}

static void add(json_t *history, const char *key, long long more)
{
    json_object_set_new(history, key, json_integer(number(history, key) + more));
}

void history_add_trials(json_t *history, long long hit, long long of)
{
    add(history, "hit", hit);
    add(history, "of", of);
}

json_t *history_next(json_t *before, const json_t *finding, const char *date, bool own_trials)
{
    const json_t *again = json_object_get(json_object_get(finding, "verification"), "again");
    json_t *history = before ? before
                             : json_pack("{s:s, s:i, s:i, s:i, s:i}", "first", date, "runs", 0, "count", 0,
                                         "hit", 0, "of", 0);
    json_object_set_new(history, "last", json_string(date));
    add(history, "runs", 1);
    add(history, "count", number(finding, "count"));
    if (own_trials)
        history_add_trials(history, number(again, "hit"), number(again, "of"));
    return history;
}
