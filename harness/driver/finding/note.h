/* Notes: sentences for the report that are no findings. Driver. */
#pragma once

#include <stddef.h>

struct note_list {
    char **items;
    size_t n;
};

/* Adds the sentence unless the list has it. Returns 0, or -1 without memory. */
int note_add(struct note_list *notes, const char *format, ...) __attribute__((format(printf, 2, 3)));
void note_list_clear(struct note_list *notes);
