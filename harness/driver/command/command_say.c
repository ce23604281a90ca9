/* Output that all commands share: errors, --help, the names of the forms. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "core/wire/status.h"
#include "driver/command/command_inside.h"
#include "driver/report/reporter.h"

int command_fail(int status, const char *format, ...)
{
    va_list arguments;
    fflush(stdout);
    fputs("ftstress: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return status;
}

int command_fail_sentence(int status, const struct sentence *sentence)
{
    cleanup_free char *text = sentence_text(sentence);
    return command_fail(status, "%s", text ? text : sentence->what);
}

static const char *list_forms(void)
{
    static char names[128];
    names[0] = '\0';
    for (size_t i = 0; i < reporter_count; i++)
        text_add(names, sizeof names, ", ", "%s", reporters[i].name);
    return names;
}

static const char *more_help(const char *option)
{
    static char text[160];
    snprintf(text, sizeof text, ": %s", list_forms());
    return strcmp(option, "as") == 0 ? text : NULL;
}

const struct command_form command_program_forms[] = {
    {"script", "one finding as a program in Python, which is run to state its own rate"},
    {"test", "the same as a function for pytest"},
    {"c", "the script in a program in C that embeds CPython"},
};
const size_t command_program_form_count = sizeof command_program_forms / sizeof *command_program_forms;

static int print_help(const struct command *self)
{
    cleanup_free char *options = NULL;
    if (option_help(self->id, more_help, &options) < 0)
        return command_fail(STATUS_HARNESS, "no memory for the help");
    printf("usage: ftstress %s %s\n%s\n\n%s\n%s", option_command_names[self->id], self->usage, self->about,
           self->more, options);
    for (size_t i = 0; self->id == OPTION_REPORT && i < reporter_count; i++)
        printf("%s  %-8s %s\n", i ? "" : "\nForms:\n", reporters[i].name, reporters[i].about);
    for (size_t i = 0; self->id == OPTION_REPORT && i < command_program_form_count; i++)
        printf("  %-8s %s\n", command_program_forms[i].name, command_program_forms[i].about);
    return STATUS_CLEAN;
}

bool command_is_script(const char *form)
{
    for (size_t i = 0; form && i < command_program_form_count; i++)
        if (strcmp(form, command_program_forms[i].name) == 0)
            return true;
    return false;
}

int command_start(const struct command *self, int argc, char **argv)
{
    char error[640];
    struct request request;
    int status;
    request_init(&request);
    int result = option_parse(self->id, argc, argv, &request, error, sizeof error);
    if (result)
        status = command_fail(STATUS_USAGE, "%s", result == -ENOMEM ? "out of memory" : error);
    else if (request.help)
        status = print_help(self);
    else if (request.npositionals > self->most)
        status = command_fail(STATUS_USAGE, "'%s' is one name too many; write ftstress %s %s",
                              request.positionals[self->most], option_command_names[self->id], self->usage);
    else if (request.as && !reporter_find(request.as) &&
             !(self->id == OPTION_REPORT && command_is_script(request.as)))
        status = command_fail(STATUS_USAGE, "there is no form '%s'; write one of %s%s", request.as,
                              list_forms(), self->id == OPTION_REPORT ? ", script, test, c" : "");
    else
        status = self->run(&request);
    request_clear(&request);
    return status;
}
