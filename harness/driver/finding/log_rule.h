/* The log detector: a rule for each sentence on standard error that reports damage. Driver. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "driver/finding/finding.h"

struct log_rule {
    const char *sentence; /* as it stands in the line */
    enum finding_kind kind;
    bool by_hooks; /* CPython's debug hooks print it: it belongs to the pyheap detector, too */
};

/* Finds the first line that a rule matches. *ret_line gets it without the line break; the caller frees it. Returns the
 * rule or NULL. */
const struct log_rule *log_rule_find(const char *text, char **ret_line);

/* Sums up the lines that CPython's debug hooks print about a block in one sentence, or NULL. The caller frees it. */
char *log_rule_hooks_sentence(const char *text);

/* Returns the module that turned the GIL on by a warning of CPython, or NULL. The caller frees it. */
char *log_rule_gil_module(const char *text);
