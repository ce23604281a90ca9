/* The completions of zsh and fish: both list the options of each command with their help. */
#include "driver/manual/manual.h"

static const char *const zsh_actions[] = {[MANUAL_FREE] = " ",
                                          [MANUAL_FILE] = "_files",
                                          [MANUAL_FINDING] = "_ftstress_ids",
                                          [MANUAL_TARGET] = "_ftstress_targets"};

/* A text in an argument of _arguments, between single quotes. */
static void write_zsh(const char *text, FILE *out)
{
    for (; *text; text++)
        if (*text == '\'')
            fputs("'\\''", out);
        else
            manual_escape((const char[]){*text, '\0'}, "[]:\\", "\\", out);
}

/* "*" because many options may be given several times. */
static void write_zsh_option(const struct option_row *row, const char *dashes, const char *name, FILE *out)
{
    char words[512];
    enum manual_kind kind = manual_value(row, words, sizeof words);
    fprintf(out, " \\\n            '*%s%s[", dashes, name);
    write_zsh(row->help, out);
    fputs("]", out);
    if (row->argument) {
        fputs(":", out);
        write_zsh(row->argument, out);
        if (kind == MANUAL_WORDS)
            fprintf(out, manual_is_list(row) ? ":_values -s , value %s" : ":(%s)", words);
        else
            fprintf(out, ":%s", zsh_actions[kind]);
    }
    fputs("'", out);
}

static void write_zsh_command(const struct command *command, FILE *out)
{
    char words[512], letter[2] = "";
    enum manual_kind kind = manual_name(command, words, sizeof words);
    fprintf(out, "    %s)\n        _arguments", option_command_names[command->id]);
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        if (!manual_takes(command, row))
            continue;
        letter[0] = row->letter;
        if (row->letter)
            write_zsh_option(row, "-", letter, out);
        write_zsh_option(row, "--", row->name, out);
    }
    if (kind == MANUAL_WORDS)
        fprintf(out, " \\\n            '*:name:(%s)' ;;\n", words);
    else
        fprintf(out, " \\\n            '*:name:%s' ;;\n", zsh_actions[kind]);
}

void manual_zsh(FILE *out)
{
    fputs(
        "#compdef ftstress\n"
        "# Completion of ftstress for zsh, made by `ftstress --print zsh`.\n"
        "_ftstress_ids() {\n"
        "    compadd -- ${(f)\"$(ftstress list findings 2>/dev/null | sed -n 's/^\\(F[0-9a-f]*\\) .*/\\1/p')\"}\n}\n"
        "_ftstress_targets() {\n"
        "    compadd -- ${(f)\"$(ftstress list 2>/dev/null | cut -d' ' -f1)\"}\n    _files\n}\n"
        "_ftstress() {\n    local -a commands\n    commands=(\n",
        out);
    for (size_t i = 0; i < command_count; i++) {
        fprintf(out, "        '%s:", option_command_names[commands[i].id]);
        write_zsh(commands[i].about, out);
        fputs("'\n", out);
    }
    fputs("    )\n    if ((CURRENT == 2)); then\n        _describe command commands\n        return\n    fi\n"
          "    local command=$words[2]\n    shift words\n    ((CURRENT--))\n    case $command in\n",
          out);
    for (size_t i = 0; i < command_count; i++)
        write_zsh_command(&commands[i], out);
    fputs("    esac\n}\n_ftstress \"$@\"\n", out);
}

static void write_fish_option(const struct command *command, const struct option_row *row, FILE *out)
{
    char words[512];
    enum manual_kind kind = manual_value(row, words, sizeof words);
    fprintf(out, "complete -c ftstress -n '__fish_seen_subcommand_from %s' -l %s",
            option_command_names[command->id], row->name);
    if (row->letter)
        fprintf(out, " -s %c", row->letter);
    if (row->argument)
        fputs(kind == MANUAL_FILE ? " -r -F" : " -x", out);
    if (kind == MANUAL_WORDS)
        fprintf(out, " -a '%s'", words);
    fputs(" -d '", out);
    manual_escape(row->help, "'\\", "\\", out);
    fputs("'\n", out);
}

static void write_fish_names(const struct command *command, FILE *out)
{
    static const char *const lists[] = {
        [MANUAL_FINDING] = "(ftstress list findings 2>/dev/null | string match -r \"^F[0-9a-f]+\")",
        [MANUAL_TARGET] = "(ftstress list 2>/dev/null | string match -r \"^[^ ]+\")"};
    char words[512];
    enum manual_kind kind = manual_name(command, words, sizeof words);
    const char *names = kind == MANUAL_WORDS ? words : kind > MANUAL_WORDS ? lists[kind] : NULL;
    if (names)
        fprintf(out, "complete -c ftstress -n '__fish_seen_subcommand_from %s' -a '%s'\n",
                option_command_names[command->id], names);
}

void manual_fish(FILE *out)
{
    fputs("# Completion of ftstress for fish, made by `ftstress --print fish`.\n", out);
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &commands[i];
        fprintf(out, "complete -c ftstress -n __fish_use_subcommand -f -a %s -d '",
                option_command_names[command->id]);
        manual_escape(command->about, "'\\", "\\", out);
        fputs("'\n", out);
        for (size_t k = 0; k < option_count; k++)
            if (manual_takes(command, &option_rows[k]))
                write_fish_option(command, &option_rows[k], out);
        write_fish_names(command, out);
    }
}
