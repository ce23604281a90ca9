#include "driver/finding/note.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/finding/finding.h"

int note_add(struct note_list *notes, const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int n = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (n < 0)
        return -1;
    finding_make_printable(text);
    for (size_t i = 0; i < notes->n; i++)
        if (strcmp(notes->items[i], text) == 0) {
            free(text);
            return 0;
        }
    char **grown = realloc(notes->items, (notes->n + 1) * sizeof *grown);
    if (!grown) {
        free(text);
        return -1;
    }
    notes->items = grown;
    grown[notes->n++] = text;
    return 0;
}

void note_list_clear(struct note_list *notes)
{
    for (size_t i = 0; i < notes->n; i++)
        free(notes->items[i]);
    free(notes->items);
    *notes = (struct note_list){0};
}
