/* Plans to YAML that plan_load reads back. Each function that adds a node returns its number, or 0: memory is out, or
 * the text is not UTF-8. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/fd.h"
#include "core/plan/plan_key.h"

/* A long text becomes a literal block, which libyaml neither folds nor quotes unless it must. */
static bool is_block(const char *text)
{
    return strchr(text, '\n') || strlen(text) > 70;
}

static int add_text(yaml_document_t *tree, const char *text, bool block)
{
    return yaml_document_add_scalar(tree, NULL, (const yaml_char_t *)text, -1,
                                    block ? YAML_LITERAL_SCALAR_STYLE : YAML_ANY_SCALAR_STYLE);
}

static bool add_pair(yaml_document_t *tree, int mapping, const char *key, int value)
{
    int word = value ? add_text(tree, key, false) : 0;
    return word && yaml_document_append_mapping_pair(tree, mapping, word, value);
}

static int add_input(yaml_document_t *tree, const struct plan_input *input)
{
    int mapping = yaml_document_add_mapping(tree, NULL, YAML_FLOW_MAPPING_STYLE);
    bool good = mapping && add_pair(tree, mapping, "name", add_text(tree, input->name, false)) &&
                add_pair(tree, mapping, "recipe", add_text(tree, input->recipe, false));
    return good ? mapping : 0;
}

/* All entries of a list have one style. */
static int add_list(yaml_document_t *tree, const struct plan_key *key, const struct plan *plan)
{
    unsigned *n;
    char **texts = *plan_key_list(key, (struct plan *)plan, &n);
    int list = yaml_document_add_sequence(tree, NULL, YAML_BLOCK_SEQUENCE_STYLE);
    bool inputs = key->kind == PLAN_INPUTS, block = false;
    for (unsigned i = 0; i < *n && !inputs; i++)
        block |= is_block(texts[i]);
    for (unsigned i = 0; i < *n && list; i++) {
        int entry = inputs ? add_input(tree, &plan->inputs[i]) : add_text(tree, texts[i], block);
        if (!entry || !yaml_document_append_sequence_item(tree, list, entry))
            return 0;
    }
    return list;
}

static bool add_key(yaml_document_t *tree, int mapping, const struct plan_key *key, const struct plan *plan)
{
    char room[PLAN_VALUE_SIZE];
    unsigned *n;
    if (key->kind == PLAN_LIST || key->kind == PLAN_INPUTS) {
        plan_key_list(key, (struct plan *)plan, &n);
        return *n == 0 || add_pair(tree, mapping, key->name, add_list(tree, key, plan));
    }
    const char *text = plan_key_print(key, plan, room);
    return !text || add_pair(tree, mapping, key->name, add_text(tree, text, is_block(text)));
}

/* Deletes the tree. */
static bool write_tree(yaml_document_t *tree, FILE *out)
{
    yaml_emitter_t emitter;
    if (!yaml_emitter_initialize(&emitter)) {
        yaml_document_delete(tree);
        return false;
    }
    yaml_emitter_set_output_file(&emitter, out);
    bool good = yaml_emitter_dump(&emitter, tree) && yaml_emitter_close(&emitter);
    yaml_emitter_delete(&emitter);
    return good;
}

int plan_print(const struct plan *plan, char **ret_text)
{
    char *text cleanup_free = NULL;
    yaml_document_t tree;
    size_t size;
    if (!yaml_document_initialize(&tree, NULL, NULL, NULL, 1, 1))
        return -ENOMEM;
    int mapping = yaml_document_add_mapping(&tree, NULL, YAML_BLOCK_MAPPING_STYLE);
    bool is_text = mapping != 0;
    for (const struct plan_key *key = plan_keys; key->name && is_text; key++)
        is_text = add_key(&tree, mapping, key, plan);
    FILE *out = is_text ? open_memstream(&text, &size) : NULL;
    if (!out) {
        yaml_document_delete(&tree);
        return is_text ? -ENOMEM : -EILSEQ;
    }
    bool good = write_tree(&tree, out);
    if (fclose(out) != 0 || !good)
        return -ENOMEM;
    *ret_text = text;
    text = NULL;
    return 0;
}
