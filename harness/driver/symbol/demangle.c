#include "driver/symbol/demangle.h"

#include <errno.h>
#include <libiberty/demangle.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_MAX 60 /* of a name that keeps its template arguments */

static bool is_mangled(const char *symbol)
{
    return strncmp(symbol, "_Z", 2) == 0 || strncmp(symbol, "_R", 2) == 0;
}

/* Drops the suffix of split and cloned functions; a mangled name has no dot. */
static char *without_suffix(const char *symbol)
{
    return strndup(symbol, strcspn(symbol, "."));
}

/* The length of an operator's name, in which < and > are no brackets; or 0. */
static size_t operator_length(const char *name)
{
    const size_t word = strlen("operator");
    if (strncmp(name, "operator", word) != 0 || !name[word])
        return 0;
    return word + strspn(name + word, "<>-=");
}

/* Replaces the text between the outermost < and > by one character. */
static char *without_arguments(const char *name)
{
    char *text = NULL;
    size_t size, depth = 0;
    FILE *out = open_memstream(&text, &size);
    while (out && *name) {
        size_t whole = operator_length(name), n = whole ? whole : 1;
        depth -= !whole && *name == '>' && depth > 0;
        if (depth == 0)
            fprintf(out, "%.*s", (int)n, name);
        if (!whole && *name == '<' && depth++ == 0)
            fputs("…", out);
        name += n;
    }
    return out && fclose(out) == 0 ? text : NULL;
}

static char *shorten(char *name)
{
    if (!name || strlen(name) <= LENGTH_MAX)
        return name;
    char *shorter = without_arguments(name);
    free(name);
    return shorter;
}

int demangle(const char *symbol, char **ret_name)
{
    char *plain = is_mangled(symbol) ? without_suffix(symbol) : NULL;
    char *name = plain ? cplus_demangle(plain, DMGL_AUTO | DMGL_ANSI) : NULL;
    free(plain);
    name = name ? shorten(name) : strdup(symbol);
    if (!name)
        return -ENOMEM;
    *ret_name = name;
    return 0;
}
