/* YAML to plans. libyaml makes a tree of the file that knows the line of each node. The keys are read in the file's
 * order and the plan is checked after each value, so that a complaint belongs to the line of the value just read. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "core/plan/plan_key.h"

struct load {
    const char *path;
    char *error; /* where the sentence goes */
    size_t error_size;
    const char *text;
    size_t size;
    struct plan *plan;
    yaml_document_t tree;
};

/* "path:line: sentence", on one line whatever it quotes; without the line when that is 0. */
static int __attribute__((format(printf, 3, 4)))
complain(const struct load *load, size_t line, const char *format, ...)
{
    char where[24] = "", sentence[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (line > 0)
        snprintf(where, sizeof where, ":%zu", line);
    snprintf(load->error, load->error_size, "%s%s: %s", load->path, where, sentence);
    for (char *at = load->error; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
    return -EINVAL;
}

static int complain_syntax(const struct load *load, const yaml_parser_t *parser)
{
    char context[128] = "";
    if (parser->error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    if (parser->error == YAML_READER_ERROR) {
        /* libyaml gives no line for bytes that it cannot decode, only their offset. */
        size_t line = 1;
        for (size_t i = 0; i < load->size && i < parser->problem_offset; i++)
            line += load->text[i] == '\n';
        return complain(load, line, "not text: %s; save the file as UTF-8", parser->problem);
    }
    if (parser->context)
        snprintf(context, sizeof context, " (%s, line %zu)", parser->context, parser->context_mark.line + 1);
    bool at_end = parser->context && parser->problem_mark.index >= load->size;
    return complain(load, (at_end ? parser->context_mark : parser->problem_mark).line + 1,
                    "not YAML: %s%s; put Python and recipes in quotes or after '|'", parser->problem,
                    context);
}

static size_t line_of(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

/* The casts: libyaml's accessors take no const document, but change nothing. */
static const yaml_node_t *node_at(const struct load *load, int id)
{
    return yaml_document_get_node((yaml_document_t *)&load->tree, id);
}

static const yaml_node_t *root_of(const struct load *load)
{
    return yaml_document_get_root_node((yaml_document_t *)&load->tree);
}

static const char *text_of(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
}

/* The entries of a list, or the keys and values of a mapping in turn; NULL after the last. */
static const yaml_node_t *child_of(const struct load *load, const yaml_node_t *node, size_t i)
{
    if (node->type == YAML_SEQUENCE_NODE) {
        const yaml_node_item_t *item = node->data.sequence.items.start + i;
        return item < node->data.sequence.items.top ? node_at(load, *item) : NULL;
    }
    if (node->type == YAML_MAPPING_NODE) {
        const yaml_node_pair_t *pair = node->data.mapping.pairs.start + i / 2;
        return pair < node->data.mapping.pairs.top ? node_at(load, i % 2 ? pair->value : pair->key) : NULL;
    }
    return NULL;
}

/* Refuses a second plan in the file. */
static int check_end(const struct load *load, yaml_parser_t *parser)
{
    yaml_document_t next;
    if (!yaml_parser_load(parser, &next))
        return complain_syntax(load, parser);
    bool is_plan = yaml_document_get_root_node(&next);
    size_t line = next.start_mark.line + 1;
    yaml_document_delete(&next);
    return is_plan ? complain(load, line, "a second plan: put it in a file of its own") : 0;
}

static int tree_load(struct load *load)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return -ENOMEM;
    yaml_parser_set_input_string(&parser, (const unsigned char *)load->text, load->size);
    int error = 0;
    if (!yaml_parser_load(&parser, &load->tree))
        error = complain_syntax(load, &parser);
    if (!error && root_of(load))
        error = check_end(load, &parser);
    yaml_parser_delete(&parser);
    /* C code would take the part before a NUL for the whole text. */
    for (const yaml_node_t *node = load->tree.nodes.start; !error && node < load->tree.nodes.top; node++)
        if (node->type == YAML_SCALAR_NODE && strlen(text_of(node)) < node->data.scalar.length)
            error = complain(load, line_of(node), "text must not hold a NUL character: take it out");
    return error;
}

/* The keys of one entry of `inputs`. */
enum { INPUT_NAME, INPUT_RECIPE, INPUT_KEYS };
static const struct plan_key input_keys[] = {
    [INPUT_NAME] = {.name = "name"},
    [INPUT_RECIPE] = {.name = "recipe"},
    [INPUT_KEYS] = {.name = NULL},
};

static const char *kind_of(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE     ? "a single value"
           : node->type == YAML_SEQUENCE_NODE ? "a list"
                                              : "a mapping";
}

/* Finds the row of the mapping's key number i: a word, in the table, and given once. Returns NULL after a complaint. */
static const struct plan_key *find_key(const struct load *load, const yaml_node_t *mapping, size_t i,
                                       const struct plan_key *keys)
{
    const yaml_node_t *node = child_of(load, mapping, 2 * i);
    const struct plan_key *key = keys;
    const char *name = text_of(node);
    char names[256] = "";
    bool repeats = false;
    for (; key->name && strcmp(key->name, name) != 0; key++)
        text_add(names, sizeof names, ", ", "%s", key->name);
    for (size_t k = 0; k < i; k++)
        repeats |= strcmp(text_of(child_of(load, mapping, 2 * k)), name) == 0;
    if (node->type != YAML_SCALAR_NODE)
        complain(load, line_of(node), "a key must be a word, not a list or a mapping");
    else if (!key->name)
        complain(load, line_of(node), "unknown key '%.40s'%s; the keys are %s", name,
                 keys == input_keys ? " in an input" : "", names);
    else if (repeats)
        complain(load, line_of(node), "%s is given twice: keep one", name);
    else
        return key;
    return NULL;
}

static int check_single(const struct load *load, const char *key, const yaml_node_t *node)
{
    if (node->type == YAML_SCALAR_NODE)
        return 0;
    return complain(load, line_of(node), "%s must be a single value, not %s: put it in quotes or after '|'",
                    key, kind_of(node));
}

/* Checks the plan so far, with stand-ins for keys that may follow: a complaint is about the value just read from
 * this line. */
static int check_so_far(const struct load *load, size_t line)
{
    struct plan plan = *load->plan;
    char why[512], stand_in[] = "-";
    if (!plan.name)
        plan.name = stand_in;
    if (!plan.native && plan.nsteps == 0 && plan.nroles == 0)
        plan.native = stand_in;
    if (plan.time == 0 && plan.iterations == 0)
        plan.iterations = 1;
    plan.outcome = false; /* it goes with other keys */
    plan.state = plan.check = NULL;
    int error = plan_check(&plan, why, sizeof why);
    if (error < 0)
        complain(load, line, "%s", why);
    return error;
}

/* Checks an entry that plan_add_* has just added, or failed to add. */
static int check_added(const struct load *load, int added, size_t line)
{
    if (added == -E2BIG)
        return complain(load, line, "at most %d inputs, %d steps, roles, audits or raises: take some out",
                        PLAN_INPUTS_MAX, PLAN_STEPS_MAX);
    return added < 0 ? added : check_so_far(load, line);
}

static int take_entry(const struct load *load, const struct plan_key *key, const yaml_node_t *node)
{
    unsigned *n;
    char ***list = plan_key_list(key, load->plan, &n);
    if (node->type != YAML_SCALAR_NODE)
        return complain(load, line_of(node),
                        "an entry of %s must be text, not %s: put it in quotes or after '|'", key->name,
                        kind_of(node));
    return check_added(load, plan_add_text(list, n, text_of(node)), line_of(node));
}

/* A value that is not there is the mapping itself: no text, and the line to name. */
static int take_input(const struct load *load, const yaml_node_t *node)
{
    const yaml_node_t *values[INPUT_KEYS] = {node, node};
    struct recipe recipe;
    char why[256];
    int error = 0;
    if (node->type != YAML_MAPPING_NODE)
        return complain(load, line_of(node),
                        "an input must be a mapping, not %s: write '- {name: a, recipe: \"f8[20]\"}'",
                        kind_of(node));
    for (size_t i = 0; !error && child_of(load, node, 2 * i); i++) {
        const yaml_node_t *value = child_of(load, node, 2 * i + 1);
        const struct plan_key *key = find_key(load, node, i, input_keys);
        error = key ? check_single(load, key->name, value) : -EINVAL;
        if (!error)
            values[key - input_keys] = value;
    }
    if (error)
        return error;
    const char *name = text_of(values[INPUT_NAME]), *text = text_of(values[INPUT_RECIPE]);
    bool is_good = recipe_parse(text, &recipe, why, sizeof why) == 0;
    return check_added(load, plan_add_input(load->plan, name, text),
                       line_of(values[is_good ? INPUT_NAME : INPUT_RECIPE]));
}

/* Replaces the entries that the plan had with those of the file. */
static int take_list(const struct load *load, const struct plan_key *key, const yaml_node_t *node)
{
    const yaml_node_t *entry;
    int error = 0;
    if (node->type != YAML_SEQUENCE_NODE)
        return complain(load, line_of(node), "%s must be a list, not %s: begin each entry with '- '",
                        key->name, kind_of(node));
    plan_key_clear(key, load->plan);
    for (size_t i = 0; !error && (entry = child_of(load, node, i)); i++) {
        if (entry == node)
            error = complain(load, line_of(entry), "this holds itself: take the alias out");
        else
            error = key->kind == PLAN_INPUTS ? take_input(load, entry) : take_entry(load, key, entry);
    }
    return error;
}

static int take_value(const struct load *load, const struct plan_key *key, const yaml_node_t *node)
{
    char why[512] = "";
    if (key->kind == PLAN_LIST || key->kind == PLAN_INPUTS)
        return take_list(load, key, node);
    int error = check_single(load, key->name, node);
    if (error)
        return error;
    error = plan_key_read(key, text_of(node), load->plan, why, sizeof why);
    if (error == -EINVAL)
        return complain(load, line_of(node), "%s: %s", key->name, why);
    return error < 0 ? error : check_so_far(load, line_of(node));
}

static int take_plan(const struct load *load)
{
    const yaml_node_t *root = root_of(load);
    int error = 0;
    if (root && root->type != YAML_MAPPING_NODE)
        return complain(load, line_of(root), "a plan is a mapping, not %s: write lines of 'key: value'",
                        kind_of(root));
    for (size_t i = 0; !error && root && child_of(load, root, 2 * i); i++) {
        const struct plan_key *key = find_key(load, root, i, plan_keys);
        error = key ? take_value(load, key, child_of(load, root, 2 * i + 1)) : -EINVAL;
    }
    return error;
}

int plan_load(const char *path, struct plan *plan, char *error, size_t error_size)
{
    char *text cleanup_free = NULL, why[512];
    size_t size;
    int status = fd_read_file(path, &text, &size);
    if (status < 0) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): plans are loaded before there are threads */
        snprintf(error, error_size, "cannot read plan '%s': %s", path, strerror(-status));
        return status;
    }
    struct load load = {path, error, error_size, text, size, .plan = plan};
    status = tree_load(&load);
    if (!status)
        status = take_plan(&load);
    const char *base = path_base(path), *dot = strrchr(base, '.');
    if (!status && !plan->name) {
        plan->name = strndup(base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
        status = plan->name ? 0 : -ENOMEM;
    }
    if (!status && (status = plan_check(plan, why, sizeof why)) < 0)
        complain(&load, 0, "%s", why);
    if (status == -ENOMEM)
        complain(&load, 0, "out of memory");
    yaml_document_delete(&load.tree);
    return status;
}
