/* The files of runs: kept findings to copy, and the rest of a sweep that was killed. */
#include "driver/merge/merge.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "driver/report/document.h"
#include "driver/report/report.h"

static int copy_file(const char *from, const char *to, const char *id, const char *name)
{
    cleanup_free char *source = NULL, *target = NULL, *text = NULL;
    size_t size;
    if (asprintf(&source, "%s/%s/%s", from, id, name) < 0 || asprintf(&target, "%s/%s/%s", to, id, name) < 0)
        return -ENOMEM;
    int error = fd_read_file(source, &text, &size);
    return error == -ENOENT ? 0 : error ? error : fd_write_file(target, text, size);
}

static int copy_finding(const char *from, const char *to, const char *id)
{
    static const char *const names[] = {"plan.yaml", "stderr.txt", "finding.json"};
    cleanup_free char *dir = NULL;
    if (asprintf(&dir, "%s/%s", to, id) < 0)
        return -ENOMEM;
    int error = fd_make_dirs(dir);
    for (size_t i = 0; i < sizeof names / sizeof *names && !error; i++)
        error = copy_file(from, to, id, names[i]);
    return error;
}

int merge_copy_findings(const json_t *report, const char *from, const char *to)
{
    size_t i;
    const json_t *finding;
    int error = 0;
    struct stat one, other;
    if (stat(from, &one) == 0 && stat(to, &other) == 0 && one.st_ino == other.st_ino &&
        one.st_dev == other.st_dev)
        return 0;
    json_array_foreach (json_object_get(report, "findings"), i, finding) {
        const char *id = document_text(finding, "id");
        if (*id && !strchr(id, '/') && *id != '.')
            error = error ? error : copy_finding(from, to, id);
    }
    return error;
}

/* Adds the kept findings that are not older than the task. */
static void add_kept(json_t *report, const char *out, time_t since)
{
    struct dirent **entries;
    int n = scandir(out, &entries, report_is_kept, alphasort);
    json_t *findings = json_object_get(report, "findings");
    for (int i = 0; i < n; i++) {
        cleanup_free char *path = NULL;
        struct stat info;
        if (asprintf(&path, "%s/%s/finding.json", out, entries[i]->d_name) >= 0 && stat(path, &info) == 0 &&
            info.st_mtime >= since) {
            json_auto_t *finding = json_load_file(path, 0, NULL);
            json_auto_t *one = json_pack("{s:[O]}", "findings", finding);
            json_auto_t *none = json_array();
            json_object_del(finding, "trials"); /* of a report that is not there */
            json_object_del(finding, "history");
            json_object_update_missing(json_object_get(report, "environment"),
                                       json_object_get(finding, "environment"));
            merge_add_findings(one, findings, none);
        }
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
}

/* Adds the results of the unit; they have the keys of a report and the rows of a sweep. */
static void add_unit(json_t *report, const char *path)
{
    json_auto_t *unit = json_load_file(path, 0, NULL);
    if (!unit)
        return;
    json_auto_t *part = json_pack(
        "{s:b, s:O*, s:O*, s:I}", "complete", 0, "callables", json_object_get(unit, "callables"), "passes",
        json_object_get(unit, "passes"), "children", (json_int_t)document_number(unit, "children"));
    json_object_set(unit, "sweep", part);
    json_object_del(unit, "children");
    merge_add(report, unit); /* NOLINT(readability-suspicious-call-argument): the names are right */
}

json_t *merge_rest(const char *out)
{
    cleanup_free char *dir = NULL, *task_path = NULL;
    struct stat task;
    struct dirent **entries;
    if (asprintf(&dir, "%s/sweep", out) < 0 || asprintf(&task_path, "%s/task.json", dir) < 0 ||
        stat(task_path, &task) < 0)
        return NULL;
    json_t *report = json_object();
    json_auto_t *head = json_pack("{s:s, s:s, s:s, s:s, s:s}", "schema", "ftstress-report/1", "name", out,
                                  "verdict", "untested", "date", "1970-01-01T00:00:00", "reason",
                                  "a sweep did not come to its end: the report has what it left");
    merge_add(report, head); /* NOLINT(readability-suspicious-call-argument): the names are right */
    int n = scandir(dir, &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        cleanup_free char *path = NULL;
        if (strncmp(entries[i]->d_name, "unit-", 5) == 0 &&
            asprintf(&path, "%s/%s", dir, entries[i]->d_name) >= 0)
            add_unit(report, path);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    add_kept(report, out, task.st_mtime);
    return report;
}
