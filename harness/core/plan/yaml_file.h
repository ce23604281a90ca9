/* A YAML file as libyaml's tree, which knows the line of each node; read and written. Plain data, one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

struct yaml_file {
    /* Set by the caller. */
    const char *path, *what; /* `what` the file holds: "plan" */
    char *error;             /* where the sentence of a complaint goes */
    size_t error_size;
    /* Its own. */
    char *text;
    size_t size;
    yaml_document_t tree;
};

/* Reads the file. Returns 0, or -errno after a complaint; in any case the caller closes it. */
int yaml_file_open(struct yaml_file *file);
void yaml_file_close(struct yaml_file *file);

/* Writes "path:line: sentence" on one line, whatever it quotes; without the line when that is 0. Returns -EINVAL. */
int yaml_file_complain(const struct yaml_file *file, size_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

const yaml_node_t *yaml_file_root(const struct yaml_file *file);
/* The entries of a list, or the keys and values of a mapping in turn; NULL after the last. */
const yaml_node_t *yaml_file_child(const struct yaml_file *file, const yaml_node_t *node, size_t i);
size_t yaml_file_line(const yaml_node_t *node);
/* Its text; "" for a list or a mapping. */
const char *yaml_file_text(const yaml_node_t *node);
/* "a list" */
const char *yaml_file_kind(const yaml_node_t *node);

/* Checks that the mapping's key number i is a word, and given once. `names` is NULL for a key of the table, else those
 * that there are `where`. Returns 0, or -EINVAL after a complaint. */
int yaml_file_check_key(const struct yaml_file *file, const yaml_node_t *mapping, size_t i, const char *names,
                        const char *where);
/* Checks that the value of the key is a single one. Returns 0, or -EINVAL after a complaint. */
int yaml_file_check_single(const struct yaml_file *file, const char *key, const yaml_node_t *node);

/* A long text, or one of several lines, becomes a literal block, which libyaml neither folds nor quotes unless it
 * must. */
bool yaml_file_is_block(const char *text);

/* Each function that adds a node returns its number, or 0: memory is out, or the text is not UTF-8. */
int yaml_file_add_text(yaml_document_t *tree, const char *text, bool is_block);
bool yaml_file_add_pair(yaml_document_t *tree, int mapping, const char *key, int value);

/* Makes the text of the tree, and deletes the tree. On success *ret_text is the caller's. Returns 0 or -ENOMEM. */
int yaml_file_print(yaml_document_t *tree, char **ret_text);
