#include "driver/symbol/demangle.h"

#include <ctype.h>
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

/* Cython */

/* Returns the end of "6smooth_", a scope with its length before it; or NULL. */
static const char *skip_scope(const char *at, const char **ret_name)
{
    char *name = (char *)at;
    unsigned long length = *at >= '1' && *at <= '9' ? strtoul(at, &name, 10) : 0;
    *ret_name = name;
    return length > 0 && length < strlen(name) && name[length] == '_' ? name + length + 1 : NULL;
}

/* A fused function has the indices of its types before its name: "__pyx_fuse_0_1f" is f. */
static const char *skip_fused(const char *name)
{
    const size_t mark = strlen("__pyx_fuse_");
    if (strncmp(name, "__pyx_fuse_", mark) != 0)
        return name;
    for (name += mark; isdigit((unsigned char)*name) || (*name == '_' && isdigit((unsigned char)name[1]));)
        name++;
    return name;
}

/* Adds "smooth.Ema.add" for "6smooth_3Ema_1add": scopes, a number that makes the name unique, and the name. A wrapper
 * (`numbered`) always has the number, so a scope that leaves none is part of the name. */
static bool print_path(const char *at, bool numbered, FILE *out)
{
    const char *end, *name;
    while ((end = skip_scope(at, &name)) && !(numbered && !isdigit((unsigned char)*end))) {
        fprintf(out, "%.*s.", (int)(end - 1 - name), name);
        at = end;
    }
    at = skip_fused(at + strspn(at, "0123456789"));
    fputs(at, out);
    return *at;
}

/* "__pyx_pw_6smooth_1moving_sum" is "smooth.moving_sum"; the slot of a type is named, too: "smooth.Ema (tp_dealloc)".
 * NULL for any other symbol. */
static char *cython_name(const char *symbol)
{
    const char *kind = skip_fused(symbol), *at = NULL, *name;
    char *text = NULL;
    size_t size, prefix = strlen("__pyx_");
    if (strncmp(kind, "__pyx_", prefix) != 0)
        return NULL;
    kind += prefix;
    for (at = strchr(kind, '_'); at && !skip_scope(at + 1, &name);)
        at = strchr(at + 1, '_');
    FILE *out = at ? open_memstream(&text, &size) : NULL;
    if (!out)
        return NULL;
    size_t length = (size_t)(at - kind);
    bool whole = print_path(at + 1, strncmp(kind, "pw_", 3) == 0, out);
    if (length > 2)
        fprintf(out, " (%.*s)", (int)length, kind);
    if (fclose(out) == 0 && whole)
        return text;
    free(text);
    return NULL;
}

int demangle(const char *symbol, char **ret_name)
{
    bool is_mangled = strncmp(symbol, "_Z", 2) == 0 || strncmp(symbol, "_R", 2) == 0;
    /* The suffix of split and cloned functions begins with a dot. */
    cleanup_free char *plain = strndup(symbol, *symbol ? 1 + strcspn(symbol + 1, ".") : 0);
    if (!plain)
        return -ENOMEM;
    cleanup_free char *name = is_mangled ? cplus_demangle(plain, DMGL_AUTO | DMGL_ANSI) : cython_name(plain);
    bool is_long = is_mangled && name && strlen(name) > LENGTH_MAX;
    *ret_name = is_long ? without_arguments(name) : strdup(name ? name : plain);
    return *ret_name ? 0 : -ENOMEM;
}
