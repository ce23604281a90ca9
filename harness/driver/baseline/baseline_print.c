/* The file of a baseline. */
#include "driver/baseline/baseline.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "core/plan/yaml_file.h"
#include "driver/finding/known.h"
#include "driver/report/document.h"

static const char head[] =
    "# Findings of earlier runs, for --baseline. --update-baseline writes this file again: reasons and links stay, "
    "comments do not.\n";

/* The callable of a sweep that has the finding. "": it is of no sweep, or of several callables together, so that calls
 * of one of them do not show that it is fixed. */
static const char *callable_of(const json_t *document, const json_t *finding)
{
    const char *id = document_text(finding, "id");
    size_t i, k;
    const json_t *row, *other;
    if (json_object_get(finding, "together"))
        return "";
    json_array_foreach (json_object_get(json_object_get(document, "sweep"), "callables"), i, row)
        json_array_foreach (json_object_get(row, "findings"), k, other)
            if (json_is_string(other) && strcmp(json_string_value(other), id) == 0)
                return document_text(row, "name");
    return "";
}

/* The trials of a finding. */
static const json_t *trials_of(const json_t *document, const json_t *finding)
{
    const json_t *at = json_object_get(finding, "trials");
    const json_t *one = json_is_integer(at) ? json_array_get(json_object_get(document, "verifications"),
                                                             (size_t)json_integer_value(at))
                                            : NULL;
    return json_object_get(one, "again");
}

static const char *some(const char *text)
{
    return *text ? text : NULL;
}

static json_t *entry_of(const json_t *document, const json_t *finding)
{
    const json_t *runs = json_object_get(finding, "runs");
    const json_t *trials = *document_text(finding, "cause") ? NULL : trials_of(document, finding);
    char seen[64];
    snprintf(seen, sizeof seen, "%lld of %lld", document_number(runs, "hit") + document_number(trials, "hit"),
             document_number(runs, "of") + document_number(trials, "of"));
    return json_pack("{s:s, s:s, s:s, s:s*, s:s, s:s*, s:s*, s:s*, s:s, s:s}", "id",
                     document_text(finding, "id"), "signature", document_text(finding, "signature"), "state",
                     "known", "what", some(document_text(finding, "message")), "detector",
                     document_text(finding, "detector"), "callable", some(callable_of(document, finding)),
                     "statement", some(document_text(finding, "statement")), "test",
                     some(document_text(document, "test")), "threads",
                     document_is_true(finding, "serial") ? "one" : "several", "seen", seen);
}

/* The entry as it is after the run. A new reference. */
static json_t *next_entry(const json_t *before)
{
    json_t *entry = json_copy((json_t *)before);
    const char *now = document_text(before, "now");
    if (strcmp(now, "fixed") == 0)
        json_object_set_new(entry, "state", json_string("fixed"));
    if (strcmp(now, "seen") == 0)
        json_object_set_new(entry, "state", json_string("known"));
    if (strcmp(now, "fixed") == 0 || strcmp(now, "seen") == 0)
        json_object_del(entry, "missed");
    return entry;
}

static bool has_entry(const json_t *entries, const json_t *finding)
{
    size_t i;
    const json_t *entry;
    json_array_foreach (entries, i, entry) {
        const char *signature = document_text(entry, "signature");
        if (strcmp(signature, document_text(finding, "signature")) == 0 ||
            (!*signature && strcmp(document_text(entry, "id"), document_text(finding, "id")) == 0))
            return true;
    }
    return false;
}

/* Is it in the list of --known, which says more than the baseline? */
static bool is_listed(const json_t *finding)
{
    const json_t *known = json_object_get(finding, "known");
    return json_is_object(known) && !document_is_true(known, "in_baseline");
}

static json_t *entries_of(const json_t *document)
{
    json_t *entries = json_array();
    size_t i;
    const json_t *one;
    json_array_foreach (json_object_get(document, "known"), i, one)
        if (document_is_true(one, "in_baseline"))
            json_array_append_new(entries, next_entry(one));
    json_array_foreach (json_object_get(document, "findings"), i, one)
        if (!is_listed(one) && !has_entry(entries, one))
            json_array_append_new(entries, entry_of(document, one));
    return entries;
}

static int add_entry(yaml_document_t *tree, const json_t *entry)
{
    int mapping = yaml_document_add_mapping(tree, NULL, YAML_BLOCK_MAPPING_STYLE);
    for (int key = 0; key < KNOWN_KEYS && mapping; key++) {
        const char *text = document_text(entry, known_key_names[key]);
        if (*text && !yaml_file_add_pair(tree, mapping, known_key_names[key],
                                         yaml_file_add_text(tree, text, strchr(text, '\n') != NULL)))
            return 0;
    }
    return mapping;
}

static bool add_entries(yaml_document_t *tree, const json_t *entries)
{
    int root = yaml_document_add_mapping(tree, NULL, YAML_BLOCK_MAPPING_STYLE);
    int list = yaml_document_add_sequence(tree, NULL, YAML_BLOCK_SEQUENCE_STYLE);
    bool good = root && list;
    size_t i;
    const json_t *entry;
    json_array_foreach (entries, i, entry) {
        int node = good ? add_entry(tree, entry) : 0;
        good = node && yaml_document_append_sequence_item(tree, list, node);
    }
    return good && yaml_file_add_pair(tree, root, "findings", list);
}

int baseline_print(const json_t *document, char **ret_text)
{
    json_auto_t *entries = entries_of(document);
    cleanup_free char *body = NULL;
    yaml_document_t tree;
    if (!yaml_document_initialize(&tree, NULL, NULL, NULL, 1, 1))
        return -ENOMEM;
    bool good = add_entries(&tree, entries);
    if (!good)
        yaml_document_delete(&tree);
    int error = good ? yaml_file_print(&tree, &body) : -ENOMEM;
    return error ? error : asprintf(ret_text, "%s%s", head, body) < 0 ? -ENOMEM : 0;
}
