/* Sequences of calls on one object. A method that returns on a new object may fail behind other methods. */
#include "driver/sweep/sweep_unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/list.h"
#include "base/prng.h"
#include "base/text.h"
#include "driver/report/document.h"

/* Sequences of each length for a class, at most: one takes microseconds. Of a class with few methods each is made. */
#define SEQUENCES_MOST 250u
#define LENGTH_MOST 4u
#define METHODS_MOST 64u
/* The stream of numbers for sequences. */
#define STREAM 23

/* Methods of one class, that is entries with the same object. */
struct methods {
    size_t owners[METHODS_MOST];
    unsigned n;
};

static const char *make_of(const struct unit *unit, size_t owner)
{
    return document_text(json_array_get(unit->entries, owner), "make");
}

static bool came_back(const struct unit_call *call)
{
    return !call->is_sequence && (call->state == CALL_RETURNED || call->state == CALL_CHANGED);
}

/* Draws one of the calls of a method that came back; NULL: none did, or one of its calls failed. */
static const struct unit_call *draw_call_of(const struct unit *unit, size_t owner, struct prng *prng)
{
    const struct unit_call *drawn = NULL;
    unsigned n = 0;
    for (size_t i = 0; i < unit->n; i++) {
        const struct unit_call *call = &unit->calls[i];
        if (call->owner == owner && call->state >= CALL_CRASHED)
            return NULL;
        if (call->owner == owner && came_back(call) && prng_below(prng, ++n) == 0)
            drawn = call;
    }
    return drawn;
}

bool unit_has_sequences(const struct unit *unit, size_t owner)
{
    struct prng prng = {0};
    return *make_of(unit, owner) && draw_call_of(unit, owner, &prng);
}

static void list_methods(const struct unit *unit, size_t first, struct prng *prng, struct methods *methods)
{
    methods->n = 0;
    for (size_t i = first; i < json_array_size(unit->entries) && methods->n < METHODS_MOST; i++)
        if (strcmp(make_of(unit, i), make_of(unit, first)) == 0 && draw_call_of(unit, i, prng))
            methods->owners[methods->n++] = i;
}

/* The calls are borrowed by the unit. The text of the sequence is kept in the unit. */
static int add_sequence(struct unit *unit, const size_t *owners, unsigned length, struct prng *prng)
{
    cleanup_free char *text = NULL, *whole = NULL;
    for (unsigned i = 0; i < length; i++) {
        const struct unit_call *call = draw_call_of(unit, owners[i], prng);
        if (text_join(&text, ", ", call->text) < 0)
            return -ENOMEM;
    }
    if (!text || asprintf(&whole, "(%s)", text) < 0)
        return -ENOMEM;
    json_array_append_new(unit->texts, json_string(whole));
    struct unit_call *added = LIST_ADD(unit->calls, unit->n);
    if (!added)
        return -ENOMEM;
    *added = (struct unit_call){
        .text = json_string_value(json_array_get(unit->texts, json_array_size(unit->texts) - 1)),
        .owner = owners[length - 1],
        .is_sequence = true,
        .written = -1};
    return 0;
}

/* All sequences of the length where there are few, else drawn ones. */
static int add_length(struct unit *unit, const struct methods *methods, unsigned length, struct prng *prng)
{
    size_t all = 1, owners[LENGTH_MOST];
    int error = 0;
    for (unsigned i = 0; i < length; i++)
        all *= methods->n;
    bool draws = all > SEQUENCES_MOST;
    for (size_t k = 0; k < (draws ? SEQUENCES_MOST : all) && !error; k++) {
        size_t rest = draws ? prng_below(prng, all) : k;
        for (unsigned i = 0; i < length; i++, rest /= methods->n)
            owners[i] = methods->owners[rest % methods->n];
        error = add_sequence(unit, owners, length, prng);
    }
    return error;
}

/* Short sequences come first: the last call of one that fails is the guilty one. */
int unit_add_sequences(const struct sweep *sweep, struct unit *unit)
{
    struct methods methods;
    int error = 0;
    for (size_t i = 0; i < json_array_size(unit->entries) && !error; i++) {
        const char *make = make_of(unit, i);
        if (!*make || (i > 0 && strcmp(make, make_of(unit, i - 1)) == 0))
            continue;
        unsigned round = sweep->signals ? atomic_load(&sweep->board->done) : 0; /* a fuzzer has many */
        struct prng prng = prng_stream(sweep->request->plan.seed + prng_text(make) + round, STREAM);
        list_methods(unit, i, &prng, &methods);
        for (unsigned length = 2; length <= LENGTH_MOST && methods.n > 0 && !error; length++)
            error = add_length(unit, &methods, length, &prng);
    }
    return error;
}

/* Is the method of this call in the sequence, too? */
static bool has_method(const struct unit *unit, const struct unit_call *sequence,
                       const struct unit_call *call)
{
    const char *name = document_text(json_array_get(unit->entries, call->owner), "name");
    const char *method = strrchr(name, '.');
    cleanup_free char *text = NULL;
    if (strcmp(make_of(unit, sequence->owner), make_of(unit, call->owner)) != 0)
        return false;
    return method && asprintf(&text, UNIT_OBJECT "%s(", method) >= 0 && strstr(sequence->text, text);
}

void unit_leave_sequences(struct unit *unit, const struct unit_call *failed)
{
    for (size_t i = 0; failed->is_sequence && i < unit->n; i++) {
        struct unit_call *call = &unit->calls[i];
        if (call->is_sequence && call->state == CALL_NEW &&
            has_method(unit, call, failed)) /* NOLINT(readability-suspicious-call-argument): in order */
            call->state = CALL_LEFT;
    }
}
