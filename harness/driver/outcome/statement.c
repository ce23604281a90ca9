#include "driver/outcome/statement.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/list.h"
#include "driver/outcome/outcome.h"
#include "driver/outcome/package.h"

static void statement_clear(struct statement *statement)
{
    free(statement->source);
    free(statement->objects);
    free(statement->modules);
    free(statement->call);
    free(statement->owner);
    free(statement->package);
}

void statement_list_clear(struct statement_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        statement_clear(&list->items[i]);
    free(list->items);
    *list = (struct statement_list){0};
}

/* Copies the texts, but owns the package. */
static int append(struct statement_list *list, const struct statement *statement)
{
    struct statement copy = *statement;
    copy.source = strdup(statement->source);
    copy.objects = strdup(statement->objects);
    copy.modules = strdup(statement->modules);
    copy.call = strdup(statement->call);
    copy.owner = strdup(statement->owner);
    bool whole = copy.source && copy.objects && copy.modules && copy.call && copy.owner;
    if (!whole || list_grow(&list->items, list->n, sizeof copy) < 0) {
        statement_clear(&copy);
        return -ENOMEM;
    }
    list->items[list->n++] = copy;
    return 0;
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

/* NULL where the text has several calls: without the objects it is not known which one matters. */
static char *called_name(const char *statement)
{
    const char *open = strchr(statement, '('), *from = open;
    while (from && from > statement && is_name(from[-1]))
        from--;
    if (!open || from == open || isdigit((unsigned char)*from) || *from == '.')
        return NULL;
    for (const char *next = open; (next = strchr(next + 1, '('));)
        if (is_name(next[-1]) || next[-1] == ')' || next[-1] == ']')
            return NULL;
    return strndup(from, (size_t)(open - from));
}

int statement_add(struct statement_list *list, const struct record *record)
{
    cleanup_free char *called = record->ntexts > 3 ? NULL : called_name(record_text(record, 0));
    return append(list, &(struct statement){.number = (int)record->values[STATEMENT_NUMBER],
                                            .role = (unsigned)record->values[STATEMENT_ROLE],
                                            .plain = record->values[STATEMENT_PLAIN],
                                            .source = (char *)record_text(record, 0),
                                            .objects = (char *)record_text(record, 1),
                                            .modules = (char *)record_text(record, 2),
                                            .call = called ? called : (char *)record_text(record, 3),
                                            .owner = (char *)record_text(record, 4)});
}

/* The index in the list of a child's statement, or -1. */
static int index_of(const struct statement_list *list, const struct statement *wanted)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i].role == wanted->role && strcmp(list->items[i].source, wanted->source) == 0)
            return (int)i;
    return -1;
}

/* The distribution of the first module that has compiled code of a package, or NULL. */
static char *package_of(const struct outcome *outcome, const char *modules)
{
    char name[128];
    for (const char *at = modules; *at;) {
        size_t length = strcspn(at, ",");
        for (size_t i = 0; i + 1 < outcome->npackages; i += 2) {
            if (!strstr(outcome->packages[i], ".so") ||
                package_owner(outcome, outcome->packages[i], name, sizeof name) != OWNER_PACKAGE ||
                strlen(name) != length || memcmp(name, at, length) != 0)
                continue;
            const char *owner = package_distribution(outcome, outcome->packages[i], name);
            return strdup(owner ? owner : name);
        }
        at += length + (at[length] == ',');
    }
    return NULL;
}

/* A call has the name of its own package: the compiled one may only have made the arguments. */
static char *package_named(const struct outcome *outcome, const struct statement *statement)
{
    const char *owner = statement->owner;
    char *package = package_of(outcome, statement->modules), *own = NULL;
    if (!package || !*owner)
        return package;
    own = package_of(outcome, owner);
    if (!own) {
        const char *distribution = package_distribution(outcome, NULL, owner);
        own = strdup(distribution ? distribution : owner);
    }
    free(package);
    return own;
}

int statement_learn(struct statement_list *list, const struct outcome *outcome)
{
    for (size_t i = 0; i < outcome->statements.n; i++) {
        const struct statement *its = &outcome->statements.items[i];
        if (its->number < 0 || !*its->source || index_of(list, its) >= 0)
            continue;
        struct statement copy = *its;
        copy.package = package_named(outcome, its);
        int error = append(list, &copy);
        if (error)
            return error;
    }
    return 0;
}

const struct statement *statement_find(const struct statement_list *list, const char *source)
{
    for (size_t i = 0; source && i < list->n; i++)
        if (strcmp(list->items[i].source, source) == 0)
            return &list->items[i];
    return NULL;
}

bool statement_is_left_out(const struct plan *plan, const char *source)
{
    for (unsigned i = 0; i < plan->nleave_out; i++)
        if (strcmp(plan->leave_out[i], source) == 0)
            return true;
    return false;
}

void statement_count(const struct statement_list *list, const struct outcome *outcome,
                     struct statement_overlap *overlap)
{
    int place[BOARD_STATEMENTS];
    memset(place, -1, sizeof place);
    for (size_t i = 0; i < outcome->statements.n; i++) {
        const struct statement *its = &outcome->statements.items[i];
        int at = index_of(list, its);
        if (its->number >= 0 && its->number < BOARD_STATEMENTS && at >= 0 && at < BOARD_STATEMENTS)
            place[its->number] = at;
    }
    for (unsigned i = 0; i < BOARD_STATEMENTS; i++) {
        if (place[i] < 0)
            continue;
        overlap->looks[place[i]] += outcome->overlap.looks[i];
        for (unsigned k = 0; k < BOARD_STATEMENTS; k++)
            if (place[k] >= 0)
                overlap->pairs[place[i]][place[k]] += outcome->overlap.pairs[i][k];
    }
}

const struct statement *statement_at(const struct statement_list *list, unsigned worker, unsigned step)
{
    unsigned roles = 0, at = 0;
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i].number >= 0 && list->items[i].role >= roles)
            roles = list->items[i].role + 1;
    for (size_t i = 0; roles && i < list->n; i++)
        if (list->items[i].role == worker % roles && list->items[i].number >= 0 && at++ == step)
            return &list->items[i];
    return NULL;
}

/* Calls */

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

char *statement_callable(const struct statement_list *list, const char *statement, const char *setup)
{
    const struct statement *found = statement_find(list, statement);
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): cleanup_free */
    cleanup_free char *called = found ? strdup(found->call) : called_name(statement);
    char first[128], full[256], *name = NULL;
    if (!called || !*called)
        return NULL;
    size_t length = strcspn(called, ".");
    snprintf(first, sizeof first, "%.*s", (int)length, called);
    snprintf(full, sizeof full, "%s", first);
    for (const char *line = setup; line && *line; line += strcspn(line, "\n;"), line += *line != '\0')
        if (read_line(line, first, full, sizeof full))
            break;
    return asprintf(&name, "%s%s", full, called + length) < 0 ? NULL : name;
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
}
