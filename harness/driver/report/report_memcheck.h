/* What Valgrind's memcheck counted in runs of two lengths, in reports. Driver. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "driver/finding/memcheck.h"

/* A table; nothing where there are no two lengths. */
void report_print_memcheck(const struct memcheck *memcheck, FILE *out);

/* A new reference: null where nothing ran under Valgrind. */
json_t *report_json_memcheck(const struct memcheck *memcheck);
