/* Plans of the corpus with names that a fuzzer does not have: such a call raises NameError in each round. */
#include "driver/fuzz/fuzz.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

static bool is_in_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* The character behind the string that begins here. */
static const char *skip_string(const char *at)
{
    char quote = *at++;
    while (*at && *at != quote)
        at += *at == '\\' && at[1] ? 2 : 1;
    return *at ? at + 1 : at;
}

/* Is the word a name that the call reads, and no number, attribute, parameter or mark of a string? */
static bool is_read(const char *text, const char *word, size_t length)
{
    const char *behind = word + length;
    if (isdigit((unsigned char)*word) || *behind == '\'' || *behind == '"' ||
        (word > text && word[-1] == '.'))
        return false;
    behind += strspn(behind, " ");
    return *behind != '=' || behind[1] == '=';
}

static bool is_input(const struct plan *plan, const char *name)
{
    for (unsigned i = 0; i < plan->ninputs; i++)
        if (strcmp(plan->inputs[i].name, name) == 0)
            return true;
    return false;
}

/* Does the call bind names of its own? */
static bool has_own_names(const char *text)
{
    return strstr(text, " for ") || strstr(text, "lambda") || strstr(text, ":=");
}

char *fuzz_find_undefined(const json_t *names, const struct plan *plan, const char *text)
{
    const char *at = text;
    while (*at && !has_own_names(text)) {
        size_t length = 0;
        while (is_in_word(at[length]))
            length++;
        char *name = length ? strndup(at, length) : NULL;
        if (name && is_read(text, at, length) && !json_object_get(names, name) && !is_input(plan, name))
            return name;
        free(name);
        at = length ? at + length : *at == '\'' || *at == '"' ? skip_string(at) : at + 1;
    }
    return NULL;
}

static void add_name(json_t *names, const char *name, size_t length)
{
    cleanup_free char *own = strndup(name, length);
    if (own)
        json_object_set_new(names, own, json_true());
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
}

json_t *fuzz_list_names(const struct fuzz *fuzz)
{
    json_t *names = json_object(), *item;
    size_t i;
    json_array_foreach (json_object_get(fuzz->sweep->catalogue, "builtins"), i, item)
        json_object_set_new(names, json_string_value(item), json_true());
    json_array_foreach (fuzz->table, i, item)
        json_object_set_new(names, json_string_value(json_array_get(item, 0)), json_true());
    json_array_foreach (fuzz->all, i, item) {
        const char *name = document_text(item, "name");
        add_name(names, name, strcspn(name, "."));
    }
    return names;
}

/* A name of the plan that is undefined in one of its calls of the targets; the caller's, or NULL. A call begins with
 * its module or with an object of the setup. */
static char *find_in_plan(const struct fuzz *fuzz, const struct plan *plan)
{
    for (unsigned i = 0; i < plan->nsteps + plan->nroles; i++) {
        const char *statement = i < plan->nsteps ? plan->steps[i] : plan->roles[i - plan->nsteps];
        char *name = fuzz_find_undefined(fuzz->names, plan, statement + strcspn(statement, ".("));
        cleanup_free char *call =
            name ? fuzz_find_call(fuzz, plan, statement, NULL) : NULL; /* it takes longer */
        if (call)
            return name;
        free(name);
    }
    return NULL;
}

void fuzz_read_corpus(struct fuzz *fuzz)
{
    struct corpus *corpus = &fuzz->corpus;
    json_t *notes = json_object_get(fuzz->total, "notes");
    corpus_read(corpus, notes);
    while (fuzz->checked < corpus->n) {
        cleanup_free char *name = find_in_plan(fuzz, &corpus->plans[fuzz->checked]);
        if (!name) {
            fuzz->checked++;
            continue;
        }
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
        json_array_append_new(
            notes, json_sprintf("%s/%s: the name %s of a call is neither an input of the plan nor a "
                                "target; this file of the corpus was left out",
                                corpus->dir, corpus->files[fuzz->checked], name));
        corpus_drop(corpus, fuzz->checked);
    }
}
