/* The parts of the document of a report. Driver. All return new references, JSON null where there is nothing. */
#pragma once

#include <jansson.h>

#include "driver/finding/run.h"

/* What is not ASCII becomes "?" where the text is no UTF-8. */
json_t *report_json_text(const char *text);

json_t *report_json_finding(const struct finding *finding);
json_t *report_json_verification(const struct verification *found);
json_t *report_json_pairs(const struct run *run);
json_t *report_json_memcheck(const struct memcheck *memcheck);
