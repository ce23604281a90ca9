/* Plans to YAML that plan_load reads back. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/fd.h"
#include "core/plan/plan_key.h"

/* libyaml's emitter with the first error: after one, nothing more is written. */
struct printer {
    yaml_emitter_t emitter;
    int error;
};

static void emit(struct printer *printer, yaml_event_t *event)
{
    if (!yaml_emitter_emit(&printer->emitter, event))
        printer->error = printer->emitter.error == YAML_MEMORY_ERROR ? -ENOMEM : -EILSEQ;
}

/* Emits the event that `make`, a call to one of libyaml's yaml_*_event_initialize functions, makes of `event`; each
 * fails when memory is out, and for text that is not UTF-8. */
#define EMIT(printer, make)                                                                                  \
    do {                                                                                                     \
        yaml_event_t event;                                                                                  \
        if (!(printer)->error && !(make))                                                                    \
            (printer)->error = -EILSEQ;                                                                      \
        if (!(printer)->error)                                                                               \
            emit(printer, &event);                                                                           \
    } while (0)

static void put_text(struct printer *printer, const char *text, yaml_scalar_style_t style)
{
    EMIT(printer, yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
                                               (int)strlen(text), 1, 1, style));
}

static void put_word(struct printer *printer, const char *text)
{
    put_text(printer, text, YAML_ANY_SCALAR_STYLE);
}

/* A long text becomes a literal block, which libyaml neither folds nor quotes unless it must. */
static bool is_block(const char *text)
{
    return strchr(text, '\n') || strlen(text) > 70;
}

static yaml_scalar_style_t style_of(char *const *texts, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (is_block(texts[i]))
            return YAML_LITERAL_SCALAR_STYLE;
    return YAML_ANY_SCALAR_STYLE;
}

static void put_input(struct printer *printer, const struct plan_input *input)
{
    EMIT(printer, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_FLOW_MAPPING_STYLE));
    put_word(printer, "name");
    put_word(printer, input->name);
    put_word(printer, "recipe");
    put_word(printer, input->recipe);
    EMIT(printer, yaml_mapping_end_event_initialize(&event));
}

static void put_list(struct printer *printer, const struct plan_key *key, const struct plan *plan)
{
    unsigned *n;
    char **texts = *plan_key_list(key, (struct plan *)plan, &n);
    if (*n == 0)
        return;
    put_word(printer, key->name);
    EMIT(printer, yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE));
    yaml_scalar_style_t style = key->kind == PLAN_INPUTS ? YAML_ANY_SCALAR_STYLE : style_of(texts, *n);
    for (unsigned i = 0; i < *n; i++) {
        if (key->kind == PLAN_INPUTS)
            put_input(printer, &plan->inputs[i]);
        else
            put_text(printer, texts[i], style);
    }
    EMIT(printer, yaml_sequence_end_event_initialize(&event));
}

static void put_key(struct printer *printer, const struct plan_key *key, const struct plan *plan)
{
    char room[PLAN_VALUE_SIZE];
    if (key->kind == PLAN_LIST || key->kind == PLAN_INPUTS) {
        put_list(printer, key, plan);
        return;
    }
    const char *text = plan_key_print(key, plan, room);
    if (!text)
        return;
    put_word(printer, key->name);
    put_text(printer, text, is_block(text) ? YAML_LITERAL_SCALAR_STYLE : YAML_ANY_SCALAR_STYLE);
}

static void put_plan(struct printer *printer, const struct plan *plan)
{
    EMIT(printer, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
    EMIT(printer, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
    EMIT(printer, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
    for (const struct plan_key *key = plan_keys; key->name; key++)
        put_key(printer, key, plan);
    EMIT(printer, yaml_mapping_end_event_initialize(&event));
    EMIT(printer, yaml_document_end_event_initialize(&event, 1));
    EMIT(printer, yaml_stream_end_event_initialize(&event));
}

int plan_print(const struct plan *plan, char **ret_text)
{
    struct printer printer = {.error = 0};
    char *text cleanup_free = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return -ENOMEM;
    if (!yaml_emitter_initialize(&printer.emitter)) {
        fclose(out);
        return -ENOMEM;
    }
    yaml_emitter_set_output_file(&printer.emitter, out);
    put_plan(&printer, plan);
    yaml_emitter_delete(&printer.emitter);
    if (fclose(out) != 0)
        return -ENOMEM;
    if (!printer.error) {
        *ret_text = text;
        text = NULL;
    }
    return printer.error;
}
