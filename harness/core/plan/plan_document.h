/* A plan file as libcyaml sees it: private to plan_yaml.c (reads) and plan_print.c (writes). */
#pragma once

#include <cyaml/cyaml.h>

#include "core/plan/plan.h"

/* The file as libcyaml loads and saves it; NULL is a key that is not there. Numbers and flags are text here
 * because libcyaml 1.3 takes "8x" for 8, "-1" for the largest number and any word for true. */
struct document {
    const char *name, *about, *native, *setup, *thread_setup;
    struct plan_input *inputs;
    unsigned ninputs;
    char **steps;
    unsigned nsteps;
    char **roles;
    unsigned nroles;
    char **leave_out;
    unsigned nleave_out;
    const char *private, *writer;
    const char *fresh, *budget, *release;
    char **audit;
    unsigned naudit;
    const char *threads, *time, *iterations, *seed, *share, *detect, *guard, *focus, *under, *stop_on_first;
};

#define PLAN_KEYS 25

extern const cyaml_schema_field_t plan_fields[PLAN_KEYS + 1]; /* one for each key, and an end */
extern const cyaml_schema_field_t plan_input_fields[];        /* of one entry of inputs */
extern const cyaml_schema_value_t plan_schema;

/* One entry of steps or roles: as it comes, or as a literal block. */
extern const cyaml_schema_value_t plan_text_entry, plan_literal_entry;
