/* The man page. */
#include <string.h>

#include "core/plan/detector_list.h"
#include "driver/manual/manual.h"
#include "driver/report/reporter.h"

/* A line must not begin with a dot or a quote. */
static void write_text(const char *text, FILE *out)
{
    bool is_start = true;
    for (; *text; text++) {
        if (is_start && strchr(".'", *text))
            fputs("\\&", out);
        is_start = *text == '\n';
        fputs(*text == '\\' ? "\\e" : *text == '-' ? "\\-" : (const char[]){*text, '\0'}, out);
    }
}

static void write_item(const char *name, const char *about, FILE *out)
{
    fputs(".TP\n.B ", out);
    write_text(name, out);
    fputs("\n", out);
    write_text(about, out);
    fputs("\n", out);
}

static void write_command(const struct command *command, FILE *out)
{
    fprintf(out, ".SS %s\n.B ftstress %s\n", option_command_names[command->id],
            option_command_names[command->id]);
    write_text(command->usage, out);
    fputs("\n.PP\n", out);
    write_text(command->about, out);
    fputs(".\n.PP\n.nf\n", out);
    write_text(command->more, out);
    fputs(".fi\n", out);
}

static void write_commands_of(const struct option_row *row, FILE *out)
{
    const char *separator = " Commands: ";
    for (size_t i = 0; i < command_count; i++)
        if (manual_takes(&commands[i], row)) {
            fprintf(out, "%s%s", separator, option_command_names[commands[i].id]);
            separator = ", ";
        }
    fputs(".\n", out);
}

static void write_option(const struct option_row *row, FILE *out)
{
    fputs(".TP\n", out);
    if (row->letter)
        fprintf(out, "\\fB\\-%c\\fR, ", row->letter);
    fputs("\\fB\\-\\-", out);
    write_text(row->name, out);
    fputs("\\fR", out);
    if (row->argument)
        fprintf(out, " \\fI%s\\fR", row->argument);
    fputs("\n", out);
    write_text(row->help, out);
    if (row->fallback) {
        fputs(" (default: ", out);
        write_text(row->fallback, out);
        fputs(")", out);
    }
    fputs(".", out);
    write_commands_of(row, out);
}

static void write_options(FILE *out)
{
    for (int group = 0; group < OPTION_GROUPS; group++) {
        fprintf(out, ".SS %s\n", option_group_names[group]);
        for (size_t i = 0; i < option_count; i++)
            if ((int)option_rows[i].group == group)
                write_option(&option_rows[i], out);
    }
}

void manual_man(FILE *out)
{
    fputs(".TH FTSTRESS 1 \"\" \"ftstress " FTSTRESS_VERSION "\" \"User Commands\"\n"
          ".SH NAME\nftstress \\- stress tests for compiled Python packages without the GIL\n"
          ".SH SYNOPSIS\n.B ftstress\n.I COMMAND\n[\\fIOPTION\\fR]... [\\fINAME\\fR]...\n"
          ".SH COMMANDS\n",
          out);
    for (size_t i = 0; i < command_count; i++)
        write_command(&commands[i], out);
    fputs(".SH OPTIONS\n", out);
    write_options(out);
    fputs(".SH DETECTORS\n", out);
    for (int i = 0; i < DETECTOR_COUNT; i++)
        write_item(detector_rows[i].name, detector_rows[i].about, out);
    fputs(".SH FORMS OF A REPORT\n", out);
    for (size_t i = 0; i < reporter_count; i++)
        write_item(reporters[i].name, reporters[i].about, out);
    for (size_t i = 0; i < command_program_form_count; i++)
        write_item(command_program_forms[i].name, command_program_forms[i].about, out);
}
