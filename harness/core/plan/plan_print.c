/* Plans to YAML that plan_load reads back. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/plan/detector_list.h"
#include "core/plan/plan_document.h"

/* As a literal block, which libyaml neither folds nor quotes when it can help it. */
static bool is_block(const char *text)
{
    return strchr(text, '\n') || strlen(text) > 70;
}

static const cyaml_schema_value_t *entry_style(char *const *texts, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (is_block(texts[i]))
            return &plan_literal_entry;
    return &plan_text_entry;
}

/* libcyaml keeps the style of a value in the schema. */
static void style_fields(const struct document *document, cyaml_schema_field_t *styled)
{
    for (cyaml_schema_field_t *field = styled; field->key; field++) {
        const void *from = (const char *)document + field->data_offset;
        const char *const *text = from;
        char *const *const *texts = from;
        if (field->value.type == CYAML_STRING && *text && is_block(*text))
            field->value.flags |= CYAML_FLAG_SCALAR_LITERAL;
        if (field->value.type == CYAML_SEQUENCE && field->value.sequence.entry == &plan_text_entry)
            field->value.sequence.entry =
                entry_style(*texts, *(const unsigned *)((const char *)document + field->count_offset));
    }
}

static int document_save(const struct document *document, char **ret_text)
{
    static const cyaml_config_t config = {.mem_fn = cyaml_mem, .flags = CYAML_CFG_STYLE_BLOCK};
    cyaml_schema_field_t styled[PLAN_KEYS + 1];
    const cyaml_schema_value_t value = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct document, styled)};
    char *text;
    size_t size;
    memcpy(styled, plan_fields, sizeof plan_fields);
    style_fields(document, styled);
    cyaml_err_t error = cyaml_save_data(&text, &size, &config, &value, document, 0);
    if (error != CYAML_OK)
        return error == CYAML_ERR_OOM ? -ENOMEM : -EILSEQ;
    *ret_text = strndup(text, size);
    cyaml_mem(NULL, text, 0);
    return *ret_text ? 0 : -ENOMEM;
}

static const char *or_absent(const char *text)
{
    return text && *text ? text : NULL;
}

static const char *print_number(uint64_t n, char text[static 24])
{
    snprintf(text, 24, "%" PRIu64, n);
    return text;
}

int plan_print(const struct plan *plan, char **ret_text)
{
    char budget[24], threads[24], iterations[24], seed[24], time[32], detect[256];
    plan_print_time(plan->time, time);
    detector_print(plan->detect, detect, sizeof detect);
    const struct document document = {
        .name = or_absent(plan->name),
        .about = or_absent(plan->about),
        .native = or_absent(plan->native),
        .setup = or_absent(plan->setup),
        .thread_setup = or_absent(plan->thread_setup),
        .inputs = plan->ninputs ? plan->inputs : NULL,
        .ninputs = plan->ninputs,
        .steps = plan->nsteps ? plan->steps : NULL,
        .nsteps = plan->nsteps,
        .roles = plan->nroles ? plan->roles : NULL,
        .nroles = plan->nroles,
        .leave_out = plan->nleave_out ? plan->leave_out : NULL,
        .nleave_out = plan->nleave_out,
        .private = or_absent(plan->private),
        .writer = or_absent(plan->writer),
        .fresh = or_absent(plan->fresh),
        .budget = plan->budget ? print_number(plan->budget, budget) : NULL,
        .release = or_absent(plan->release),
        .audit = plan->naudit ? plan->audit : NULL,
        .naudit = plan->naudit,
        .threads = print_number(plan->threads, threads),
        .time = time,
        .iterations = plan->iterations ? print_number(plan->iterations, iterations) : NULL,
        .seed = plan->seed ? print_number(plan->seed, seed) : NULL,
        .share = rung_names[plan->share],
        .detect = detect,
        .guard = or_absent(plan->guard),
        .focus = or_absent(plan->focus),
        .under = or_absent(plan->under),
        .stop_on_first = plan->stop_on_first ? "true" : NULL,
    };
    return document_save(&document, ret_text);
}
