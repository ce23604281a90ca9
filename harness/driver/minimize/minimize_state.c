#include "driver/minimize/minimize_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/fd.h"
#include "driver/report/document.h"

char *minimize_path(const struct minimize *minimize, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", minimize->dir, name) < 0 ? NULL : path;
}

static json_t *pack_rate(const struct rate *rate)
{
    double low, high;
    rate_interval(rate, &low, &high);
    return json_pack("{s:i, s:i, s:f, s:f, s:f}", "hit", (int)rate->hit, "of", (int)rate->of, "seconds",
                     rate->seconds, "low", low, "high", high);
}

static json_t *pack(const struct minimize *minimize, const char *plan)
{
    return json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:f, s:f, s:O, s:i, s:i, s:i, s:f, s:b, s:b, s:O*}", "schema",
        "ftstress-minimize/1", "plan", plan, "statement", minimize->statement, "before",
        pack_rate(&minimize->before), "after", pack_rate(&minimize->after), "now", minimize->now, "least",
        minimize->least, "tried", minimize->tried, "candidates", (int)minimize->candidates, "children",
        (int)minimize->children, "accepted", (int)minimize->accepted, "seconds",
        minimize->seconds + clock_seconds(clock_now() - minimize->began), "complete", minimize->complete,
        "second_look", minimize->second_look, "chances", minimize->needed.chances);
}

int minimize_write(const struct minimize *minimize, const struct plan *plan)
{
    cleanup_free char *path = minimize_path(minimize, "state.json"),
                      *plan_path = minimize_path(minimize, "plan.yaml"), *text = NULL;
    int error = path && plan_path ? plan_print(plan, &text) : -ENOMEM;
    json_auto_t *state = error ? NULL : pack(minimize, text);
    if (!error)
        error = document_write(path, state);
    return error ? error : fd_write_file(plan_path, text, strlen(text));
}

static struct rate read_rate(const json_t *rate)
{
    return (struct rate){(unsigned)document_number(rate, "hit"), (unsigned)document_number(rate, "of"),
                         document_real(rate, "seconds")};
}

static int take_over(struct minimize *minimize, const json_t *state)
{
    json_decref(minimize->tried);
    free(minimize->statement);
    minimize->tried = json_deep_copy(json_object_get(state, "tried"));
    minimize->statement = strdup(document_text(state, "statement"));
    minimize->before = read_rate(json_object_get(state, "before"));
    minimize->now = document_real(state, "now");
    minimize->least = document_real(state, "least");
    minimize->candidates = (unsigned)document_number(state, "candidates");
    minimize->children = (unsigned)document_number(state, "children");
    minimize->accepted = (unsigned)document_number(state, "accepted");
    minimize->seconds = document_real(state, "seconds");
    minimize->complete = document_is_true(state, "complete");
    minimize->second_look = document_is_true(state, "second_look");
    minimize->needed.chances = json_deep_copy(json_object_get(state, "chances"));
    return minimize->tried && minimize->statement ? 0 : -ENOMEM;
}

int minimize_read(struct minimize *minimize, struct plan *plan, char *error, size_t error_size)
{
    cleanup_free char *path = minimize_path(minimize, "state.json"),
                      *plan_path = minimize_path(minimize, "plan.yaml");
    json_auto_t *state = path ? json_load_file(path, 0, NULL) : NULL;
    const char *text = document_text(state, "plan");
    if (!plan_path || !*text || !json_is_object(json_object_get(state, "tried")) ||
        document_real(json_object_get(state, "before"), "seconds") <= 0)
        return 0;
    int result = take_over(minimize, state);
    if (!result)
        result = fd_write_file(plan_path, text, strlen(text));
    if (result)
        return fail(result, error, error_size, "cannot write under %s: %s", minimize->dir, strerror(-result));
    result = plan_load(plan_path, plan, error, error_size);
    return result ? result : 1;
}
