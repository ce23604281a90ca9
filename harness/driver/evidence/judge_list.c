#include <stdlib.h>

#include "driver/evidence/judge_base.h"

FILE *judge_list_next(struct judge_list *list)
{
    if (list->n++ >= list->max)
        return NULL;
    if (!list->out)
        list->out = open_memstream(&list->text, &list->size);
    if (list->out && list->n > 1)
        fputs(list->gap, list->out);
    return list->out;
}

char *judge_list_end(struct judge_list *list)
{
    if (!list->out)
        return NULL;
    if (list->n > list->max)
        fprintf(list->out, "%sand %zu more types", list->gap, list->n - list->max);
    if (fclose(list->out) == 0)
        return list->text;
    free(list->text);
    return NULL;
}
