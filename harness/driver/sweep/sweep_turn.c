/* Which callables had their turn in each pass. What was not looked at is named, and never counts as clean. */
#include "driver/sweep/sweep_unit.h"

#include "driver/report/document.h"

enum turn {
    TURN_NONE, /* it has no calls for the pass, as far as the passes before show */
    TURN_MADE,
    TURN_PART,
    TURN_MISSED
};

/* Its own calls for the first pass, or for the forms: all, and those without a state. */
struct own_calls {
    unsigned n, open;
};

static struct own_calls count_own(const struct unit *unit, size_t owner, bool is_first)
{
    struct own_calls own = {0};
    for (size_t i = 0; i < unit->n; i++) {
        const struct unit_call *call = &unit->calls[i];
        if (call->owner != owner || call->is_sequence || call->is_first != is_first)
            continue;
        own.n++;
        own.open += call->state <= CALL_BEGUN;
    }
    return own;
}

static enum turn turn_of_calls(const struct unit *unit, size_t owner, bool is_first)
{
    struct own_calls own = count_own(unit, owner, is_first);
    if (own.n == 0 || *document_text(json_array_get(unit->rows, owner), "why"))
        return TURN_NONE;
    if (own.open == own.n)
        return TURN_MISSED;
    return own.open == 0 || is_first ? TURN_MADE : TURN_PART;
}

static enum turn turn_of_failures(const struct unit *unit, size_t owner)
{
    if (unit_count(unit, owner, CALL_CRASHED) + unit_count(unit, owner, CALL_SHOWN) == 0)
        return TURN_NONE;
    return unit_wants_trial(unit, owner) ? TURN_MISSED : TURN_MADE;
}

static enum turn turn_of(const struct unit *unit, size_t owner, enum sweep_pass pass)
{
    enum turn turn = unit->passes & PASS_BIT(pass) ? TURN_MADE : TURN_MISSED;
    switch (pass) {
    case PASS_FIRST:
        return turn_of_calls(unit, owner, true);
    case PASS_FORMS:
        return turn_of_calls(unit, owner, false);
    case PASS_FAILURES:
        return turn_of_failures(unit, owner);
    case PASS_SEQUENCES:
        return unit_has_sequences(unit, owner) ? turn : TURN_NONE;
    case PASS_THREADS:
        if (json_object_get(json_array_get(unit->rows, owner), "not_reached"))
            return TURN_MISSED;
        return unit_count(unit, owner, CALL_RETURNED) > 0 && !unit_has_failed(unit, owner) ? turn : TURN_NONE;
    default:
        return TURN_NONE;
    }
}

void sweep_add_turn(json_t *passes, const char *name, unsigned callables, unsigned reached)
{
    json_t *pass = json_object_get(passes, name);
    if (!pass)
        json_object_set_new(passes, name, pass = json_object());
    json_object_set_new(pass, "callables", json_integer(document_number(pass, "callables") + callables));
    json_object_set_new(pass, "reached", json_integer(document_number(pass, "reached") + reached));
}

void unit_add_turns(const struct unit *unit, json_t *result)
{
    json_t *passes = json_object(), *row;
    size_t owner;
    for (int pass = 0; pass < PASS_KNOWN; pass++)
        sweep_add_turn(passes, sweep_pass_name((enum sweep_pass)pass), 0, 0);
    json_array_foreach (json_object_get(result, "callables"), owner, row) {
        json_t *known = json_object_get(row, "not_reached"), *missed = json_object();
        for (int pass = 0; pass < PASS_KNOWN; pass++) {
            const char *name = sweep_pass_name((enum sweep_pass)pass);
            enum turn turn = turn_of(unit, owner, (enum sweep_pass)pass);
            sweep_add_turn(passes, name, turn != TURN_NONE, turn == TURN_MADE);
            if (turn >= TURN_PART)
                json_object_set_new(missed, name,
                                    json_string(turn == TURN_PART ? "the sweep ended before all of its calls"
                                                                  : "the sweep ended before its turn"));
        }
        json_object_update(missed, known); /* with a reason of its own */
        if (json_object_size(missed) > 0)
            json_object_set(row, "not_reached", missed);
        json_decref(missed);
    }
    json_object_set_new(result, "passes", passes);
}
