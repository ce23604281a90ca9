#include "driver/symbol/demangle.h"

#include <ctype.h>
#include <errno.h>
#include <libiberty/demangle.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

#define FUSED "__pyx_fuse_" /* begins the name of a function that Cython makes for several types */
#define LENGTH_MAX 60       /* of a name that keeps its template arguments */

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

/* Returns the end of "6smooth_", a scope with its length before it; or NULL. */
static const char *skip_scope(const char *at, const char **ret_name)
{
    char *name = (char *)at;
    unsigned long length = *at >= '1' && *at <= '9' ? strtoul(at, &name, 10) : 0;
    *ret_name = name;
    return length > 0 && length < strlen(name) && name[length] == '_' ? name + length + 1 : NULL;
}

/* Reads scopes, a number that makes the name unique, types of a fused function, and the name. A wrapper (pw) always
 * has the number, so a scope that leaves none is part of the name. Returns the name: "6smooth_3Ema_1add" is
 * smooth.Ema.add. */
static const char *print_scopes(const char *at, bool is_wrapper, FILE *out)
{
    const char *end, *name;
    while ((end = skip_scope(at, &name)) && (isdigit((unsigned char)*end) || !is_wrapper)) {
        fprintf(out, "%.*s.", (int)(end - 1 - name), name);
        at = end;
    }
    at += strspn(at, "0123456789");
    return strncmp(at, FUSED, strlen(FUSED)) == 0
               ? at + strlen(FUSED) + strspn(at + strlen(FUSED), "0123456789_")
               : at;
}

/* Cython writes smooth.moving_sum as "__pyx_pw_6smooth_1moving_sum", and smooth.Ema's slots alike. NULL for any other
 * symbol. */
static char *cython_name(const char *symbol)
{
    const char *whole = strncmp(symbol, FUSED, strlen(FUSED)) == 0 ? strstr(symbol + 1, "__pyx_") : symbol;
    const char *at = whole && strncmp(whole, "__pyx_", 6) == 0 ? whole + 6 : NULL, *name;
    char *text = NULL;
    size_t size;
    while (at && !skip_scope(at, &name))
        at = (at = strchr(at, '_')) ? at + 1 : NULL;
    FILE *out = at ? open_memstream(&text, &size) : NULL;
    if (!out)
        return NULL;
    name = print_scopes(at, strncmp(at - 3, "pw_", 3) == 0, out);
    fputs(name, out);
    if (fclose(out) == 0 && *name)
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
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): cleanup_free */
    cleanup_free char *name = is_mangled ? cplus_demangle(plain, DMGL_AUTO | DMGL_ANSI) : cython_name(plain);
    bool is_long = is_mangled && name && strlen(name) > LENGTH_MAX;
    *ret_name = is_long ? without_arguments(name) : strdup(name ? name : plain);
    return *ret_name ? 0 : -ENOMEM;
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
}
