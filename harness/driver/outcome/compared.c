#include "driver/outcome/compared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"

static int raise(enum looked *looked, char **why, enum looked more, const char *reason)
{
    if (*why && more <= *looked)
        return 0;
    free(*why);
    *looked = more;
    *why = strdup(reason);
    return *why ? 0 : -ENOMEM;
}

int compared_add(struct compared_list *list, const struct compared *item)
{
    struct compared *to = NULL;
    for (size_t i = 0; i < list->n && !to; i++)
        if (strcmp(list->items[i].statement, item->statement) == 0)
            to = &list->items[i];
    if (!to) {
        char *statement = strdup(item->statement);
        to = statement ? LIST_ADD(list->items, list->n) : NULL;
        if (!to) {
            free(statement);
            return -ENOMEM;
        }
        to->statement = statement;
    }
    to->calls += item->calls;
    int error = raise(&to->results, &to->why, item->results, item->why);
    return raise(&to->exceptions, &to->why_exceptions, item->exceptions, item->why_exceptions) | error;
}

int compared_add_record(struct compared_list *list, const struct record *record)
{
    const struct compared item = {.statement = (char *)record_text(record, 0),
                                  .results = (enum looked)record->values[COMPARED_RESULTS],
                                  .exceptions = (enum looked)record->values[COMPARED_EXCEPTIONS],
                                  .calls = (uint64_t)record->values[COMPARED_CALLS],
                                  .why = (char *)record_text(record, 1),
                                  .why_exceptions = (char *)record_text(record, 2)};
    return compared_add(list, &item);
}

void compared_clear(struct compared_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        free(list->items[i].statement);
        free(list->items[i].why);
        free(list->items[i].why_exceptions);
    }
    free(list->items);
    *list = (struct compared_list){0};
}
