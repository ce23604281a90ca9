/* The words of options and names, from the tables. */
#include <string.h>

#include "base/text.h"
#include "core/plan/detector_list.h"
#include "core/plan/perturb.h"
#include "driver/manual/manual.h"
#include "driver/report/reporter.h"

static void list_levels(char *words, size_t size)
{
    for (int i = 0; i < RUNG_COUNT; i++)
        text_add(words, size, " ", "%s", rung_names[i]);
}

static void list_detectors(char *words, size_t size)
{
    text_add(words, size, " ", "all default none");
    for (int i = 0; i < DETECTOR_COUNT; i++)
        text_add(words, size, " ", "%s", detector_rows[i].name);
}

static void list_perturbations(char *words, size_t size)
{
    perturb_print((UINT32_C(1) << PERTURB_COUNT) - 1, words, size);
    for (char *at = words; *at; at++)
        if (*at == ',')
            *at = ' ';
    text_add(words, size, " ", "off");
}

static void list_forms(char *words, size_t size)
{
    for (size_t i = 0; i < reporter_count; i++)
        text_add(words, size, " ", "%s", reporters[i].name);
    for (size_t i = 0; i < command_program_form_count; i++)
        text_add(words, size, " ", "%s", command_program_forms[i].name);
}

static void list_tools(char *words, size_t size)
{
    text_add(words, size, " ", PLAN_TOOL);
}

static const struct {
    const char *option;
    bool is_list;
    void (*list)(char *words, size_t size);
} values[] = {{"share", false, list_levels},
              {"detect", true, list_detectors},
              {"perturb", true, list_perturbations},
              {"as", false, list_forms},
              {"under", false, list_tools}};

enum manual_kind manual_value(const struct option_row *row, char *words, size_t size)
{
    static const char *const files[] = {"PATH", "DIR", "FILE"};
    words[0] = '\0';
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (strcmp(values[i].option, row->name) == 0) {
            values[i].list(words, size);
            return MANUAL_WORDS;
        }
    for (size_t i = 0; row->argument && i < sizeof files / sizeof *files; i++)
        if (strcmp(row->argument, files[i]) == 0)
            return MANUAL_FILE;
    return MANUAL_FREE;
}

bool manual_is_list(const struct option_row *row)
{
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (strcmp(values[i].option, row->name) == 0)
            return values[i].is_list;
    return false;
}

/* The usage of a command starts with its name: "[one|two|three]" lists words, other names are in capitals. */
enum manual_kind manual_name(const struct command *command, char *words, size_t size)
{
    const char *usage = command->usage;
    words[0] = '\0';
    if (strstr(usage, "FINDING"))
        return MANUAL_FINDING;
    if (strncmp(usage, "TARGET", strlen("TARGET")) == 0)
        return MANUAL_TARGET;
    if (usage[0] != '[' || usage[1] < 'a')
        return strncmp(usage, "[PATH", strlen("[PATH")) == 0 ? MANUAL_FILE : MANUAL_FREE;
    snprintf(words, size, "%.*s", (int)strcspn(usage + 1, "]"), usage + 1);
    for (char *at = words; *at; at++)
        if (*at == '|')
            *at = ' ';
    return MANUAL_WORDS;
}

bool manual_takes(const struct command *command, const struct option_row *row)
{
    return row->commands >> command->id & 1;
}

void manual_escape(const char *text, const char *marks, const char *prefix, FILE *out)
{
    for (; *text; text++)
        fprintf(out, "%s%c", strchr(marks, *text) ? prefix : "", *text);
}
