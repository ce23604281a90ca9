/* Arguments that calls write to: for good, or with the old value put back. A function that changes an argument for good
 * in one call may write to it in another one without an effect that stays, such as flags of the array while it
 * works. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/sweep/sweep_child.h"
#include "driver/sweep/sweep_unit.h"

/* The place of the first argument with this name; -1: none has it. */
static int place_of(const char *call, const char *name)
{
    size_t length = strlen(name);
    const char *at = strchr(call, '(');
    int place = 0, depth = 0;
    for (; at && *at; at++) {
        depth += (*at == '(' || *at == '[') - (*at == ')' || *at == ']');
        place += *at == ',' && depth == 1;
        if ((at[0] == '(' || at[0] == ' ' || at[0] == '[') && strncmp(at + 1, name, length) == 0 &&
            strchr("), [", at[1 + length]))
            return place;
    }
    return -1;
}

static void print_key(size_t owner, int place, char key[static 48])
{
    snprintf(key, 48, "%zu %d", owner, place);
}

void unit_read_written(const struct sweep *sweep, struct unit *unit,
                       struct unit_call *(*find)(struct unit *unit, size_t number))
{
    char *text = NULL, *line, *rest, key[48];
    size_t size;
    if (sweep_child_read(sweep, "written", &text, &size) < 0)
        return;
    for (rest = text; (line = strsep(&rest, "\n")) && *line;) {
        char *tab = strchr(line, '\t');
        const struct unit_call *call = tab ? find(unit, strtoul(line, NULL, 10)) : NULL;
        if (!call)
            continue;
        print_key(call->owner, place_of(call->text, tab + 1), key);
        json_object_set_new(unit->in_place, key, json_true());
    }
    free(text);
}

int unit_written_place(const struct unit_call *call, const struct outcome *outcome)
{
    for (size_t i = 0; i < outcome->nrecords; i++) {
        const struct record *record = outcome->records[i];
        if (record->type == RECORD_WRITE && !record->values[WRITE_KEPT] && !record->values[WRITE_SAME])
            return place_of(call->text, record_text(record, 0));
    }
    return -1;
}

bool unit_is_in_place(const struct unit *unit, const struct unit_call *call)
{
    char key[48];
    print_key(call->owner, call->written, key);
    return call->state == CALL_SHOWN && call->written >= 0 && json_object_get(unit->in_place, key);
}
