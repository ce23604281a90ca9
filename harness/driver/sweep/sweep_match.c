/* Which findings of the baseline a unit has not shown, and in which calls they were. */
#include "driver/sweep/sweep_unit.h"

#include <string.h>

#include "base/text.h"
#include "driver/finding/known.h"
#include "driver/report/document.h"

bool unit_has_arguments(const char *statement, const struct unit_call *call)
{
    const char *own = call->text ? strchr(call->text, '(') : NULL,
               *other = statement ? strchr(statement, '(') : NULL;
    size_t length = own ? strlen(own) : 0, whole = other ? strlen(statement) : 0;
    return own && statement && whole >= length && strcmp(statement + whole - length, own) == 0;
}

const struct unit_call *unit_find_returned(const struct unit *unit, size_t owner, const struct known *known)
{
    for (size_t i = 0; i < unit->n; i++)
        if (unit->calls[i].owner == owner && unit->calls[i].state == CALL_RETURNED &&
            unit_has_arguments(known->texts[KNOWN_STATEMENT], &unit->calls[i]))
            return &unit->calls[i];
    return NULL;
}

bool unit_is_open(const struct known *known, const json_t *row, bool is_serial)
{
    return known->in_baseline && !known->is_fixed &&
           text_equal(known->texts[KNOWN_CALLABLE], document_text(row, "name")) &&
           json_array_size(json_object_get(row, "findings")) == 0 &&
           text_equal(known->texts[KNOWN_THREADS], "one") == is_serial;
}

const struct unit_call *unit_known_call(const struct sweep *sweep, const struct unit *unit, size_t owner)
{
    const struct unit_call *call = NULL;
    for (size_t k = 0; k < sweep->known->n && !call; k++)
        if (unit_is_open(&sweep->known->items[k], json_array_get(unit->rows, owner), false))
            call = unit_find_returned(unit, owner, &sweep->known->items[k]);
    return call;
}
