#include "driver/symbol/demangle.h"

#include <errno.h>
#include <libiberty/demangle.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

#define LENGTH_MAX 60 /* of a name that keeps its template arguments */

/* The length of an operator's name, in which < and > are no brackets; or 0. */
static size_t operator_length(const char *name)
{
    const size_t word = strlen("operator");
    bool is_operator = strncmp(name, "operator", word) == 0 && name[word];
    return is_operator ? word + strspn(name + word, "<>-=") : 0;
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

int demangle(const char *symbol, char **ret_name)
{
    bool is_mangled = strncmp(symbol, "_Z", 2) == 0 || strncmp(symbol, "_R", 2) == 0;
    /* A mangled name has no dot: the suffix of split and cloned functions begins with one. */
    cleanup_free char *plain = is_mangled ? strndup(symbol, strcspn(symbol, ".")) : NULL;
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
    cleanup_free char *name = plain ? cplus_demangle(plain, DMGL_AUTO | DMGL_ANSI) : NULL;
    bool is_long = name && strlen(name) > LENGTH_MAX;
    *ret_name = is_long ? without_arguments(name) : strdup(name ? name : symbol);
    return *ret_name ? 0 : -ENOMEM;
}
