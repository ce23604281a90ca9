/* The completion of bash. */
#include "driver/manual/manual.h"

static const char head[] =
    "# Completion of ftstress for bash, made by `ftstress --print bash`.\n"
    "_ftstress_ids() { ftstress list findings 2>/dev/null | sed -n 's/^\\(F[0-9a-f]*\\) .*/\\1/p'; }\n"
    "_ftstress_scenarios() { ftstress list 2>/dev/null | cut -d' ' -f1; }\n"
    "_ftstress() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}\n"
    "    COMPREPLY=()\n";

static void write_values(const struct option_row *row, FILE *out)
{
    char words[512];
    enum manual_kind kind = manual_value(row, words, sizeof words);
    if (!row->argument)
        return;
    fprintf(out, "    --%s", row->name);
    if (row->letter)
        fprintf(out, " | -%c", row->letter);
    fputs(") ", out);
    if (kind == MANUAL_FILE)
        fputs("COMPREPLY=($(compgen -f -- \"$cur\")); ", out);
    if (kind == MANUAL_WORDS && manual_is_list(row))
        fprintf(out,
                "[[ $cur != *,* ]] || before=${cur%%,*},; "
                "COMPREPLY=($(compgen -P \"$before\" -W \"%s\" -- \"${cur##*,}\")); ",
                words);
    if (kind == MANUAL_WORDS && !manual_is_list(row))
        fprintf(out, "COMPREPLY=($(compgen -W \"%s\" -- \"$cur\")); ", words);
    fputs("return ;;\n", out);
}

static void write_command(const struct command *command, FILE *out)
{
    char words[512];
    enum manual_kind kind = manual_name(command, words, sizeof words);
    fprintf(out, "    %s)\n        options='", option_command_names[command->id]);
    for (size_t i = 0; i < option_count; i++)
        if (manual_takes(command, &option_rows[i])) {
            fprintf(out, " --%s", option_rows[i].name);
            if (option_rows[i].letter)
                fprintf(out, " -%c", option_rows[i].letter);
        }
    fprintf(out, "'\n        names=\"%s\" ;;\n",
            kind == MANUAL_FINDING  ? "$(_ftstress_ids)"
            : kind == MANUAL_TARGET ? "$(_ftstress_scenarios)"
                                    : words);
}

void manual_bash(FILE *out)
{
    fputs(head, out);
    fputs("    if ((COMP_CWORD == 1)); then\n        COMPREPLY=($(compgen -W \"--help --version", out);
    for (size_t i = 0; i < command_count; i++)
        fprintf(out, " %s", option_command_names[commands[i].id]);
    fputs(
        "\" -- \"$cur\"))\n        return\n    fi\n    local before= options= names=\n    case $previous in\n",
        out);
    for (size_t i = 0; i < option_count; i++)
        write_values(&option_rows[i], out);
    fputs("    esac\n    case $command in\n", out);
    for (size_t i = 0; i < command_count; i++)
        write_command(&commands[i], out);
    fputs("    esac\n"
          "    [[ $cur == -* ]] && names=$options\n"
          "    COMPREPLY=($(compgen -W \"$names\" -- \"$cur\"))\n"
          "}\n"
          "complete -o default -F _ftstress ftstress\n",
          out);
}
