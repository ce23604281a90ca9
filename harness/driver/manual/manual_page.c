/* The reference pages of the documentation, in Markdown. */
#include <string.h>

#include "base/text.h"
#include "core/plan/detector_list.h"
#include "driver/manual/manual.h"
#include "driver/mode/mode.h"

#define MADE "Made by `ftstress --print %s` from the tables of the program.\n"
#define MARKS "*_<>|"

static void write_title(const char *title, const char *form, FILE *out)
{
    fprintf(out, "# %s\n\n" MADE, title, form);
}

/* Escapes the marks of Markdown outside of code. */
static void write_text(const char *text, FILE *out)
{
    bool is_code = false;
    for (; *text; text++) {
        is_code ^= *text == '`';
        manual_escape((const char[]){*text, '\0'}, is_code ? "" : MARKS, "\\", out);
    }
}

static void write_commands_of(const struct option_row *row, FILE *out)
{
    const char *separator = "";
    for (size_t i = 0; i < command_count; i++)
        if (manual_takes(&commands[i], row)) {
            fprintf(out, "%s%s", separator, option_command_names[commands[i].id]);
            separator = ", ";
        }
}

static void write_option(const struct option_row *row, FILE *out)
{
    fputs("| `", out);
    if (row->letter)
        fprintf(out, "-%c`, `", row->letter);
    fprintf(out, "--%s%s%s` | ", row->name, row->argument ? " " : "", row->argument ? row->argument : "");
    write_text(row->help, out);
    fputs(" | ", out);
    write_text(row->fallback ? row->fallback : "", out);
    fputs(row->fallback ? " | " : "| ", out);
    write_commands_of(row, out);
    fputs(" |\n", out);
}

static void write_command(const struct command *command, FILE *out)
{
    const char *name = option_command_names[command->id];
    fprintf(out, "\n## ftstress %s\n\n    ftstress %s %s\n\n", name, name, command->usage);
    write_text(command->about, out);
    fputs(".\n", out);
}

void manual_options(FILE *out)
{
    write_title("Reference: commands and options", "options", out);
    fputs("`ftstress COMMAND --help` prints the same with examples.\n", out);
    for (size_t i = 0; i < command_count; i++)
        write_command(&commands[i], out);
    for (int group = 0; group < OPTION_GROUPS; group++) {
        fprintf(out, "\n## %s\n\n| option | meaning | default | commands |\n| --- | --- | --- | --- |\n",
                option_group_names[group]);
        for (size_t i = 0; i < option_count; i++)
            if ((int)option_rows[i].group == group)
                write_option(&option_rows[i], out);
    }
}

/* Adds the kinds of child of a mode in which the detector works. Returns their number. */
static size_t add_members(const struct mode *mode, int detector, char *text, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < mode->members->n; i++)
        if ((mode->members->members[i].detect | mode->members->members[i].opens_with) &
            DETECTOR_BIT(detector)) {
            text_add(text, size, ", ", "`%s`", mode->members->members[i].name);
            n++;
        }
    return n;
}

/* tsan and memcheck have no line: their modes have one kind of child each. */
static void write_children(int detector, FILE *out)
{
    char text[1024] = "";
    if (add_members(&mode_plain, detector, text, sizeof text) == mode_plain.members->n)
        strcpy(text, "all of them");
    for (size_t i = 0; i < mode_count; i++) {
        char members[256] = "";
        if (modes[i]->option && add_members(modes[i], detector, members, sizeof members) > 0)
            text_add(text, sizeof text, "; ", "with `%s` %s", modes[i]->option, members);
    }
    if (text[0])
        fprintf(out, "- Works in: %s\n", text);
}

static void write_item(const char *what, const char *text, FILE *out)
{
    fprintf(out, "- %s: ", what);
    write_text(text, out);
    fputs("\n", out);
}

void manual_detectors(FILE *out)
{
    write_title("Reference: detectors", "detectors", out);
    fputs(
        "\"Works in\" names the [children](detectors.md#the-children-of-a-run) of an ordinary run, then those of "
        "other modes.\n",
        out);
    for (int i = 0; i < DETECTOR_COUNT; i++) {
        const struct detector_row *row = &detector_rows[i];
        fprintf(out, "\n## %s\n\n", row->name);
        write_item("Reports", row->about, out);
        write_item("Does not see", row->blind, out);
        write_item("Costs", row->cost, out);
        write_children(i, out);
        if (!(DETECTOR_BIT(i) & DETECTOR_DEFAULT))
            fputs("- Off, unless `--detect` names it\n", out);
    }
}
