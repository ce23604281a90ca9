/* Texts that may be NULL, and lists of "key=value". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

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
