/* Arguments that calls change for good, from all rounds: a write to one of these that is put back is no failure. A
 * drawn call may write what is there already, such as putmask(x, x, x), and its round may have no other call of the
 * callable. */
#include "driver/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

/* Adds those of a unit. */
static void add(struct fuzz *fuzz, const struct unit *unit)
{
    const char *key;
    json_t *value;
    json_object_foreach (unit->in_place, key, value) {
        char *place;
        size_t owner = strtoul(key, &place, 10);
        cleanup_free char *own = NULL;
        if (asprintf(&own, "%s%s", fuzz_name(unit, owner), place) >= 0)
            json_object_set_new(fuzz->in_place, own, json_true());
    }
}

/* Gives a unit those of its callables. */
static void give(const struct fuzz *fuzz, struct unit *unit)
{
    const char *key;
    json_t *value;
    json_object_foreach (fuzz->in_place, key, value) {
        const char *place = strrchr(key, ' ');
        for (size_t i = 0; place && i < json_array_size(unit->entries); i++) {
            const char *name = fuzz_name(unit, i);
            cleanup_free char *own = NULL;
            if (strlen(name) == (size_t)(place - key) && strncmp(key, name, (size_t)(place - key)) == 0 &&
                asprintf(&own, "%zu%s", i, place) >= 0)
                json_object_set_new(unit->in_place, own, json_true());
        }
    }
}

/* Makes all calls that the catalogue has for the callable. */
static int scan_forms(struct fuzz *fuzz, const char *name)
{
    struct sweep *sweep = fuzz->sweep;
    json_auto_t *entries = json_array(), *drawn = json_incref(json_object_get(sweep->catalogue, "inputs"));
    struct unit unit;
    size_t i;
    json_t *entry;
    json_array_foreach (fuzz->all, i, entry)
        if (strcmp(document_text(entry, "name"), name) == 0)
            json_array_append(entries, entry);
    json_object_set(sweep->catalogue, "inputs", fuzz->table);
    int error = unit_begin(&unit, entries);
    error = error ? error : unit_scan(sweep, &unit);
    json_object_set(sweep->catalogue, "inputs", drawn);
    add(fuzz, &unit);
    unit_clear(&unit);
    return error;
}

/* Makes those calls where it was not done yet. */
static int look_at(struct fuzz *fuzz, const struct unit *unit, const struct unit_call *call)
{
    const char *name = fuzz_name(unit, call->owner);
    if (call->state != CALL_SHOWN || call->written < 0 || json_object_get(fuzz->in_place, name))
        return 0;
    json_object_set_new(fuzz->in_place, name, json_true());
    return scan_forms(fuzz, name);
}

int fuzz_learn_in_place(struct fuzz *fuzz, struct unit *unit)
{
    uint64_t deadline = fuzz->sweep->deadline;
    int error = 0;
    add(fuzz, unit);
    fuzz->sweep->deadline = 0; /* a finding needs it, at the end, too */
    for (size_t i = 0; i < unit->n && !error; i++)
        error = look_at(fuzz, unit, &unit->calls[i]);
    fuzz->sweep->deadline = deadline;
    give(fuzz, unit);
    return error;
}
