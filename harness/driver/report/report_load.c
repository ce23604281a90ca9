/* Loads a kept report. */
#include "driver/report/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fail.h"
#include "base/fd.h"
#include "driver/report/document.h"
#include "driver/report/report_json_inside.h"

#define SCHEMA "ftstress-report/1"

/* Dates a report that has no date by its file. */
static void put_date(json_t *json, const char *path)
{
    struct stat info;
    if (!json_object_get(json, "date") && stat(path, &info) == 0)
        json_object_set_new(json, "date", report_json_date(info.st_mtime));
}

/* Returns 0 for a file; else -ENOENT, or -errno where that is not known. */
static int look_for(const char *path)
{
    struct stat info;
    if (stat(path, &info) < 0)
        return errno == ENOTDIR ? -ENOENT : -errno;
    return S_ISDIR(info.st_mode) ? -ENOENT : 0;
}

static json_t *find_finding(const json_t *report, const char *id)
{
    size_t i;
    json_t *finding;
    json_array_foreach (json_object_get(report, "findings"), i, finding)
        if (*id && strcmp(document_text(finding, "id"), id) == 0)
            return finding;
    return NULL;
}

/* Makes a report for a finding of an earlier run, from the facts that were kept with it. */
static json_t *make_report(const json_t *finding)
{
    cleanup_free char *statement = document_line(document_text(finding, "statement"));
    return json_pack("{s:s, s:s, s:s, s:n, s:O*, s:O*, s:O*, s:[s]}", "schema", SCHEMA, "name",
                     statement && *statement ? statement : document_text(finding, "id"), "verdict", "finding",
                     "reason", "threads", json_object_get(json_object_get(finding, "plan"), "threads"),
                     "environment", json_object_get(finding, "environment"), "verification",
                     json_object_get(finding, "verification"), "notes",
                     "this finding is of an earlier run; the number of calls of that run was not kept");
}

/* Makes a report of this finding alone. The report of its run lies one folder up, unless a later run replaced it.
 * Takes over the finding. */
static json_t *report_of_finding(json_t *finding, const char *path)
{
    cleanup_free char *beside = NULL;
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash - path) : 1;
    if (asprintf(&beside, "%.*s/../report.json", length, slash ? path : ".") < 0)
        return NULL;
    json_t *report = json_load_file(beside, 0, NULL);
    if (find_finding(report, document_text(finding, "id"))) {
        put_date(report, beside);
    } else {
        json_decref(report);
        if (json_is_integer(json_object_get(finding, "trials")))
            json_object_set_new(finding, "trials", json_integer(0));
        report = make_report(finding);
        put_date(report, path);
    }
    json_t *findings = json_pack("[o]", finding);
    if (report && findings)
        json_object_set_new(report, "findings", findings);
    return report;
}

static int load_file(const char *path, json_t **ret_document, char *error, size_t size)
{
    json_error_t problem;
    json_t *json = json_load_file(path, 0, &problem);
    if (!json)
        return fail(-EINVAL, error, size,
                    problem.line > 0 ? "cannot read %s: %s (line %d)" : "cannot read %s: %s", path,
                    problem.text, problem.line);
    if (strcmp(document_text(json, "schema"), SCHEMA) == 0) {
        put_date(json, path);
        *ret_document = json;
        return 0;
    }
    if (*document_text(json, "id") && *document_text(json, "kind")) {
        *ret_document = report_of_finding(json, path);
        return *ret_document ? 0 : fail(-ENOMEM, error, size, "no memory");
    }
    json_decref(json);
    return fail(-EINVAL, error, size, "%s is no report of ftstress (" SCHEMA "); name one that --json wrote",
                path);
}

/* Prefers an id under `out` to a path of the same name. */
int report_find(const char *out, const char *what, char **ret_path)
{
    static const char *const forms[] = {"%1$s/%2$s/finding.json", "%2$s/finding.json", "%2$s/report.json",
                                        "%2$s"};
    int result = -ENOENT;
    *ret_path = NULL;
    for (size_t i = 0; i < sizeof forms / sizeof *forms && result == -ENOENT; i++) {
        free(*ret_path);
        if (asprintf(ret_path, forms[i], out, what) < 0)
            return -ENOMEM;
        result = look_for(*ret_path);
    }
    return result;
}

int report_load(const char *out, const char *what, json_t **ret_document, char *error, size_t error_size)
{
    cleanup_free char *path = NULL;
    int result = 0;
    if (what)
        result = report_find(out, what, &path);
    else
        result = asprintf(&path, "%s/report.json", out) < 0 ? -ENOMEM : look_for(path);
    if (result && result != -ENOENT)
        return fail(result, error, error_size, "cannot read %s: %s", path ? path : out, strerror(-result));
    if (result && what)
        return fail(result, error, error_size,
                    "there is no finding or report '%s', here or under %s; see `ftstress list findings`",
                    what, out);
    if (result)
        return fail(result, error, error_size,
                    "there is no report under %s; begin with `ftstress run`, or name its folder with --out",
                    out);
    return load_file(path, ret_document, error, error_size);
}
