#include "core/plan/yaml_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

int yaml_file_complain(const struct yaml_file *file, size_t line, const char *format, ...)
{
    char where[24] = "", sentence[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (line > 0)
        snprintf(where, sizeof where, ":%zu", line);
    snprintf(file->error, file->error_size, "%s%s: %s", file->path, where, sentence);
    for (char *at = file->error; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
    return -EINVAL;
}

static int complain_syntax(const struct yaml_file *file, const yaml_parser_t *parser)
{
    char context[128] = "";
    if (parser->error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    if (parser->error == YAML_READER_ERROR) {
        /* libyaml gives no line for bytes that it cannot decode, only their offset. */
        size_t line = 1;
        for (size_t i = 0; i < file->size && i < parser->problem_offset; i++)
            line += file->text[i] == '\n';
        return yaml_file_complain(file, line, "not text: %s; save the file as UTF-8", parser->problem);
    }
    if (parser->context)
        snprintf(context, sizeof context, " (%s, line %zu)", parser->context, parser->context_mark.line + 1);
    bool at_end = parser->context && parser->problem_mark.index >= file->size;
    return yaml_file_complain(file, (at_end ? parser->context_mark : parser->problem_mark).line + 1,
                              "not YAML: %s%s; put Python and recipes in quotes or after '|'",
                              parser->problem, context);
}

size_t yaml_file_line(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

/* The casts: libyaml's accessors take no const document, but change nothing. */
static const yaml_node_t *node_at(const struct yaml_file *file, int id)
{
    return yaml_document_get_node((yaml_document_t *)&file->tree, id);
}

const yaml_node_t *yaml_file_root(const struct yaml_file *file)
{
    return yaml_document_get_root_node((yaml_document_t *)&file->tree);
}

const char *yaml_file_text(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
}

const char *yaml_file_kind(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE     ? "a single value"
           : node->type == YAML_SEQUENCE_NODE ? "a list"
                                              : "a mapping";
}

const yaml_node_t *yaml_file_child(const struct yaml_file *file, const yaml_node_t *node, size_t i)
{
    if (node->type == YAML_SEQUENCE_NODE) {
        const yaml_node_item_t *item = node->data.sequence.items.start + i;
        return item < node->data.sequence.items.top ? node_at(file, *item) : NULL;
    }
    if (node->type == YAML_MAPPING_NODE) {
        const yaml_node_pair_t *pair = node->data.mapping.pairs.start + i / 2;
        return pair < node->data.mapping.pairs.top ? node_at(file, i % 2 ? pair->value : pair->key) : NULL;
    }
    return NULL;
}

/* Refuses a second document in the file. */
static int check_end(const struct yaml_file *file, yaml_parser_t *parser)
{
    yaml_document_t next;
    if (!yaml_parser_load(parser, &next))
        return complain_syntax(file, parser);
    bool is_second = yaml_document_get_root_node(&next);
    size_t line = next.start_mark.line + 1;
    yaml_document_delete(&next);
    return is_second ? yaml_file_complain(file, line, "a second %s: put it in a file of its own", file->what)
                     : 0;
}

static int load_tree(struct yaml_file *file)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return -ENOMEM;
    yaml_parser_set_input_string(&parser, (const unsigned char *)file->text, file->size);
    int error = 0;
    if (!yaml_parser_load(&parser, &file->tree))
        error = complain_syntax(file, &parser);
    if (!error && yaml_file_root(file))
        error = check_end(file, &parser);
    yaml_parser_delete(&parser);
    /* C code would take the part before a NUL for the whole text. */
    for (const yaml_node_t *node = file->tree.nodes.start; !error && node < file->tree.nodes.top; node++)
        if (node->type == YAML_SCALAR_NODE && strlen(yaml_file_text(node)) < node->data.scalar.length)
            error = yaml_file_complain(file, yaml_file_line(node),
                                       "text must not hold a NUL character: take it out");
    return error;
}

int yaml_file_open(struct yaml_file *file)
{
    int error = fd_read_file(file->path, &file->text, &file->size);
    if (error < 0) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): files are read before there are threads */
        const char *why = strerror(-error);
        snprintf(file->error, file->error_size, "cannot read %s '%s': %s", file->what, file->path, why);
        return error;
    }
    return load_tree(file);
}

void yaml_file_close(struct yaml_file *file)
{
    yaml_document_delete(&file->tree);
    free(file->text);
    file->text = NULL;
}

int yaml_file_check_key(const struct yaml_file *file, const yaml_node_t *mapping, size_t i, const char *names,
                        const char *where)
{
    const yaml_node_t *node = yaml_file_child(file, mapping, 2 * i);
    const char *name = yaml_file_text(node);
    bool repeats = false;
    for (size_t k = 0; k < i; k++)
        repeats |= strcmp(yaml_file_text(yaml_file_child(file, mapping, 2 * k)), name) == 0;
    if (node->type != YAML_SCALAR_NODE)
        return yaml_file_complain(file, yaml_file_line(node),
                                  "a key must be a word, not a list or a mapping");
    if (names)
        return yaml_file_complain(file, yaml_file_line(node), "unknown key '%.40s'%s; the keys are %s", name,
                                  where, names);
    if (repeats)
        return yaml_file_complain(file, yaml_file_line(node), "%s is given twice: keep one", name);
    return 0;
}

int yaml_file_check_single(const struct yaml_file *file, const char *key, const yaml_node_t *node)
{
    if (node->type == YAML_SCALAR_NODE)
        return 0;
    return yaml_file_complain(file, yaml_file_line(node),
                              "%s must be a single value, not %s: put it in quotes or after '|'", key,
                              yaml_file_kind(node));
}

bool yaml_file_is_block(const char *text)
{
    return strchr(text, '\n') || strlen(text) > 70;
}

int yaml_file_add_text(yaml_document_t *tree, const char *text, bool is_block)
{
    return yaml_document_add_scalar(tree, NULL, (const yaml_char_t *)text, -1,
                                    is_block ? YAML_LITERAL_SCALAR_STYLE : YAML_ANY_SCALAR_STYLE);
}

bool yaml_file_add_pair(yaml_document_t *tree, int mapping, const char *key, int value)
{
    int word = value ? yaml_file_add_text(tree, key, false) : 0;
    return word && yaml_document_append_mapping_pair(tree, mapping, word, value);
}

/* Deletes the tree. */
static bool emit(yaml_document_t *tree, FILE *out)
{
    yaml_emitter_t emitter;
    if (!yaml_emitter_initialize(&emitter)) {
        yaml_document_delete(tree);
        return false;
    }
    yaml_emitter_set_output_file(&emitter, out);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    bool good = yaml_emitter_dump(&emitter, tree) && yaml_emitter_close(&emitter);
    yaml_emitter_delete(&emitter);
    return good;
}

int yaml_file_print(yaml_document_t *tree, char **ret_text)
{
    char *text cleanup_free = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) {
        yaml_document_delete(tree);
        return -ENOMEM;
    }
    bool good = emit(tree, out);
    if (fclose(out) != 0 || !good)
        return -ENOMEM;
    *ret_text = text;
    text = NULL;
    return 0;
}
