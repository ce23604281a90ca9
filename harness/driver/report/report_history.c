/* The life of a kept finding: what all runs that saw it add up to. It is the key `history` of its finding.json. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "driver/report/document.h"
#include "driver/report/report.h"
#include "driver/report/report_json_inside.h"

/* An older ftstress kept none: the file then stands for one run, whose trials may be those of another finding. */
json_t *report_history(const json_t *finding, const char *path)
{
    struct stat info;
    const json_t *history = json_object_get(finding, "history");
    if (json_is_object(history))
        return json_copy((json_t *)history);
    json_t *date = stat(path, &info) == 0 ? report_json_date(info.st_mtime) : json_string("");
    return json_pack("{s:O, s:o, s:i, s:I, s:i, s:i}", "first", date, "last", date, "runs", 1, "count",
                     (json_int_t)document_number(finding, "count"), "hit", 0, "of", 0);
}

static void add(json_t *history, const char *key, long long more)
{
    json_object_set_new(history, key, json_integer(document_number(history, key) + more));
}

static void add_trials(json_t *history, const json_t *again)
{
    add(history, "hit", document_number(again, "hit"));
    add(history, "of", document_number(again, "of"));
}

json_t *report_history_next(const char *dir, const json_t *finding, const char *date, bool own_trials)
{
    cleanup_free char *path = NULL;
    if (asprintf(&path, "%s/finding.json", dir) < 0)
        return NULL;
    json_auto_t *before = json_load_file(path, 0, NULL);
    bool is_same = strcmp(document_text(before, "signature"), document_text(finding, "signature")) == 0;
    json_t *history = is_same ? report_history(before, path)
                              : json_pack("{s:s, s:i, s:i, s:i, s:i}", "first", date, "runs", 0, "count", 0,
                                          "hit", 0, "of", 0);
    json_object_set_new(history, "last", json_string(date));
    add(history, "runs", 1);
    add(history, "count", document_number(finding, "count"));
    if (own_trials)
        add_trials(history, json_object_get(json_object_get(finding, "verification"), "again"));
    return history;
}

int report_history_add(const char *dir, unsigned hit, unsigned of)
{
    cleanup_free char *path = NULL;
    if (asprintf(&path, "%s/finding.json", dir) < 0)
        return -ENOMEM;
    json_auto_t *finding = json_load_file(path, 0, NULL);
    if (!finding)
        return -ENOENT;
    json_auto_t *again = json_pack("{s:i, s:i}", "hit", (int)hit, "of", (int)of);
    json_t *history = report_history(finding, path);
    add_trials(history, again);
    json_object_set_new(finding, "history", history);
    return report_write_json(dir, "finding.json", finding);
}
