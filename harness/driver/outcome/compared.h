/* Which statements had their results compared and their exceptions judged, and why not. Driver. Strings are owned. */
#pragma once

#include <stddef.h>

#include "core/wire/record.h"

struct compared {
    char *statement;
    enum looked results, exceptions;
    uint64_t calls;             /* with a result that was compared */
    char *why, *why_exceptions; /* "" if they were */
};

struct compared_list {
    struct compared *items;
    size_t n;
};

/* Adds a statement. If it is there, the greater `looked` counts, and the calls add up. Returns 0 or -ENOMEM. */
int compared_add(struct compared_list *list, const struct compared *item);
int compared_add_record(struct compared_list *list, const struct record *record);
void compared_clear(struct compared_list *list);
