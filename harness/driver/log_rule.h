/* The log detector: sentences on a child's standard error that say what is wrong. One rule each. Driver. */
#pragma once

#include <stddef.h>

#include "driver/finding.h"

struct log_rule {
    const char *sentence; /* as it stands in the line */
    enum finding_kind kind;
};

/* The first line that a rule knows. On success *ret_line is the caller's, without its line break. Returns the rule, or
 * NULL when there is none. */
const struct log_rule *log_rule_find(const char *text, char **ret_line);

/* The module that a line of CPython's says has turned the GIL on, or NULL. The caller frees it. */
char *log_rule_gil_module(const char *text);
