/* The stacks of a kept report: which of them are worth a place. See kept.h. */
#include "driver/report/kept.h"

#include <stdio.h>
#include <string.h>

#include "core/wire/scene.h"

static bool is_idle(const json_t *stack)
{
    const json_t *python = json_object_get(stack, "python");
    return json_array_size(python) == 1 &&
           strcmp(kept_text(json_array_get(python, 0), "function"), SCENE_BETWEEN) == 0;
}

/* Reports of an older ftstress do not say. */
static size_t same_as(const json_t *stack, size_t i)
{
    const json_t *same = json_object_get(stack, "same_as");
    json_int_t at = json_integer_value(same);
    return json_is_integer(same) && at >= 0 && (size_t)at < i ? (size_t)at : i;
}

bool kept_stack_is_folded(const json_t *stacks, size_t i)
{
    const json_t *stack = json_array_get(stacks, i);
    return same_as(stack, i) != i || is_idle(stack);
}

char *kept_stack_title(const json_t *stacks, size_t i)
{
    const char *title = kept_text(json_array_get(stacks, i), "title");
    size_t alike = 0, n = json_array_size(stacks);
    char *text;
    for (size_t k = i + 1; k < n; k++)
        alike += same_as(json_array_get(stacks, k), k) == i;
    if (alike == 0)
        return strdup(title);
    return asprintf(&text, "%s; %zu more thread%s alike", title, alike, alike == 1 ? "" : "s") < 0 ? NULL
                                                                                                   : text;
}

void kept_stack_write_python(const json_t *stack, const char *before, FILE *out)
{
    size_t i;
    const json_t *frame;
    json_array_foreach (json_object_get(stack, "python"), i, frame) {
        char source[256];
        kept_say_source(frame, source, sizeof source);
        if (*source)
            fprintf(out, "%spy  %s  %s\n", before, kept_function(frame), source);
        else
            fprintf(out, "%sin  %s\n", before, kept_function(frame));
    }
}

void kept_stack_say_idle(const json_t *stacks, char *text, size_t size)
{
    size_t idle = 0, n = json_array_size(stacks);
    for (size_t i = 0; i < n; i++)
        idle += is_idle(json_array_get(stacks, i));
    text[0] = '\0';
    if (idle > 0)
        snprintf(text, size, "%zu thread%s waited for the next round", idle, idle == 1 ? "" : "s");
}
