#include "driver/minimize/reducer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/embed.h"
#include "base/fd.h"
#include "core/plan/detector_list.h"
#include "core/plan/perturb.h"
#include "driver/report/document.h"
#include "driver/tool/query.h"

EMBED(reduce_source, FTSTRESS_REDUCE);

const char *const reducer_axes[] = {"jump", "statements", "threads", "settings", "inputs", "expressions"};
const size_t reducer_axis_count = sizeof reducer_axes / sizeof *reducer_axes;

static json_t *texts_of(char *const *texts, unsigned n)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < n; i++)
        json_array_append_new(list, json_string(texts[i]));
    return list;
}

static json_t *inputs_of(const struct plan *plan)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < plan->ninputs; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "name", plan->inputs[i].name, "recipe", plan->inputs[i].recipe));
    return list;
}

static json_t *text_of(const char *text)
{
    return json_string(text ? text : "");
}

json_t *reducer_describe(const struct plan *plan, const struct reducer_hint *hint)
{
    char detect[512], perturb[128], time[32] = "";
    if (plan->time)
        snprintf(time, sizeof time, "%llums", (unsigned long long)((plan->time + 999999) / 1000000));
    detector_print(plan->detect, detect, sizeof detect);
    perturb_print(plan->perturb, perturb, sizeof perturb);
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:s, s:s, s:s, s:o, s:s, s:s, s:I, s:s, s:b, s:O*, s:O*}",
        "setup", text_of(plan->setup), "thread_setup", text_of(plan->thread_setup), "writer",
        text_of(plan->writer), "steps", texts_of(plan->steps, plan->nsteps), "roles",
        texts_of(plan->roles, plan->nroles), "inputs", inputs_of(plan), "threads", (int)plan->threads,
        "detect", detect, "perturb", perturb, "share", rung_names[plan->share], "native",
        text_of(plan->native), "detector", hint->detector, "statement", hint->statement, "iterations",
        (json_int_t)plan->iterations, "time", time, "counts", (plan->detect & DETECTOR_COUNTERS) != 0,
        "causes", hint->causes, "chances", hint->chances);
}

json_t *reducer_list(const struct mode_run *mode, const char *axes, const struct plan *plan,
                     const struct reducer_hint *hint, struct sentence *error)
{
    json_auto_t *facts = reducer_describe(plan, hint);
    return query_run(mode->probe.executable, &(struct query){reduce_source, axes, "candidates", facts, 0},
                     error);
}

static void clear_texts(char ***texts, unsigned *n)
{
    for (unsigned i = 0; i < *n; i++)
        free((*texts)[i]);
    free(*texts);
    *texts = NULL;
    *n = 0;
}

/* Clears the keys that the variant has: those that it leaves empty are gone. */
static void clear_keys(struct plan *plan)
{
    for (unsigned i = 0; i < plan->ninputs; i++)
        plan_input_clear(&plan->inputs[i]);
    plan->ninputs = 0;
    clear_texts(&plan->steps, &plan->nsteps);
    clear_texts(&plan->roles, &plan->nroles);
    free(plan->setup);
    free(plan->thread_setup);
    free(plan->writer);
    plan->setup = plan->thread_setup = plan->writer = NULL;
    plan->perturb = 0;
}

static bool is_empty(const json_t *value)
{
    return (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0);
}

/* Keys of a variant that are none of a plan. */
static bool is_aside(const char *key)
{
    static const char *const keys[] = {"detector", "statement", "causes", "chances",
                                       "what",     "axis",      "counts"};
    bool aside = false;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        aside |= strcmp(key, keys[i]) == 0;
    return aside;
}

static void forget(json_t *object, const char *const *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        json_object_del(object, keys[i]);
}

#define FORGET(object, keys) forget(object, keys, sizeof(keys) / sizeof *(keys))

char *reducer_key(const json_t *variant)
{
    static const char *const words[] = {"what", "axis", "chances", "causes"};
    static const char *const settings[] = {"detect", "perturb", "share"}, *const sizes[] = {"time",
                                                                                            "threads"};
    const char *axis = document_text(variant, "axis");
    bool is_setting = strcmp(axis, "threads") == 0 || strcmp(axis, "settings") == 0;
    json_auto_t *core = json_copy((json_t *)variant);
    FORGET(core, words);
    if (!is_setting)
        FORGET(core, settings);
    if (!is_setting && strcmp(axis, "jump") != 0)
        FORGET(core, sizes);
    return json_dumps(core, JSON_COMPACT | JSON_SORT_KEYS);
}

/* A JSON text is a YAML text, too. */
static int write_variant(const json_t *variant, const char *scratch)
{
    json_auto_t *keys = json_object();
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)variant, key, value)
        if (!is_empty(value) && !is_aside(key) &&
            (strcmp(key, "iterations") != 0 || json_integer_value(value) > 0))
            json_object_set(keys, key, value);
    cleanup_free char *text = json_dumps(keys, JSON_INDENT(1));
    return text ? fd_write_file(scratch, text, strlen(text)) : -ENOMEM;
}

int reducer_apply(const char *path, const json_t *variant, const char *scratch, struct plan *ret, char *error,
                  size_t error_size)
{
    plan_init(ret);
    int result = plan_load(path, ret, error, error_size);
    if (result)
        return result;
    clear_keys(ret);
    result = write_variant(variant, scratch);
    if (result) {
        snprintf(error, error_size, "cannot write %s: %s", scratch, strerror(-result));
        return result;
    }
    return plan_load(scratch, ret, error, error_size);
}
