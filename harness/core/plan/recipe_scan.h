/* The text of a recipe, read from left to right: what recipe.c parses with. Pure functions: any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recipe;

struct scan {
    const char *text;
    const char *at; /* the next character */
    struct recipe *recipe;
    char *error;
    size_t error_size;
};

/* Writes the sentence after a quotation of the text. Returns code. */
int scan_complain(const struct scan *p, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Of the next character, from 1: for sentences. */
int scan_position(const struct scan *p);

void scan_blanks(struct scan *p);
bool scan_word(struct scan *p, const char *word);

/* A comma, with blanks around it. */
bool scan_comma(struct scan *p);

/* Returns 0, -EINVAL without a digit, or -ERANGE with the value clipped to 64 bits, as Python clips slices. */
int scan_number(struct scan *p, int64_t *ret_value);

/* True if the text stops or goes on with its next part, so that a bracket must be missing here. */
bool scan_misses_bracket(const char *at, char close);

/* The closing bracket of `what`; `hint` is an example of its content. Returns 0 or -EINVAL. */
int scan_close(struct scan *p, const char *close, const char *what, const char *hint);
