#include "driver/log/nanobind_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER "nanobind: leaked "
#define INSTANCE " - leaked instance "
#define TYPE " - leaked type "
#define TYPES_NAMED 4 /* at most, in the sentence */

/* Finds the text in quotes between `at` and the end of its line. Returns its length, or 0. */
static size_t quoted(const char *at, const char **ret_begin)
{
    size_t line = strcspn(at, "\n");
    const char *open = memchr(at, '"', line);
    if (!open)
        return 0;
    const char *close = memrchr(open + 1, '"', (size_t)(at + line - open - 1));
    *ret_begin = open + 1;
    return close ? (size_t)(close - open - 1) : 0;
}

static void add_instance(struct nanobind_report *report, const char *at)
{
    const char *name = "";
    size_t length = quoted(at, &name), i = 0;
    report->listed++;
    while (i < report->nnamed &&
           (strlen(report->named[i].name) != length || memcmp(report->named[i].name, name, length) != 0))
        i++;
    if (i < report->nnamed)
        report->named[i].count++;
    else if (length > 0 && i < NANOBIND_TYPES_MAX && (report->named[i].name = strndup(name, length)))
        report->named[report->nnamed++].count = 1;
}

static void add_module(struct nanobind_report *report, const char *at)
{
    const char *name;
    size_t length = quoted(at, &name);
    const char *dot = length > 0 ? memchr(name, '.', length) : NULL;
    if (dot && dot > name && !report->module)
        report->module = strndup(name, (size_t)(dot - name));
}

/* "173 instances!" */
static bool add_count(struct nanobind_report *report, const char *at)
{
    char what[16];
    uint64_t n;
    if (sscanf(at, "%" SCNu64 " %15[a-z_]", &n, what) != 2)
        return false;
    uint64_t *count = strcmp(what, "instances") == 0    ? &report->instances
                      : strcmp(what, "keep_alive") == 0 ? &report->keep_alives
                      : strcmp(what, "types") == 0      ? &report->types
                      : strcmp(what, "functions") == 0  ? &report->functions
                                                        : NULL;
    if (count)
        *count += n;
    return count != NULL;
}

static int by_count(const void *a, const void *b)
{
    const struct nanobind_type *one = a, *other = b;
    return one->count != other->count ? (one->count < other->count) - (one->count > other->count)
                                      : strcmp(one->name, other->name);
}

/* Searches within lines, too: without a line break at its end, a report is followed by the next message. */
bool nanobind_report_parse(const char *text, struct nanobind_report *ret_report)
{
    struct nanobind_report report = {0};
    bool found = false;
    for (const char *at = text; at && (at = strstr(at, "leaked ")); at++) {
        size_t before = (size_t)(at - text);
        if (before >= 10 && strncmp(at - 10, HEADER, strlen(HEADER)) == 0)
            found |= add_count(&report, at + strlen("leaked "));
        else if (before >= 3 && strncmp(at - 3, INSTANCE, strlen(INSTANCE)) == 0)
            add_instance(&report, at);
        else if (before >= 3 && strncmp(at - 3, TYPE, strlen(TYPE)) == 0)
            add_module(&report, at);
    }
    if (!found) {
        nanobind_report_clear(&report);
        return false;
    }
    qsort(report.named, report.nnamed, sizeof *report.named, by_count);
    *ret_report = report;
    return true;
}

void nanobind_report_clear(struct nanobind_report *report)
{
    for (unsigned i = 0; i < report->nnamed; i++)
        free(report->named[i].name);
    free(report->module);
    *report = (struct nanobind_report){0};
}

static void print_types(const struct nanobind_report *report, FILE *out)
{
    const char *before = report->listed == report->instances ? " (" : " (of those listed ";
    unsigned named = 0;
    for (unsigned i = 0; i < report->nnamed && i < TYPES_NAMED; i++, before = ", ") {
        const struct nanobind_type *type = &report->named[i];
        const char *dot = strrchr(type->name, '.');
        fprintf(out, "%s%u %s", before, type->count, dot && dot[1] ? dot + 1 : type->name);
        named += type->count;
    }
    if (report->nnamed > 0 && named < report->listed)
        fprintf(out, ", %u others", report->listed - named);
    if (report->nnamed > 0)
        fputc(')', out);
}

char *nanobind_report_sentence(const struct nanobind_report *report)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    fprintf(out, "%" PRIu64 " instances", report->instances);
    print_types(report, out);
    fprintf(out, ", %" PRIu64 " keep_alive records, %" PRIu64 " types, %" PRIu64 " functions",
            report->keep_alives, report->types, report->functions);
    return fclose(out) == 0 ? text : NULL;
}
