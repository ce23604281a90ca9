/* The log detector: sentences on a child's standard error that say what is wrong. One rule each. Driver. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "driver/finding/finding.h"

struct log_rule {
    const char *sentence; /* as it stands in the line */
    enum finding_kind kind;
};

/* The first line that a rule knows. On success *ret_line is the caller's, without its line break. Returns the rule, or
 * NULL when there is none. */
const struct log_rule *log_rule_find(const char *text, char **ret_line);

/* Is it a sentence of CPython's debug hooks? They are the pyheap detector's, even where the log detector is off. */
bool log_rule_is_hooks(const struct log_rule *rule);

/* One sentence of the many lines that CPython's debug hooks print about a block, or NULL. The caller frees it. */
char *log_rule_hooks_sentence(const char *text);

/* The module that a line of CPython's says has turned the GIL on, or NULL. The caller frees it. */
char *log_rule_gil_module(const char *text);
