#include "driver/finding/note.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
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
    return strings_take(&notes->items, &notes->n, text) < 0 ? -1 : 0;
}

void note_list_clear(struct note_list *notes)
{
    strings_free(notes->items, notes->n);
    *notes = (struct note_list){0};
}
