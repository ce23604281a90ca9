/* The subcommands of ftstress, one row each. Driver. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/sentence.h"
#include "core/plan/option.h"

typedef int command_function(const struct request *request); /* returns an exit status */

struct command {
    enum option_command id;
    const char *usage; /* what follows the name */
    const char *about; /* one line */
    const char *more;  /* the part of its --help before the options */
    unsigned most;     /* names on its command line */
    command_function *run;
};

extern const struct command commands[];
extern const size_t command_count;

/* Forms of a finding that are programs, beside the forms of reports. */
struct command_form {
    const char *name, *about;
};
extern const struct command_form command_program_forms[];
extern const size_t command_program_form_count;

/* One sentence on standard error, "ftstress: …". Returns status. */
int command_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
int command_fail_sentence(int status, const struct sentence *sentence);

void command_help_all(void);

/* Parses the options and runs the command; or prints --help, or reports a wrong command line. `argv` begins after the
 * name of the command. Returns an exit status. */
int command_start(const struct command *self, int argc, char **argv);

command_function command_run, command_sweep, command_fuzz, command_merge, command_reproduce, command_minimize,
    command_bisect, command_list, command_doctor, command_report, command_report_any, command_show;

struct report;
struct run;

/* Is the path of an output NULL or "-"? */
bool command_is_stdout(const char *path);

/* Writes the report in a form that exists, or with NULL as text, to a file or to standard output. Returns 0, or an exit
 * status after an error message. */
int command_write(const char *form, const struct report *report, const char *path);

/* The same for a text, or for the error that came in its place. */
int command_write_text(const char *text, int error, const char *path);

/* Is the text on standard output for a terminal that shows colours? */
bool command_colour(const struct request *request);

/* Prints and keeps this document of a run, in every form of the request. Returns as command_tell. */
int command_tell_document(const struct run *run, json_t *document, const struct request *request);

/* Prints and keeps the report of a run, in every form of the request. Returns the status of the run; or, after an error
 * message, that of a failed write. */
int command_tell(const struct run *run, const struct request *request);
