/* The inputs and calls of a round. */
#include "driver/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "driver/fuzz/fuzz_draw.h"
#include "driver/report/document.h"

/* Neighbours in the catalogue that have a turn together, and turns in a round. */
#define WINDOW 16
#define WINDOWS 2
/* Calls of a callable in a round, at least; and of all callables together, where there are few. */
#define CALLS 12
#define CALLS_TOGETHER 300

static size_t count_windows(const struct fuzz *fuzz)
{
    return (json_array_size(fuzz->entries) + WINDOW - 1) / WINDOW;
}

static unsigned depth_of(const struct fuzz *fuzz, size_t window)
{
    return fuzz_depth(fuzz, document_text(json_array_get(fuzz->entries, window * WINDOW), "name"));
}

/* Windows of the targets' own callables come before those of submodules and classes, which are many. */
static void sort(struct fuzz *fuzz, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        size_t window = fuzz->deck[i], k = i;
        for (; k > 0 && depth_of(fuzz, fuzz->deck[k - 1]) > depth_of(fuzz, window); k--)
            fuzz->deck[k] = fuzz->deck[k - 1];
        fuzz->deck[k] = window;
    }
}

static void shuffle(struct fuzz *fuzz)
{
    size_t n = count_windows(fuzz);
    free(fuzz->deck);
    fuzz->deck = calloc(n + 1, sizeof *fuzz->deck);
    for (size_t i = 0; fuzz->deck && i < n; i++) {
        size_t k = draw(&fuzz->prng, i + 1);
        fuzz->deck[i] = fuzz->deck[k];
        fuzz->deck[k] = i;
    }
    if (fuzz->deck)
        sort(fuzz, n);
    fuzz->at = 0;
}

/* The recipe that the plan has for this input, else the table's. */
static const char *recipe_of(const struct plan *base, const char *name, const char *recipe)
{
    for (unsigned i = 0; base && i < base->ninputs; i++)
        if (strcmp(base->inputs[i].name, name) == 0)
            return base->inputs[i].recipe;
    return recipe;
}

static void add_input(struct fuzz *fuzz, json_t *inputs, const char *name, const char *recipe,
                      bool is_changed)
{
    cleanup_free char *drawn = is_changed && draw(&fuzz->prng, 2) ? draw_recipe(&fuzz->prng, recipe) : NULL;
    json_array_append_new(inputs, json_pack("[s, s]", name, drawn ? drawn : recipe));
}

static bool has_input(const json_t *inputs, const char *name)
{
    size_t i;
    const json_t *input;
    json_array_foreach (inputs, i, input)
        if (strcmp(json_string_value(json_array_get(input, 0)), name) == 0)
            return true;
    return false;
}

/* The inputs of the table, as the plan has them, and its own, some of them changed. In the first turns they stay: the
 * forms of the catalogue fit together. */
static json_t *draw_inputs(struct fuzz *fuzz, const struct plan *base, bool is_changed)
{
    json_t *inputs = json_array();
    bool has_own = base && json_array_size(fuzz->table) > 0; /* without NumPy there is none */
    size_t i;
    const json_t *input;
    json_array_foreach (fuzz->table, i, input) {
        const char *name = json_string_value(json_array_get(input, 0));
        add_input(fuzz, inputs, name, recipe_of(base, name, json_string_value(json_array_get(input, 1))),
                  is_changed);
    }
    for (unsigned k = 0; has_own && k < base->ninputs && json_array_size(inputs) < PLAN_INPUTS_MAX; k++)
        if (!has_input(inputs, base->inputs[k].name))
            add_input(fuzz, inputs, base->inputs[k].name, base->inputs[k].recipe, is_changed);
    return inputs;
}

static json_t *entry_for(json_t *chosen, const json_t *entry)
{
    const char *name = document_text(entry, "name");
    json_t *own = json_object_get(chosen, name);
    if (!own) {
        own = json_pack("{s:s, s:O, s:O, s:o}", "name", name, "module", json_object_get(entry, "module"),
                        "make", json_object_get(entry, "make"), "calls", json_object());
        json_object_set_new(chosen, name, own);
    }
    return json_object_get(own, "calls");
}

/* Half of the calls are drawn from those that returned before, if there are such: what raises does little. */
static const char *draw_form(struct fuzz *fuzz, const json_t *entry)
{
    const json_t *forms = json_object_get(entry, "calls"),
                 *returned = json_object_get(fuzz->returned, document_text(entry, "name"));
    const json_t *from = returned && draw(&fuzz->prng, 2) ? returned : forms;
    return json_string_value(json_array_get(from, draw(&fuzz->prng, json_array_size(from))));
}

static void draw_calls(struct fuzz *fuzz, json_t *chosen, const json_t *entry)
{
    json_t *calls = entry_for(chosen, entry);
    size_t n = CALLS_TOGETHER / json_array_size(fuzz->entries);
    for (size_t i = 0; i < (n > CALLS ? n : CALLS); i++) {
        const char *form = draw_form(fuzz, entry);
        cleanup_free char *drawn =
            fuzz->passed && draw(&fuzz->prng, 2) ? draw_call(&fuzz->prng, form, fuzz->arguments) : NULL;
        json_object_set_new(calls, drawn ? drawn : form, json_true());
    }
}

/* Callables of other shards, some of them again of this one. */
static void draw_others(struct fuzz *fuzz, json_t *chosen)
{
    size_t n = json_array_size(fuzz->all), from = draw(&fuzz->prng, n);
    for (size_t i = from; i < from + WINDOW && i < n; i++) {
        const json_t *entry = json_array_get(fuzz->all, i);
        if (!fuzz_is_spent(fuzz, document_text(entry, "name")))
            draw_calls(fuzz, chosen, entry);
    }
}

static void draw_window(struct fuzz *fuzz, json_t *chosen)
{
    size_t n = count_windows(fuzz);
    if (!fuzz->deck || fuzz->at >= n) {
        fuzz->passed |= fuzz->deck != NULL;
        shuffle(fuzz);
    }
    if (!fuzz->deck)
        return;
    size_t from = fuzz->deck[fuzz->at++] * WINDOW;
    for (size_t i = from; i < from + WINDOW && i < json_array_size(fuzz->entries); i++) {
        const json_t *entry = json_array_get(fuzz->entries, i);
        if (!fuzz_is_spent(fuzz, document_text(entry, "name")))
            draw_calls(fuzz, chosen, entry);
    }
}

/* Callables of which most calls raised in the round before. */
static void draw_thin(struct fuzz *fuzz, json_t *chosen)
{
    size_t i;
    const json_t *entry;
    json_array_foreach (fuzz->entries, i, entry) {
        const char *name = document_text(entry, "name");
        const json_t *round = json_object_get(fuzz->thin, name);
        if (round && json_integer_value(round) + 1 == (json_int_t)fuzz->rounds && !fuzz_is_spent(fuzz, name))
            draw_calls(fuzz, chosen, entry);
    }
}

/* The expression that the setup gives to the object with this name: "NAME = EXPRESSION". The caller's, or NULL. */
static char *make_in(const struct plan *plan, const char *object, size_t length)
{
    const char *line = plan->setup;
    for (; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, object, length) == 0 && strncmp(line + length, " = ", 3) == 0)
            return strndup(line + length + 3, strcspn(line + length + 3, "\n"));
    return NULL;
}

/* The call of a statement of the plan, if it is one of this callable: "module.name(…)", or "object.method(…)" with an
 * object of the setup. The caller's, or NULL. */
static char *call_of(const struct plan *plan, const json_t *entry, const char *statement)
{
    const char *name = document_text(entry, "name"), *make = document_text(entry, "make");
    const char *method = strrchr(name, '.');
    size_t length = strcspn(statement, "."), tail = method ? strlen(method) : 0;
    char *call;
    if (!*make)
        return strncmp(statement, name, strlen(name)) == 0 && statement[strlen(name)] == '('
                   ? strdup(statement)
                   : NULL;
    if (tail == 0 || strncmp(statement + length, method, tail) != 0 || statement[length + tail] != '(')
        return NULL;
    cleanup_free char *made = make_in(plan, statement, length);
    if (!made || strcmp(made, make) != 0)
        return NULL;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
    return asprintf(&call, UNIT_OBJECT "%s", statement + length) < 0 ? NULL : call;
}

char *fuzz_find_call(const struct fuzz *fuzz, const struct plan *plan, const char *statement,
                     const json_t **ret_entry)
{
    size_t i;
    const json_t *entry;
    json_array_foreach (fuzz->all, i, entry) {
        char *call =
            fuzz_is_spent(fuzz, document_text(entry, "name")) ? NULL : call_of(plan, entry, statement);
        if (call && ret_entry)
            *ret_entry = entry;
        if (call)
            return call;
    }
    return NULL;
}

/* Adds a statement of a plan of the corpus, if it is a call of the catalogue; and a change of it. */
static void add_statement(struct fuzz *fuzz, json_t *chosen, const struct plan *base, const char *statement,
                          bool is_changed)
{
    const json_t *entry = NULL;
    cleanup_free char *call = fuzz_find_call(fuzz, base, statement, &entry);
    if (!call)
        return;
    cleanup_free char *drawn = is_changed ? draw_call(&fuzz->prng, call, fuzz->arguments) : NULL;
    json_t *calls = entry_for(chosen, entry);
    json_object_set_new(calls, call, json_true());
    json_object_set_new(calls, drawn ? drawn : call, json_true());
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
}

static void add_plan(struct fuzz *fuzz, json_t *chosen, const struct plan *base, bool is_changed)
{
    for (unsigned i = 0; i < base->nsteps; i++)
        add_statement(fuzz, chosen, base, base->steps[i], is_changed);
    for (unsigned i = 0; i < base->nroles; i++)
        add_statement(fuzz, chosen, base, base->roles[i], is_changed);
}

/* The key of a callable's calls with these keywords, which change what it does. The caller's, or NULL. */
static char *form_of(const char *name, const char *call)
{
    cleanup_free char *keywords = draw_keywords(call);
    char *key;
    return !keywords || asprintf(&key, "%s %s", name, keywords) < 0 ? NULL : key;
}

static json_int_t turns_of(const struct fuzz *fuzz, const char *name, const char *call)
{
    cleanup_free char *form = form_of(name, call);
    return form ? json_integer_value(json_object_get(fuzz->turns, form)) : 0;
}

void fuzz_count_turns(struct fuzz *fuzz, const struct unit *unit)
{
    for (size_t i = 0; i < json_array_size(unit->entries); i++) {
        const struct unit_call *call = unit_choose_call(fuzz->sweep, unit, i);
        cleanup_free char *form = call ? form_of(fuzz_name(unit, i), call->text) : NULL;
        if (form)
            json_object_set_new(fuzz->turns, form,
                                json_integer(1 + json_integer_value(json_object_get(fuzz->turns, form))));
    }
}

/* A call and the turns that calls with its keywords had. */
struct turn {
    const char *text;
    json_int_t n;
};

/* Puts the turn behind those of the list that are no more: equal ones stay in their order. */
static void insert_turn(struct turn *list, size_t n, struct turn turn)
{
    for (; n > 0 && list[n - 1].n > turn.n; n--)
        list[n] = list[n - 1];
    list[n] = turn;
}

/* The calls as a list. Those with keywords that had fewer turns come first: threads make the first call that
 * returns. */
static json_t *list_calls(const struct fuzz *fuzz, const char *name, json_t *calls)
{
    json_t *list = json_array(), *value;
    const char *text;
    size_t n = 0;
    cleanup_free struct turn *turns = calloc(json_object_size(calls) + 1, sizeof *turns);
    json_object_foreach (calls, text, value) {
        struct turn turn = {.text = text, .n = turns_of(fuzz, name, text)};
        if (turns)
            insert_turn(turns, n++, turn);
    }
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(turns[i].text));
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
    return list;
}

/* The sets of calls as lists. */
static json_t *list_entries(const struct fuzz *fuzz, json_t *chosen)
{
    json_t *entries = json_array(), *entry;
    const char *name;
    json_object_foreach (chosen, name, entry) {
        json_object_set_new(entry, "calls", list_calls(fuzz, name, json_object_get(entry, "calls")));
        json_array_append(entries, entry);
    }
    return entries;
}

json_t *fuzz_draw_round(struct fuzz *fuzz)
{
    const struct corpus *corpus = &fuzz->corpus;
    const struct plan *base = corpus->n > 0 && (fuzz->passed || fuzz->rounds % 4 == 3)
                                  ? &corpus->plans[draw(&fuzz->prng, corpus->n)]
                                  : NULL;
    json_auto_t *chosen = json_object();
    json_object_set_new(fuzz->sweep->catalogue, "inputs", draw_inputs(fuzz, base, fuzz->passed));
    if (base)
        add_plan(fuzz, chosen, base, true);
    for (int i = 0; i < WINDOWS && (i == 0 || count_windows(fuzz) > 1); i++)
        draw_window(fuzz, chosen);
    draw_thin(fuzz, chosen);
    if (fuzz->passed && fuzz->sweep->request->shards > 1)
        draw_others(fuzz, chosen);
    return list_entries(fuzz, chosen);
}

json_t *fuzz_take_plan(struct fuzz *fuzz, const struct plan *plan)
{
    json_auto_t *chosen = json_object();
    json_object_set_new(fuzz->sweep->catalogue, "inputs", draw_inputs(fuzz, plan, false));
    add_plan(fuzz, chosen, plan, false);
    return list_entries(fuzz, chosen);
}
