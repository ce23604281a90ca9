/* `ftstress --print FORM`, for the build and the documentation: the man page, the completions of the shells, and the
 * reference pages. All words come from the tables of commands, options, detectors, modes and forms. Driver. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "core/plan/option.h"
#include "driver/command/command.h"

/* Writes the form to standard output. Returns an exit status. */
int manual_print(const char *form);

/* What a value of an option, or a name on a command line, may be. */
enum manual_kind { MANUAL_FREE, MANUAL_FILE, MANUAL_WORDS, MANUAL_FINDING, MANUAL_TARGET };

/* Writes the words of MANUAL_WORDS, separated by blanks. */
enum manual_kind manual_value(const struct option_row *row, char *words, size_t size);
enum manual_kind manual_name(const struct command *command, char *words, size_t size);

/* Are values of the option lists, separated by commas? */
bool manual_is_list(const struct option_row *row);

/* Does the command take the option? */
bool manual_takes(const struct command *command, const struct option_row *row);

/* Writes a text with the prefix before each of the marks in it. */
void manual_escape(const char *text, const char *marks, const char *prefix, FILE *out);

void manual_man(FILE *out), manual_bash(FILE *out), manual_zsh(FILE *out), manual_fish(FILE *out);
void manual_options(FILE *out), manual_detectors(FILE *out);
