#include "core/plan/plan_document.h"

#define OPTIONAL (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)
#define TEXT(structure, key) CYAML_FIELD_STRING_PTR(#key, OPTIONAL, structure, key, 0, CYAML_UNLIMITED)
#define LIST(key, entry)                                                                                     \
    CYAML_FIELD_SEQUENCE_COUNT(#key, OPTIONAL, struct document, key, n##key, entry, 0, CYAML_UNLIMITED)

const cyaml_schema_field_t plan_input_fields[] = {TEXT(struct plan_input, name),
                                                  TEXT(struct plan_input, recipe), CYAML_FIELD_END};

static const cyaml_schema_value_t input_entry = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_FLOW, struct plan_input, plan_input_fields)};
const cyaml_schema_value_t plan_text_entry = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, CYAML_UNLIMITED)};
const cyaml_schema_value_t plan_literal_entry = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER | CYAML_FLAG_SCALAR_LITERAL, char *, 0, CYAML_UNLIMITED)};

const cyaml_schema_field_t plan_fields[PLAN_KEYS + 1] = {
    TEXT(struct document, name),
    TEXT(struct document, about),
    TEXT(struct document, native),
    TEXT(struct document, setup),
    TEXT(struct document, thread_setup),
    LIST(inputs, &input_entry),
    LIST(steps, &plan_text_entry),
    LIST(roles, &plan_text_entry),
    LIST(leave_out, &plan_text_entry),
    TEXT(struct document, private),
    TEXT(struct document, writer),
    CYAML_FIELD_STRING_PTR("new", OPTIONAL, struct document, fresh, 0, CYAML_UNLIMITED),
    TEXT(struct document, budget),
    TEXT(struct document, release),
    LIST(audit, &plan_text_entry),
    TEXT(struct document, threads),
    TEXT(struct document, time),
    TEXT(struct document, iterations),
    TEXT(struct document, seed),
    TEXT(struct document, share),
    TEXT(struct document, detect),
    TEXT(struct document, guard),
    TEXT(struct document, focus),
    TEXT(struct document, under),
    TEXT(struct document, stop_on_first),
    CYAML_FIELD_END,
};

const cyaml_schema_value_t plan_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct document, plan_fields)};
