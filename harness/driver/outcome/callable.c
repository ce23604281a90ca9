#include "driver/outcome/callable.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

static char *called_name(const char *statement)
{
    const char *open = strchr(statement, '('), *from = open;
    while (from && from > statement &&
           (isalnum((unsigned char)from[-1]) || from[-1] == '_' || from[-1] == '.'))
        from--;
    if (!open || from == open || isdigit((unsigned char)*from) || *from == '.')
        return NULL;
    return strndup(from, (size_t)(open - from));
}

/* Reads one clause of "import numpy as np" or "from numpy import repeat as r". True: it binds `name` to *full. */
static bool read_import(const char *clause, const char *from, const char *name, char *full, size_t size)
{
    char what[128] = "", as[128] = "";
    int fields = sscanf(clause, " %127[A-Za-z0-9_.] as %127[A-Za-z0-9_]", what, as);
    if (fields < 1 || strcmp(fields == 2 ? as : what, name) != 0)
        return false;
    snprintf(full, size, "%s%s%s", from, *from ? "." : "", what);
    return true;
}

static bool read_line(const char *line, const char *name, char *full, size_t size)
{
    char module[128] = "", clauses[512] = "", *rest = clauses, *clause;
    line += strspn(line, " \t");
    if (sscanf(line, "from %127[A-Za-z0-9_.] import %511[^\n;]", module, clauses) != 2) {
        module[0] = '\0';
        if (sscanf(line, "import %511[^\n;]", clauses) != 1)
            return false;
    }
    while ((clause = strsep(&rest, ",")))
        if (read_import(clause, module, name, full, size))
            return true;
    return false;
}

char *callable_of(const char *statement, const char *setup)
{
    cleanup_free char *called = called_name(statement);
    char first[128], full[256], *name = NULL;
    if (!called)
        return NULL;
    size_t length = strcspn(called, ".");
    snprintf(first, sizeof first, "%.*s", (int)length, called);
    snprintf(full, sizeof full, "%s", first);
    for (const char *line = setup; line && *line; line += strcspn(line, "\n;"), line += *line != '\0')
        if (read_line(line, first, full, sizeof full))
            break;
    return asprintf(&name, "%s%s", full, called + length) < 0 ? NULL : name;
}
