/* Keeps a run on disk. */
#include "driver/report/report.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/list.h"
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

int report_write_json(const char *dir, const char *name, const json_t *json)
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
    json_object_set_new(
        json, "history",
        report_history_next(dir, json, document_text(document, "date"), has_own_trials(run, finding)));
    json_object_set(json, "environment", json_object_get(document, "environment"));
    json_object_set_new(json, "interpreter", report_json_text(run->python));
    int error = fd_make_dirs(dir);
    if (!error)
        error = report_write_json(dir, "finding.json", json);
    if (!error)
        error = write_text(dir, "plan.yaml", finding->plan);
    return error ? error : write_text(dir, "stderr.txt", finding->log_end);
}

static int is_finding(const struct dirent *entry)
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
    int n = scandir(out, &entries, is_finding, alphasort), error = 0;
    for (int i = 0; i < n; i++) {
        error = error ? error : take_kept(out, entries[i]->d_name, list);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return error;
}

int report_keep(const struct run *run, const json_t *document, const char *out)
{
    int error = 0;
    for (size_t i = 0; i < run->findings.n && !error; i++)
        error = keep_finding(run, document, i, out);
    if (!error)
        error = fd_make_dirs(out);
    if (!error)
        error = report_write_json(out, "report.json", document);
    return error;
}
