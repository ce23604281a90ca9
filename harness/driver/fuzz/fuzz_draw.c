#include "driver/fuzz/fuzz_draw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "core/plan/recipe.h"

#define ARGUMENTS_MAX 12
#define RECIPE_LENGTH 40 /* longer ones are not extended */
#define N(array) (sizeof(array) / sizeof *(array))

static const char *const dtypes[] = {"f8", "f4", "i8", "i4", "u1", "b1", "c16", "c8", ">f8", "S4"};
static const char *const shapes[] = {"[20]",  "[4]",   "[5]",  "[1]",     "[0]",   "[]",
                                     "[4,4]", "[4,5]", "[33]", "[2,3,4]", "[4,0]", "[1,4]"};
static const char *const views[] = {"[::-1]", "[::2]", "[1:]", ".T", "[:,::-1]", "[::-2]"};
static const char *const ends[] = {"@ro", "+8", "~bcast(4,4)"};

static bool is_recipe(const char *text)
{
    struct recipe recipe;
    char error[512];
    return recipe_parse(text, &recipe, error, sizeof error) == 0;
}

char *draw_recipe(struct prng *prng, const char *recipe)
{
    size_t dtype = strcspn(recipe, "["), shape = dtype + strcspn(recipe + dtype, "]");
    size_t views_end = strcspn(recipe, "+~@"), what = draw(prng, 5);
    char *drawn = NULL;
    int n = 0;
    if (what == 0)
        n = asprintf(&drawn, "%s%s", dtypes[draw(prng, N(dtypes))], recipe + dtype);
    else if (what == 1)
        n = asprintf(&drawn, "%.*s%s%s", (int)dtype, recipe, shapes[draw(prng, N(shapes))],
                     recipe[shape] ? recipe + shape + 1 : "");
    else if (what == 2)
        n = asprintf(&drawn, "%.*s%s", (int)dtype, recipe, shapes[draw(prng, N(shapes))]);
    else if (what == 3 && strlen(recipe) < RECIPE_LENGTH)
        n = asprintf(&drawn, "%.*s%s%s", (int)views_end, recipe, views[draw(prng, N(views))],
                     recipe + views_end);
    else if (strlen(recipe) < RECIPE_LENGTH)
        n = asprintf(&drawn, "%s%s", recipe, ends[draw(prng, N(ends))]);
    if (n < 0)
        return NULL;
    if (drawn && is_recipe(drawn))
        return drawn;
    free(drawn);
    return strdup(recipe);
}

/* Cuts the text between the brackets of a call at its commas. Returns the number of arguments. */
static size_t split(char *text, char *arguments[static ARGUMENTS_MAX])
{
    size_t n = 0;
    int depth = 0;
    char quote = '\0';
    for (char *begin = text, *at = text; n < ARGUMENTS_MAX; at++) {
        if (*at && (quote ? *at == quote : *at == '\'' || *at == '"'))
            quote = quote ? '\0' : at[0]; /* NOLINT(bugprone-narrowing-conversions): both are char */
        depth += !quote && *at && strchr("([{", *at) ? 1 : 0;
        depth -= !quote && *at && strchr(")]}", *at) ? 1 : 0;
        if (*at && (*at != ',' || depth > 0 || quote))
            continue;
        bool last = !*at;
        *at = '\0';
        begin += strspn(begin, " ");
        if (*begin)
            arguments[n++] = begin;
        begin = at + 1;
        if (last)
            break;
    }
    return n;
}

static bool is_keyword(const char *argument)
{
    size_t name = strspn(argument, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
    return name > 0 && argument[name] == '=' && argument[name + 1] != '=';
}

static size_t count_places(char *const *arguments, size_t n)
{
    size_t places = 0;
    while (places < n && !is_keyword(arguments[places]))
        places++;
    return places;
}

/* Returns the text between the brackets; the caller's. NULL: it is no call, or there is no memory. */
static char *inside_of(const char *call)
{
    const char *begin = strchr(call, '(');
    size_t length = strlen(call);
    if (!begin || call[length - 1] != ')')
        return NULL;
    return strndup(begin + 1, length - 2 - (size_t)(begin - call));
}

static const char *draw_argument(struct prng *prng, const json_t *arguments)
{
    return json_string_value(json_array_get(arguments, draw(prng, json_array_size(arguments))));
}

/* Changes the list of arguments, which has room for one more. Returns their number. */
static size_t change(struct prng *prng, char **list, size_t n, const json_t *arguments)
{
    size_t places = count_places(list, n), what = draw(prng, 6), i = draw(prng, places),
           k = draw(prng, places);
    char *other = (char *)draw_argument(prng, arguments);
    if (what < 3 && places > 0 && other) {
        list[i] = other;
    } else if (what == 3 && places > 1) {
        char *held = list[i];
        list[i] = list[k];
        list[k] = held;
    } else if (what == 4 && n > 0) {
        n--;
    } else if (what == 5 && places == n && other) {
        list[n++] = other;
    }
    return n;
}

char *draw_call(struct prng *prng, const char *call, const json_t *arguments)
{
    char *list[ARGUMENTS_MAX + 1], *text = NULL, *ret = NULL;
    cleanup_free char *inside = inside_of(call);
    if (!inside)
        return strdup(call);
    size_t n = change(prng, list, split(inside, list), arguments);
    for (size_t i = 0; i < n; i++)
        if (text_join(&text, ", ", list[i]) < 0)
            break;
    if (asprintf(&ret, "%.*s(%s)", (int)strcspn(call, "("), call, text ? text : "") < 0)
        ret = NULL;
    free(text);
    return ret;
}

void draw_learn(const char *call, json_t *arguments)
{
    char *list[ARGUMENTS_MAX];
    cleanup_free char *inside = inside_of(call);
    size_t n = inside ? split(inside, list) : 0;
    n = count_places(list, n);
    for (size_t i = 0; i < n; i++)
        json_object_set_new(arguments, list[i], json_true());
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
}

char *draw_keywords(const char *call)
{
    char *list[ARGUMENTS_MAX], *keywords = strdup("");
    cleanup_free char *inside = inside_of(call);
    size_t n = inside ? split(inside, list) : 0;
    for (size_t i = 0; i < n && keywords; i++) {
        if (!is_keyword(list[i]))
            continue;
        *strchr(list[i], '=') = '\0';
        if (text_join(&keywords, *keywords ? "," : "", list[i]) < 0)
            break;
    }
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
    return keywords;
}
