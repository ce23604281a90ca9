/* Options: one row each. The parser, --help and the plan's overrides come from the table.
 * Plain data. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/plan/plan.h"

/* A request: what a command line asks for. Strings are borrowed from argv. */
struct request {
    struct plan plan;
    const char *python; /* -p; NULL: VIRTUAL_ENV, then the child's own */
    const char *out;    /* directory of findings */
    const char *json;   /* file for the JSON report, or NULL */
    const char *as;     /* form of the report, or NULL */
    const char *output; /* file for that form, or NULL */
    uint64_t timeout;   /* ns without progress after which a child hangs */
    uint64_t memory;    /* bytes that a child may use; 0: half of the machine's */
    bool dry_run, quiet, verbose, no_color, allow_gil, help;
    bool has_code;            /* -s, --thread-setup, -i or --role was given: positionals are statements */
    uint64_t verify;          /* ns for running findings again */
    bool tsan;                /* children under ThreadSanitizer */
    const char *suppressions; /* file of what is known, or NULL */
    bool strict;              /* documented user errors are findings that count */
    bool has_time, has_iterations, has_seed, has_threads, has_share, has_detect;
    char **positionals; /* into argv */
    unsigned npositionals;
};

struct option_row {
    char letter; /* 0: none */
    const char *name;
    const char *argument; /* NULL: a switch */
    const char *fallback; /* what --help calls the default, or NULL */
    const char *help;
    /* Puts the argument into the request. Returns 0 or -EINVAL with a sentence in error. */
    int (*set)(struct request *request, const char *argument, char *error, size_t error_size);
};

extern const struct option_row option_rows[];
extern const size_t option_count;

void request_init(struct request *request);
void request_clear(struct request *request);

/* Parses argv (without program and command name). On failure `error` is one sentence. Returns 0 or -EINVAL. */
int option_parse(int argc, char **argv, struct request *request, char *error, size_t error_size);

/* The options part of --help. On success *ret_text is the caller's. Returns 0 or -ENOMEM. */
int option_help(char **ret_text);

/* What was given on the command line wins over what a plan file or scenario says. */
void request_apply(const struct request *request, struct plan *plan);
