/* The subcommands of ftstress, one row each. Driver. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/sentence.h"
#include "core/plan/option.h"

struct command {
    enum option_command id;
    const char *usage; /* what follows the name */
    const char *about; /* one line */
    const char *more;  /* the part of its --help before the options */
    /* argv without program and command. Returns an exit status. */
    int (*run)(const struct command *self, int argc, char **argv);
};

extern const struct command commands[];
extern const size_t command_count;

const struct command *command_find(const char *name);

/* One sentence on standard error, "ftstress: …". Returns status. */
int command_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
int command_fail_sentence(int status, const struct sentence *sentence);

void command_help_all(void);

/* Parses the options, prints --help, reports a wrong command line. Returns -1 to go on: the caller then clears the
 * request; or an exit status. */
int command_options(const struct command *self, int argc, char **argv, struct request *request);

/* "text, json, …": the values of --as. The text is static. */
const char *command_forms(void);

int command_run(const struct command *self, int argc, char **argv);
int command_list(const struct command *self, int argc, char **argv);
int command_doctor(const struct command *self, int argc, char **argv);
int command_report(const struct command *self, int argc, char **argv);
int command_show(const struct command *self, int argc, char **argv);

struct report;
struct run;

/* Writes the report in a form that exists to a file; NULL and "-" are standard output. Returns 0 or -errno. */
int command_render(const char *form, const struct report *report, const char *path);

/* Is the form of --as one that there is? Returns 0, or -EINVAL with a sentence in error. */
int command_check_form(const struct request *request, char *error, size_t error_size);
/* Writes the report of a run in the form of --as to --output. Returns 0, or an exit status after an error message. */
int command_write_form(const json_t *document, const struct request *request);

/* Is the text on standard output for a terminal that shows colours? */
bool command_colour(const struct request *request);

/* Prints and keeps the report of a run, in every form of the request. Returns the status of the run; or, after an error
 * message, that of a failed write. */
int command_tell(const struct run *run, const struct request *request);
