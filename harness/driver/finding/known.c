#include "driver/finding/known.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/list.h"
#include "base/text.h"
#include "core/plan/yaml_file.h"
#include "driver/finding/run.h"

/* In a note; the JSON report has all. */
#define NAMES_SHOWN 8

const char *const known_key_names[KNOWN_KEYS] = {[KNOWN_ID] = "id",
                                                 [KNOWN_SIGNATURE] = "signature",
                                                 [KNOWN_STATE] = "state",
                                                 [KNOWN_WHAT] = "what",
                                                 [KNOWN_DETECTOR] = "detector",
                                                 [KNOWN_CALLABLE] = "callable",
                                                 [KNOWN_STATEMENT] = "statement",
                                                 [KNOWN_TEST] = "test",
                                                 [KNOWN_THREADS] = "threads",
                                                 [KNOWN_SEEN] = "seen",
                                                 [KNOWN_MISSED] = "missed",
                                                 [KNOWN_LINK] = "link",
                                                 [KNOWN_REASON] = "reason"};

static void known_clear(struct known *known)
{
    for (int key = 0; key < KNOWN_KEYS; key++)
        free(known->texts[key]);
    free(known->where);
    *known = (struct known){0};
}

void known_list_clear(struct known_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        known_clear(&list->items[i]);
    free(list->items);
    *list = (struct known_list){0};
}

static int find_key(const struct yaml_file *file, const yaml_node_t *mapping, size_t i)
{
    const char *name = yaml_file_text(yaml_file_child(file, mapping, 2 * i));
    char names[160] = "";
    int key = 0;
    for (; key < KNOWN_KEYS && strcmp(known_key_names[key], name) != 0; key++)
        text_add(names, sizeof names, ", ", "%s", known_key_names[key]);
    int error = yaml_file_check_key(file, mapping, i, key < KNOWN_KEYS ? NULL : names, " in a known finding");
    return error ? error : key;
}

/* Copies the text without blanks at its end: a block of YAML ends with a line break. */
static int take_text(const struct yaml_file *file, const yaml_node_t *mapping, size_t i, struct known *known)
{
    const yaml_node_t *value = yaml_file_child(file, mapping, 2 * i + 1);
    int key = find_key(file, mapping, i);
    int error = key < 0 ? key : yaml_file_check_single(file, known_key_names[key], value);
    if (error)
        return error;
    const char *text = yaml_file_text(value);
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\n", text[length - 1]))
        length--;
    if (length == 0)
        return yaml_file_complain(file, yaml_file_line(value), "%s is empty: write it, or leave the key out",
                                  known_key_names[key]);
    known->texts[key] = strndup(text, length);
    return known->texts[key] ? 0 : -ENOMEM;
}

static int check_entry(const struct yaml_file *file, size_t line, const struct known *known)
{
    if (!known->texts[KNOWN_ID] && !known->texts[KNOWN_SIGNATURE])
        return yaml_file_complain(
            file, line, "this finding has neither id nor signature: `ftstress list findings` lists them");
    const char *state = known->texts[KNOWN_STATE];
    if (state && strcmp(state, "known") != 0 && strcmp(state, "fixed") != 0)
        return yaml_file_complain(file, line, "state is '%s'; write known or fixed", state);
    if (known->in_baseline)
        return 0;
    if (!known->texts[KNOWN_LINK])
        return yaml_file_complain(file, line, "this finding has no link: write where it is discussed");
    if (!known->texts[KNOWN_REASON])
        return yaml_file_complain(file, line, "this finding has no reason: write why it may be seen");
    return 0;
}

static int take_entry(const struct yaml_file *file, const yaml_node_t *node, bool is_baseline,
                      struct known_list *list)
{
    size_t line = yaml_file_line(node);
    int error = 0;
    if (node->type != YAML_MAPPING_NODE)
        return yaml_file_complain(file, line, "a known finding must be a mapping, not %s: write '- id: …'",
                                  yaml_file_kind(node));
    struct known *known = LIST_ADD(list->items, list->n);
    if (!known)
        return -ENOMEM;
    known->in_baseline = is_baseline;
    if (asprintf(&known->where, "%s:%zu", file->path, line) < 0) {
        known->where = NULL;
        return -ENOMEM;
    }
    for (size_t i = 0; !error && yaml_file_child(file, node, 2 * i); i++)
        error = take_text(file, node, i, known);
    known->is_fixed = text_equal(known->texts[KNOWN_STATE], "fixed");
    return error ? error : check_entry(file, line, known);
}

static int take_file(const struct yaml_file *file, bool is_baseline, struct known_list *list)
{
    const yaml_node_t *root = yaml_file_root(file), *entries, *entry;
    int error = 0;
    if (!root)
        return 0;
    if (root->type != YAML_MAPPING_NODE)
        return yaml_file_complain(file, yaml_file_line(root),
                                  "known findings are a list under the key 'findings', not %s",
                                  yaml_file_kind(root));
    for (size_t i = 0; !error && yaml_file_child(file, root, 2 * i); i++) {
        bool is_list = strcmp(yaml_file_text(yaml_file_child(file, root, 2 * i)), "findings") == 0;
        error = yaml_file_check_key(file, root, i, is_list ? NULL : "findings", "");
        entries = yaml_file_child(file, root, 2 * i + 1);
        if (!error && entries->type != YAML_SEQUENCE_NODE)
            error = yaml_file_complain(file, yaml_file_line(entries),
                                       "findings must be a list, not %s: begin each entry with '- '",
                                       yaml_file_kind(entries));
        for (size_t k = 0; !error && (entry = yaml_file_child(file, entries, k)); k++)
            error = take_entry(file, entry, is_baseline, list);
    }
    return error;
}

int known_load(const char *path, bool is_baseline, struct known_list *list, char *error, size_t error_size)
{
    struct yaml_file file = {.path = path,
                             .what = is_baseline ? "baseline" : "list of known findings",
                             .error = error,
                             .error_size = error_size};
    list->has_baseline |= is_baseline;
    int result = yaml_file_open(&file);
    if (!result)
        result = take_file(&file, is_baseline, list);
    if (result == -ENOMEM)
        yaml_file_complain(&file, 0, "no memory");
    yaml_file_close(&file);
    return result;
}

static bool matches(const struct known *known, const char *id, const char *signature)
{
    if (known->texts[KNOWN_SIGNATURE])
        return finding_is_written_as(signature, known->texts[KNOWN_SIGNATURE]);
    return strcmp(id, known->texts[KNOWN_ID]) == 0;
}

const struct known *known_match(struct known_list *list, const char *id, const char *signature)
{
    const struct known *first = NULL;
    for (size_t i = 0; i < list->n; i++)
        if (matches(&list->items[i], id, signature)) {
            list->items[i].hits++;
            first = first ? first : &list->items[i];
        }
    return first;
}

/* Follows the causes: a consequence of a known finding needs no repair of its own. */
static const struct known *of_cause(const struct finding_list *findings, const struct finding *finding)
{
    for (size_t i = 0; i < findings->n && finding && !finding->known && !finding->regressed; i++)
        finding = finding->cause ? finding_list_find(findings, finding->cause) : NULL;
    return finding ? finding->known : NULL;
}

void known_mark(struct known_list *list, const struct finding_list *findings)
{
    for (size_t i = 0; i < findings->n; i++) {
        struct finding *finding = findings->items[i];
        const struct known *known = known_match(list, finding->id, finding->signature);
        finding->known = known && known->is_fixed ? NULL : known;
        finding->regressed = known && known->is_fixed ? known : NULL;
    }
    for (size_t i = 0; i < findings->n; i++)
        findings->items[i]->known = of_cause(findings, findings->items[i]);
}

int known_note_unused(const struct known_list *list, struct note_list *notes)
{
    cleanup_free char *names = NULL;
    size_t unused = 0, n = 0;
    for (size_t i = 0; i < list->n; i++) {
        const struct known *known = &list->items[i];
        n += !known->in_baseline;
        if (known->hits > 0 || known->in_baseline)
            continue;
        const char *name = known->texts[known->texts[KNOWN_ID] ? KNOWN_ID : KNOWN_SIGNATURE];
        if (unused++ < NAMES_SHOWN && text_join(&names, ", ", name) < 0)
            return -ENOMEM;
    }
    if (unused == 0)
        return 0;
    return note_add(notes, "%zu of %zu known findings %s not seen: %s%s", unused, n,
                    unused == 1 ? "was" : "were", names, unused > NAMES_SHOWN ? ", …" : "");
}
