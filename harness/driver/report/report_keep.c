/* Keeps a run on disk. */
#include "driver/report/report.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/list.h"
#include "driver/finding/history.h"
#include "driver/report/document.h"
#include "driver/report/report_json_inside.h"
#include "driver/report/reporter.h"

static int write_text(const char *dir, const char *name, const char *text)
{
    cleanup_free char *path = NULL;
    if (!text)
        return 0;
    if (asprintf(&path, "%s/%s", dir, name) < 0)
        return -ENOMEM;
    return fd_write_file(path, text, strlen(text));
}

static int write_json(const char *dir, const char *name, const json_t *json)
{
    cleanup_free char *text = NULL;
    if (!json || reporter_render(reporter_find("json"), &(struct report){.document = json}, &text) < 0)
        return -ENOMEM;
    return write_text(dir, name, text);
}

/* Trials of several findings show one of them, and consequences come in the trials of their cause. */
static bool has_own_trials(const struct run *run, const struct finding *finding)
{
    const struct verification *found = finding->verification;
    size_t causes = 0;
    for (size_t i = 0; i < run->findings.n; i++)
        causes += !run->findings.items[i]->cause;
    if (!found || finding->cause)
        return false;
    return found->root ? strcmp(found->root, finding->id) == 0 : causes == 1;
}

json_t *report_history(const json_t *finding, const char *path)
{
    struct stat info = {0};
    stat(path, &info);
    json_auto_t *date = report_json_date(info.st_mtime);
    return history_of(finding, json_string_value(date));
}

/* Returns the life of the finding with this run. */
static json_t *next_history(const struct run *run, const struct finding *finding, const json_t *json,
                            const char *dir, const char *date)
{
    cleanup_free char *path = NULL;
    if (asprintf(&path, "%s/finding.json", dir) < 0)
        return NULL;
    json_auto_t *before = json_load_file(path, 0, NULL);
    bool is_same =
        before && strcmp(document_text(before, "signature"), document_text(json, "signature")) == 0;
    return history_next(is_same ? report_history(before, path) : NULL, json, date,
                        has_own_trials(run, finding));
}

int report_keep_trials(const char *dir, unsigned hit, unsigned of)
{
    cleanup_free char *path = NULL;
    if (asprintf(&path, "%s/finding.json", dir) < 0)
        return -ENOMEM;
    json_auto_t *finding = json_load_file(path, 0, NULL);
    if (!finding)
        return -ENOENT;
    json_t *history = report_history(finding, path);
    history_add_trials(history, hit, of);
    json_object_set_new(finding, "history", history);
    return write_json(dir, "finding.json", finding);
}

/* Has the folder a finding? */
static bool is_whole(const char *dir)
{
    cleanup_free char *path = NULL;
    return asprintf(&path, "%s/finding.json", dir) >= 0 && access(path, F_OK) == 0;
}

/* Removes the folder of a finding that could not be written. Returns the error. */
static int leave_nothing(const char *dir, int error)
{
    static const char *const names[] = {"plan.yaml", "stderr.txt"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cleanup_free char *path = NULL;
        if (asprintf(&path, "%s/%s", dir, names[i]) >= 0)
            unlink(path);
    }
    rmdir(dir);
    return error;
}

/* Keeps the facts of the run with the finding, because the next run overwrites report.json. */
static int keep_finding(const struct run *run, const json_t *document, size_t i, const char *out)
{
    const struct finding *finding = run->findings.items[i];
    cleanup_free char *dir = NULL;
    if (asprintf(&dir, "%s/%s", out, finding->id) < 0)
        return -ENOMEM;
    json_auto_t *json = json_copy(json_array_get(json_object_get(document, "findings"), i));
    json_t *verification = report_json_verification(finding->verification);
    document_round(verification);
    json_object_set_new(json, "verification", verification);
    json_object_set_new(json, "history",
                        next_history(run, finding, json, dir, document_text(document, "date")));
    json_object_set(json, "environment", json_object_get(document, "environment"));
    json_object_set_new(json, "interpreter", report_json_text(run->python));
    int error = fd_make_dirs(dir);
    if (!error)
        error = write_text(dir, "plan.yaml", finding->plan);
    if (!error)
        error = write_text(dir, "stderr.txt", finding->log_end);
    if (!error) /* the last one: a folder with it is whole */
        error = write_json(dir, "finding.json", json);
    return error && !is_whole(dir) ? leave_nothing(dir, error) : error;
}

int report_is_kept(const struct dirent *entry)
{
    return entry->d_name[0] == 'F';
}

/* Without a signature that can be read, the id is taken by an unknown finding. */
static int take_kept(const char *out, const char *id, struct finding_list *list)
{
    cleanup_free char *path = NULL;
    if (asprintf(&path, "%s/%s/finding.json", out, id) < 0)
        return -ENOMEM;
    if (access(path, F_OK) < 0)
        return 0;
    json_auto_t *json = json_load_file(path, 0, NULL);
    int error = strings_add(&list->kept, &list->nkept, id);
    return error ? error : strings_add(&list->kept, &list->nkept, document_text(json, "signature"));
}

int report_kept(const char *out, struct finding_list *list)
{
    struct dirent **entries;
    int n = scandir(out, &entries, report_is_kept, alphasort), error = 0;
    for (int i = 0; i < n; i++) {
        error = error ? error : take_kept(out, entries[i]->d_name, list);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return error;
}

/* A finding that is not kept, from this run or an earlier one, cannot be run again by its id. */
static int forget_command(json_t *document, size_t i, const char *out)
{
    json_t *finding = json_array_get(json_object_get(document, "findings"), i);
    cleanup_free char *dir = NULL;
    if (asprintf(&dir, "%s/%s", out, document_text(finding, "id")) < 0)
        return -ENOMEM;
    if (!is_whole(dir))
        json_object_set_new(finding, "reproduce", json_null());
    return 0;
}

int report_keep_findings(const struct run *run, json_t *document, const char *out)
{
    int failed = 0;
    for (size_t i = 0; i < run->findings.n; i++) {
        int error = keep_finding(run, document, i, out);
        error = error ? forget_command(document, i, out) ?: error : 0;
        failed = failed ? failed : error;
    }
    return failed;
}

int report_keep(const struct run *run, json_t *document, const char *out)
{
    int error = report_keep_findings(run, document, out);
    if (!error)
        error = fd_make_dirs(out);
    if (!error)
        error = write_json(out, "report.json", document);
    return error;
}
