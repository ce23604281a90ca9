#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "driver/evidence/judge_base.h"

void judge_list_add(struct judge_list *list, const char *entry, ...)
{
    char *text;
    if (list->n++ >= list->max)
        return;
    va_list arguments;
    va_start(arguments, entry);
    int length = vasprintf(&text, entry, arguments);
    va_end(arguments);
    if (length < 0)
        return;
    text_join(&list->text, list->gap, text);
    free(text);
}

char *judge_list_end(struct judge_list *list)
{
    char more[48];
    if (list->text && list->n > list->max) {
        snprintf(more, sizeof more, "and %zu more types", list->n - list->max);
        text_join(&list->text, list->gap, more);
    }
    return list->text;
}
