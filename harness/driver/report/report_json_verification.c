/* A verification in the document of a report. */
#include "driver/report/report_json_inside.h"

static json_t *trials_of(const struct trials *trials)
{
    double low, high;
    if (trials->of == 0)
        return json_null();
    verification_interval(trials, &low, &high);
    return json_pack("{s:i, s:i, s:f, s:f}", "hit", (int)trials->hit, "of", (int)trials->of, "low", low / 100,
                     "high", high / 100);
}

static json_t *list_of(const char *key, const struct knock_out *outs, unsigned n)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < n; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:o}", key, outs[i].call, "trials", trials_of(&outs[i].trials)));
    return list;
}

static json_t *first_of(const struct verification *found)
{
    if (found->nfirst == 0)
        return json_null();
    return json_pack("{s:f, s:f, s:i}", "calls", verification_first_calls(found), "seconds",
                     verification_first_seconds(found), "hits", (int)found->nfirst);
}

static json_t *ladder_of(const struct verification *found)
{
    json_t *json = json_object();
    for (int rung = RUNG_PRIVATE; rung < (int)found->share; rung++)
        json_object_set_new(json, rung_names[rung], trials_of(&found->ladder[rung]));
    return json;
}

json_t *report_json_verification(const struct verification *found)
{
    char guilty[1024];
    if (!found)
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "finding", found->root ? json_string(found->root) : json_null());
    json_object_set_new(json, "left_out", found->without ? json_string(found->without) : json_null());
    json_object_set_new(json, "again", trials_of(&found->again));
    json_object_set_new(json, "first", first_of(found));
    json_object_set_new(json, "ladder", ladder_of(found));
    json_object_set_new(json, "rung", json_string(rung_names[verification_rung(found)]));
    json_object_set_new(json, "rule", json_string(verification_say_rung(found)));
    json_object_set_new(json, "private", trials_of(&found->ladder[RUNG_PRIVATE]));
    json_object_set_new(json, "gil", trials_of(&found->gil));
    json_object_set_new(json, "one_thread", trials_of(&found->alone));
    json_object_set_new(json, "no_package", trials_of(&found->plain));
    json_object_set_new(json, "knock_outs", list_of("without", found->knock_outs, found->nknock_outs));
    json_object_set_new(json, "inputs", list_of("private", found->inputs, found->ninputs));
    verification_say_guilty(found, guilty, sizeof guilty);
    json_object_set_new(json, "sentence", json_string(guilty));
    return json;
}
