/* Options: one row each. The parser, --help, the refusal of another command's option, and the values that replace those
 * of a plan all come from the table. Plain data. One thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/plan/plan.h"

/* The commands that take options. */
enum option_command {
    OPTION_RUN,
    OPTION_SWEEP,
    OPTION_FUZZ,
    OPTION_MERGE,
    OPTION_REPRODUCE,
    OPTION_MINIMIZE,
    OPTION_BISECT,
    OPTION_LIST,
    OPTION_SHOW,
    OPTION_REPORT,
    OPTION_DOCTOR,
    OPTION_COMMANDS
};
extern const char *const option_command_names[OPTION_COMMANDS];

#define REQUEST_JOBS_MAX 64

/* The content of a command line. Strings outside the plan are borrowed from argv. */
struct request {
    struct plan plan;         /* the first member, so that members of the plan have equal offsets in both */
    const char *python;       /* NULL: VIRTUAL_ENV, then the child's own */
    const char *out;          /* folder of findings */
    const char *json;         /* file for the JSON report, or NULL */
    const char *as;           /* form of the report, or NULL */
    const char *output;       /* file for that form, or NULL */
    const char *suppressions; /* file of known issues, or NULL */
    const char *known;        /* file of known findings, or NULL */
    const char *corpus;       /* folder of plans that a fuzzer keeps */
    const char *baseline;     /* file of findings of earlier runs, or NULL */
    uint64_t timeout;         /* ns without progress after which a child hangs */
    uint64_t verify;          /* ns for trials; 0: none */
    uint64_t trials;          /* children of `reproduce`, at most */
    uint64_t jobs;            /* children of `minimize` and `sweep` at the same time; 0: one for each core */
    uint64_t memory;          /* bytes that a child may use; 0: half of the machine's */
    unsigned shard, shards;   /* of `sweep`: 1 to shards; 0: all of it */
    bool dry_run, quiet, verbose, no_color, allow_gil, help;
    bool tsan;            /* run the children under ThreadSanitizer */
    bool gdb;             /* run the plan of a finding in gdb */
    bool update_baseline; /* write the baseline after the run */
    bool strict;          /* documented user errors count as findings */
    bool has_code;        /* a row with is_code was given: positionals are statements */
    uint64_t given;       /* bit i: option_rows[i] was given */
    char **positionals;   /* into argv */
    unsigned npositionals;
};

#define OPTIONS_MAX 64 /* bits of `given` */

/* How an argument is stored. */
enum option_type {
    OPTION_SWITCH, /* bool, no argument */
    OPTION_WORD,   /* const char *, borrowed */
    OPTION_LINE,   /* char *: the last one given */
    OPTION_LINES,  /* char *: all that were given, one line each */
    OPTION_TEXTS,  /* char ** and a count */
    OPTION_NUMBER, /* from low to high */
    OPTION_TIME,   /* ns, at least low */
    OPTION_SIZE,   /* bytes */
    OPTION_SET     /* `set` stores it */
};

/* The headings of --help. */
enum option_group {
    OPTION_WHAT,
    OPTION_LENGTH,
    OPTION_SHARING,
    OPTION_DETECTORS,
    OPTION_LEAKS,
    OPTION_TOOLS,
    OPTION_OUTPUT,
    OPTION_GROUPS
};
extern const char *const option_group_names[OPTION_GROUPS];

struct option_row {
    const char *name;
    char letter;          /* 0: none */
    const char *argument; /* NULL: a switch */
    const char *fallback; /* the default, as --help shows it, or NULL */
    const char *help;
    enum option_group group;
    unsigned commands; /* bits 1 << enum option_command */
    enum option_type type;
    size_t at;          /* offset in struct request */
    size_t size;        /* bytes of the member */
    size_t count;       /* of OPTION_TEXTS: offset of the number of entries */
    uint64_t low, high; /* of OPTION_NUMBER and OPTION_TIME */
    const char *wanted; /* the end of the sentence that refuses an argument, if `set` does not write it */
    bool is_code;       /* part of a plan of statements: request_apply leaves it out */
    /* Checks the argument, and stores it for OPTION_SET; or NULL. Returns 0, -ENOMEM, or -EINVAL with a sentence in
     * error. */
    int (*set)(struct request *request, const char *argument, char *error, size_t error_size);
};

extern const struct option_row option_rows[];
extern const size_t option_count;

void request_init(struct request *request);
void request_clear(struct request *request);

/* The option of this member, if it was given, leaves the plan as it is. */
void request_forget(struct request *request, size_t at);

/* Was the option of this member given? */
#define REQUEST_GAVE(from, member) request_gave(from, offsetof(struct request, member))
bool request_gave(const struct request *request, size_t at);

/* Parses argv (without program and command name). On failure `error` is one sentence. Returns 0, -EINVAL or -ENOMEM. */
int option_parse(enum option_command command, int argc, char **argv, struct request *request, char *error,
                 size_t error_size);

/* The options part of --help. `more`, which may be NULL, gives text to append to the help of the option with this name,
 * or NULL. On success *ret_text is the caller's. Returns 0 or -ENOMEM. */
int option_help(enum option_command command, const char *(*more)(const char *name), char **ret_text);

/* Replaces values of a plan file or scenario with those given on the command line. Returns 0 or -errno. */
int request_apply(const struct request *request, struct plan *plan);
