#include "driver/report/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "core/wire/scene.h"
#include "driver/outcome/package.h"
#include "driver/report/markup.h"

const char *document_text(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "";
}

long long document_number(const json_t *json, const char *key)
{
    return json_integer_value(json_object_get(json, key));
}

const char *const document_ends[DOCUMENT_ENDS] = {"returned", "raised",      "crashed",
                                                  "shown",    "out_of_time", "out_of_memory"};

long long document_ended(const json_t *row)
{
    long long n = 0;
    for (size_t i = 0; i < DOCUMENT_ENDS; i++)
        n += document_number(row, document_ends[i]);
    return n;
}

double document_real(const json_t *json, const char *key)
{
    return json_number_value(json_object_get(json, key));
}

bool document_is_true(const json_t *json, const char *key)
{
    return json_is_true(json_object_get(json, key));
}

bool document_has(const json_t *list, const json_t *value)
{
    size_t i;
    const json_t *one;
    json_array_foreach (list, i, one)
        if (json_equal(one, value))
            return true;
    return false;
}

bool document_is_known(const json_t *finding)
{
    return json_is_object(json_object_get(finding, "known"));
}

int document_write(const char *path, const json_t *json)
{
    cleanup_free char *text = json_dumps(json, JSON_INDENT(1));
    return text ? fd_write_file(path, text, strlen(text)) : -ENOMEM;
}

bool document_environment_shows(const char *key)
{
    return key[0] != '_' && strcmp(key, "abi") != 0 && strcmp(key, "mutates") != 0;
}

json_t *document_clean(const json_t *json)
{
    json_t *copy = json_is_object(json)  ? json_object()
                   : json_is_array(json) ? json_array()
                                         : json_copy((json_t *)json);
    const char *key;
    size_t i;
    json_t *value;
    bool failed = !copy;
    json_object_foreach ((json_t *)json, key, value) {
        cleanup_free char *clean = markup_clean(key);
        failed |= !clean || json_object_set_new(copy, clean, document_clean(value)) < 0;
    }
    json_array_foreach (json, i, value)
        failed |= json_array_append_new(copy, document_clean(value)) < 0;
    if (json_is_string(json)) {
        cleanup_free char *clean = markup_clean(json_string_value(json));
        failed |= !clean || json_string_set(copy, clean) < 0;
    }
    if (failed)
        json_decref(copy);
    return failed ? NULL : copy;
}

void document_round(json_t *json)
{
    char text[32];
    const char *key;
    size_t i;
    json_t *value;
    json_object_foreach (json, key, value)
        document_round(value);
    json_array_foreach (json, i, value)
        document_round(value);
    if (!json_is_real(json))
        return;
    snprintf(text, sizeof text, "%.6g", json_real_value(json));
    json_real_set(json, strtod(text, NULL));
}

char *document_line(const char *text)
{
    char *line;
    size_t length = strcspn(text, "\n");
    return asprintf(&line, "%.*s%s", (int)length, text, text[length] ? " …" : "") < 0 ? NULL : line;
}

static enum owner owner_of(const json_t *frame)
{
    static const struct outcome nothing;
    const struct symbol_frame symbol = {
        .module = (char *)json_string_value(json_object_get(frame, "module")),
        .file = (char *)json_string_value(json_object_get(frame, "file")),
    };
    return package_frame_owner(&nothing, &symbol, NULL, 0);
}

static bool is_target(enum owner owner)
{
    return owner == OWNER_PACKAGE || owner == OWNER_INTERPRETER;
}

size_t document_frames(const json_t *stack)
{
    const json_t *frames = json_object_get(stack, "frames");
    size_t n = json_array_size(frames), i = n;
    while (i > 0 && !is_target(owner_of(json_array_get(frames, i - 1))))
        i--;
    while (i < n && owner_of(json_array_get(frames, i)) != OWNER_HARNESS)
        i++;
    return i;
}

const json_t *document_package_frame(const json_t *stack)
{
    size_t i;
    const json_t *frame;
    json_array_foreach (json_object_get(stack, "frames"), i, frame)
        if (owner_of(frame) == OWNER_PACKAGE)
            return frame;
    return NULL;
}

char *document_place(const json_t *frame)
{
    char *text;
    const char *module = document_text(frame, "module"), *offset = document_text(frame, "offset");
    int n =
        asprintf(&text, "%s%s%s", path_base(module), *module && *offset ? "+" : "", *module ? offset : "");
    return n < 0 ? NULL : text;
}

char *document_source(const json_t *frame)
{
    char *text;
    const char *file = document_text(frame, "file");
    if (!*file)
        return strdup("");
    return asprintf(&text, "%s:%lld", path_base(file), document_number(frame, "line")) < 0 ? NULL : text;
}

const char *document_function(const json_t *frame)
{
    const char *function = document_text(frame, "function");
    return *function ? function : "??";
}

bool document_stack_is_idle(const json_t *stack)
{
    const json_t *python = json_object_get(stack, "python");
    return json_array_size(python) == 1 &&
           strcmp(document_text(json_array_get(python, 0), "function"), SCENE_BETWEEN) == 0;
}

/* Reports of an older ftstress lack the key. */
static size_t same_as(const json_t *stack, size_t i)
{
    const json_t *same = json_object_get(stack, "same_as");
    json_int_t at = json_integer_value(same);
    return json_is_integer(same) && at >= 0 && (size_t)at < i ? (size_t)at : i;
}

bool document_stack_is_folded(const json_t *stacks, size_t i)
{
    const json_t *stack = json_array_get(stacks, i);
    return same_as(stack, i) != i || document_stack_is_idle(stack);
}

char *document_stack_title(const json_t *stacks, size_t i)
{
    const char *title = document_text(json_array_get(stacks, i), "title");
    size_t alike = 0, n = json_array_size(stacks);
    char *text;
    for (size_t k = i + 1; k < n; k++)
        alike += same_as(json_array_get(stacks, k), k) == i;
    if (alike == 0)
        return strdup(title);
    if (asprintf(&text, "%s; %zu more thread%s alike", title, alike, alike == 1 ? "" : "s") < 0)
        return NULL;
    return text;
}

void document_idle_stacks(const json_t *stacks, char *text, size_t size)
{
    size_t idle = 0, i;
    const json_t *stack;
    json_array_foreach (stacks, i, stack)
        idle += document_stack_is_idle(stack);
    text[0] = '\0';
    if (idle > 0)
        snprintf(text, size, "%zu thread%s waited for the next round", idle, idle == 1 ? "" : "s");
}
