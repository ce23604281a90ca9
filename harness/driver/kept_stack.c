/* The stacks of a kept report: which of them are worth a place. See kept.h. */
#include "driver/kept.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/scene.h"

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

static char *format(const char *text, ...) __attribute__((format(printf, 1, 2)));

static char *format(const char *text, ...)
{
    char *out;
    va_list arguments;
    va_start(arguments, text);
    int n = vasprintf(&out, text, arguments);
    va_end(arguments);
    return n < 0 ? NULL : out;
}

char *kept_stack_title(const json_t *stacks, size_t i)
{
    const char *title = kept_text(json_array_get(stacks, i), "title");
    size_t alike = 0, n = json_array_size(stacks);
    for (size_t k = i + 1; k < n; k++)
        alike += same_as(json_array_get(stacks, k), k) == i;
    return alike ? format("%s; %zu more thread%s alike", title, alike, alike == 1 ? "" : "s")
                 : format("%s", title);
}

char *kept_stack_python(const json_t *frame)
{
    const char *function = kept_text(frame, "function"), *file = kept_text(frame, "file");
    const char *slash = strrchr(file, '/');
    if (!*file)
        return format("in  %s", function);
    return format("py  %s  %s:%lld", function, slash ? slash + 1 : file,
                  (long long)kept_number(frame, "line"));
}

char *kept_stack_idle(const json_t *stacks)
{
    size_t idle = 0, n = json_array_size(stacks);
    for (size_t i = 0; i < n; i++)
        idle += is_idle(json_array_get(stacks, i));
    return idle ? format("%zu thread%s waited for the next round", idle, idle == 1 ? "" : "s")
                : format("%s", "");
}
