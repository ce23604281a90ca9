/* `ftstress list findings`: the kept findings, one line each. */
#include "driver/command/command_inside.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "core/wire/status.h"
#include "driver/report/document.h"
#include "driver/report/report.h"

enum { CELL_MOST = 40 };

static const char *const columns[] = {"id",   "kind",       "function",  "package",   "count",
                                      "runs", "first seen", "last seen", "reproduced"};
#define COLUMNS (sizeof columns / sizeof *columns)

/* Counts characters of UTF-8. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

/* Returns the first line, of at most CELL_MOST characters; "-" for no text. The caller's. */
static char *cut(const char *text)
{
    char *cell;
    size_t length = strcspn(text, "\n");
    int width = 0;
    for (size_t i = 0; i < length; i++) {
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
        if (width == CELL_MOST)
            length = i;
    }
    int n = asprintf(&cell, "%.*s%s", *text ? (int)length : 1, *text ? text : "-", text[length] ? "…" : "");
    return n < 0 ? NULL : cell;
}

/* Returns "2026-11-27 22:40" of a date. The caller's. */
static char *minute_of(const char *date)
{
    char *text = strndup(date, sizeof "2026-11-27T22:40" - 1), *t = text ? strchr(text, 'T') : NULL;
    if (t)
        *t = ' ';
    return text;
}

static char *trials_of(const json_t *finding)
{
    char *text;
    long long hit = document_number(finding, "hit"), of = document_number(finding, "of");
    const char *cause = document_text(finding, "cause");
    if (of == 0)
        return asprintf(&text, *cause ? "not apart from %s" : "not tried", cause) < 0 ? NULL : text;
    return asprintf(&text, "%lld of %lld", hit, of) < 0 ? NULL : text;
}

/* Returns the text of a cell. The caller's; NULL without memory. */
static char *cell_of(const json_t *finding, size_t column)
{
    char *text;
    const char *function = document_text(finding, "function");
    switch (column) {
    case 0:
    case 1:
    case 3:
        return cut(document_text(finding, columns[column]));
    case 2:
        return cut(*function ? function : document_text(finding, "statement"));
    case 4:
    case 5:
        return asprintf(&text, "%lld", document_number(finding, columns[column])) < 0 ? NULL : text;
    case 6:
        return minute_of(document_text(finding, "first"));
    case 7:
        return minute_of(document_text(finding, "last"));
    default:
        return trials_of(finding);
    }
}

static void print_row(const int *widths, size_t column, const char *text)
{
    bool is_last = column + 1 == COLUMNS;
    printf("%s%*s%s", text, is_last ? 0 : widths[column] + 2 - width_of(text), "", is_last ? "\n" : "");
}

/* Prints the columns as wide as their widest cell. */
static void print_table(const json_t *findings)
{
    int widths[COLUMNS];
    size_t i, column;
    const json_t *finding;
    for (column = 0; column < COLUMNS; column++) {
        widths[column] = width_of(columns[column]);
        json_array_foreach (findings, i, finding) {
            cleanup_free char *cell = cell_of(finding, column);
            if (cell && width_of(cell) > widths[column])
                widths[column] = width_of(cell);
        }
    }
    for (column = 0; column < COLUMNS; column++)
        print_row(widths, column, columns[column]);
    json_array_foreach (findings, i, finding)
        for (column = 0; column < COLUMNS; column++) {
            cleanup_free char *cell = cell_of(finding, column);
            print_row(widths, column, cell ? cell : "");
        }
}

/* Adds a kept finding to the list, or prints why it cannot be read. */
static void add_finding(const char *out, const char *id, json_t *list)
{
    static const char *const keys[] = {"id",        "kind",  "function",  "package", "message",
                                       "signature", "known", "statement", "cause"};
    cleanup_free char *path = NULL;
    json_error_t problem = {.text = "no memory"};
    json_t *json = asprintf(&path, "%s%s%s/finding.json", out, *out ? "/" : "", id) < 0
                       ? NULL
                       : json_load_file(path, 0, &problem);
    if (!json) {
        command_fail(STATUS_HARNESS, "%s cannot be read: %s", id, problem.text);
        return;
    }
    json_t *row = report_history(json, path);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        json_object_set(row, keys[i], json_object_get(json, keys[i]));
    json_array_append_new(list, row);
    json_decref(json);
}

static json_t *read_findings(const char *out, int *ret_error)
{
    struct dirent **entries;
    json_t *list = json_array();
    int n = scandir(out, &entries, report_is_kept, alphasort);
    *ret_error = n < 0 && errno != ENOENT ? -errno : 0;
    for (int i = 0; i < n; i++) {
        add_finding(out, entries[i]->d_name, list);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return list;
}

int command_list_findings(const struct request *request)
{
    int error = 0, status = STATUS_CLEAN;
    json_auto_t *list = read_findings(request->out, &error);
    json_auto_t *clean = document_clean(list);
    bool is_alone = request->json && command_is_stdout(request->json);
    if (error)
        return command_fail(STATUS_HARNESS, "cannot read %s: %s", request->out, strerror(-error));
    if (request->json) {
        json_auto_t *document = json_pack("{s:s, s:O}", "schema", "ftstress-findings/1", "findings", list);
        status = command_write("json", &(struct report){.document = document}, request->json);
    }
    if (is_alone)
        return status;
    if (json_array_size(list) > 0)
        print_table(clean);
    else
        printf("no findings under %s/\n", request->out);
    return status;
}
