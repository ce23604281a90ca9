/* Plans to YAML that plan_load reads back. Each function that adds a node returns its number, or 0: memory is out, or
 * the text is not UTF-8. */
#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "core/plan/plan_key.h"
#include "core/plan/yaml_file.h"

static int add_input(yaml_document_t *tree, const struct plan_input *input)
{
    int mapping = yaml_document_add_mapping(tree, NULL, YAML_FLOW_MAPPING_STYLE);
    bool good = mapping &&
                yaml_file_add_pair(tree, mapping, "name", yaml_file_add_text(tree, input->name, false)) &&
                yaml_file_add_pair(tree, mapping, "recipe", yaml_file_add_text(tree, input->recipe, false));
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
        block |= yaml_file_is_block(texts[i]);
    for (unsigned i = 0; i < *n && list; i++) {
        int entry = inputs ? add_input(tree, &plan->inputs[i]) : yaml_file_add_text(tree, texts[i], block);
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
        return *n == 0 || yaml_file_add_pair(tree, mapping, key->name, add_list(tree, key, plan));
    }
    const char *text = plan_key_print(key, plan, room);
    return !text || yaml_file_add_pair(tree, mapping, key->name,
                                       yaml_file_add_text(tree, text, yaml_file_is_block(text)));
}

int plan_print(const struct plan *plan, char **ret_text)
{
    yaml_document_t tree;
    if (!yaml_document_initialize(&tree, NULL, NULL, NULL, 1, 1))
        return -ENOMEM;
    int mapping = yaml_document_add_mapping(&tree, NULL, YAML_BLOCK_MAPPING_STYLE);
    bool is_text = mapping != 0;
    for (const struct plan_key *key = plan_keys; key->name && is_text; key++)
        is_text = add_key(&tree, mapping, key, plan);
    if (!is_text)
        yaml_document_delete(&tree);
    return is_text ? yaml_file_print(&tree, ret_text) : -EILSEQ;
}
