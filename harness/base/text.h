/* Texts that may be NULL, lists of "key=value", and texts that are put together. Any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The value of a macro that is a number, as a literal text. */
#define STRINGIFY(number) #number
#define AS_TEXT(number) STRINGIFY(number)

static inline bool text_equal(const char *one, const char *other)
{
    return one == other || (one && other && strcmp(one, other) == 0);
}

/* Returns the value of the key, borrowed, or NULL. */
static inline const char *text_value(char *const *entries, size_t n, const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < n; i++)
        if (strncmp(entries[i], key, length) == 0 && entries[i][length] == '=')
            return entries[i] + length + 1;
    return NULL;
}

/* Moves to the next of several names between commas and blanks. Returns its length; 0 at the end. */
static inline size_t text_next_name(const char **at)
{
    *at += strspn(*at, ", ");
    return strcspn(*at, ", ");
}

/* Appends to a text in an array of this size, after the separator unless the text is empty. Cuts what does not fit. */
void text_add(char *text, size_t size, const char *separator, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Appends to a text from malloc, or begins one at NULL. Returns 0 or -ENOMEM. */
int text_join(char **text, const char *separator, const char *more);

/* Replaces hexadecimal addresses by "0x?": they differ from one run of the same calls to the next. */
void text_hide_addresses(char *text);
