/* Plans as YAML. libcyaml checks the file's structure against the schema and keeps the values; libyaml's tree
 * of the same text knows their lines. Each value is then taken in the file's order and the plan checked after
 * it, so that a complaint belongs to the line of the value just taken. */
#include "core/plan/plan.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "base/fd.h"
#include "core/plan/detector_list.h"
#include "core/plan/plan_document.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct load {
    const char *path;
    char *error; /* where the sentence goes */
    size_t error_size;
    const char *text;
    size_t size;
    struct plan *plan;
    yaml_document_t tree;
    struct document *document;
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

/* libyaml knows the line of what it scans, but only the offset of bytes that it cannot decode. */
static int complain_bytes(const struct load *load, const yaml_parser_t *parser)
{
    size_t line = 1;
    for (size_t i = 0; i < load->size && i < parser->problem_offset; i++)
        line += load->text[i] == '\n';
    return complain(load, line, "not text: %s; save the file as UTF-8", parser->problem);
}

static int complain_syntax(const struct load *load, const yaml_parser_t *parser)
{
    char context[128] = "";
    if (parser->error == YAML_MEMORY_ERROR)
        return -ENOMEM;
    if (parser->error == YAML_READER_ERROR)
        return complain_bytes(load, parser);
    if (parser->context)
        snprintf(context, sizeof context, " (%s, line %zu)", parser->context, parser->context_mark.line + 1);
    return complain(load, parser->problem_mark.line + 1,
                    "not YAML: %s%s; put Python and recipes in quotes or after '|'", parser->problem,
                    context);
}

static size_t line_of(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

/* libyaml's accessors want a document that they may change, and change nothing. */
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

/* libcyaml would take what stands before a NUL for the whole text. */
static int check_nul(const struct load *load)
{
    for (const yaml_node_t *node = load->tree.nodes.start; node < load->tree.nodes.top; node++)
        if (node->type == YAML_SCALAR_NODE && strlen(text_of(node)) < node->data.scalar.length)
            return complain(load, line_of(node), "text must not hold a NUL character: take it out");
    return 0;
}

/* libcyaml would take the first plan for the only one. */
static int check_end(const struct load *load, yaml_parser_t *parser)
{
    yaml_document_t next;
    if (!yaml_parser_load(parser, &next))
        return complain_syntax(load, parser);
    int error = 0;
    if (yaml_document_get_root_node(&next))
        error = complain(load, next.start_mark.line + 1, "a second plan: put it in a file of its own");
    yaml_document_delete(&next);
    return error;
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
    if (!error)
        error = check_nul(load);
    yaml_parser_delete(&parser);
    return error;
}

/* The place where libcyaml gave up. */
struct spot {
    size_t events_left;
    const yaml_node_t *node;
    const char *key; /* the node itself, or the key that it belongs to */
    unsigned depth;
};

/* Counts events as libcyaml takes them: one for a scalar, two around a list or a mapping, aliases written
 * out. */
static bool spot_find(const struct load *load, struct spot *spot, const yaml_node_t *node, const char *key,
                      unsigned depth)
{
    const yaml_node_t *child;
    *spot = (struct spot){spot->events_left - 1, node, key, depth};
    if (spot->events_left == 0 || node->type == YAML_SCALAR_NODE)
        return spot->events_left == 0;
    for (size_t i = 0; (child = child_of(load, node, i)); i++) {
        if (node->type == YAML_MAPPING_NODE && i % 2 == 0)
            key = text_of(child);
        if (spot_find(load, spot, child, key, depth + 1))
            return true;
    }
    *spot = (struct spot){spot->events_left - 1, node, key, depth};
    return spot->events_left == 0;
}

static const cyaml_schema_field_t *field_named(const char *key)
{
    const cyaml_schema_field_t *field = plan_fields;
    while (field->key && strcmp(field->key, key) != 0)
        field++;
    return field;
}

static int complain_key(const struct load *load, const struct spot *spot)
{
    const cyaml_schema_field_t *field = spot->depth == 1 ? plan_fields : plan_input_fields;
    char names[256] = "";
    for (size_t used = 0; field->key && used < sizeof names; field++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", field->key);
    return complain(load, line_of(spot->node), "unknown key '%.40s'%s; the keys are %s", spot->key,
                    spot->depth == 1 ? "" : " in an input", names);
}

static int complain_type(const struct load *load, const struct spot *spot)
{
    static const char *const kinds[] = {[YAML_SCALAR_NODE] = "a single value",
                                        [YAML_SEQUENCE_NODE] = "a list",
                                        [YAML_MAPPING_NODE] = "a mapping"};
    const char *got = kinds[spot->node->type], *key = spot->key;
    const cyaml_schema_value_t *wanted = &field_named(key)->value;
    size_t line = line_of(spot->node);
    if (spot->depth == 0)
        return complain(load, line, "a plan is a mapping, not %s: write lines of 'key: value'", got);
    if (spot->depth == 1 && wanted->type == CYAML_SEQUENCE)
        return complain(load, line, "%s must be a list, not %s: begin each entry with '- '", key, got);
    if (spot->depth == 2 && strcmp(key, "inputs") == 0)
        return complain(load, line,
                        "an input must be a mapping, not %s: write '- {name: a, recipe: \"f8[20]\"}'", got);
    if (spot->depth == 2)
        return complain(load, line, "an entry of %s must be text, not %s: put it in quotes or after '|'", key,
                        got);
    return complain(load, line, "%s must be a single value, not %s: put it in quotes or after '|'", key, got);
}

static int complain_structure(const struct load *load, cyaml_err_t error, size_t ntaken)
{
    /* The stream and the document begin with an event each. A bad alias is the event that was not taken. */
    struct spot spot = {.events_left = (ntaken > 2 ? ntaken - 2 : 1) + (error == CYAML_ERR_INVALID_ALIAS)};
    if (error == CYAML_ERR_OOM || !root_of(load))
        return -ENOMEM;
    spot_find(load, &spot, root_of(load), "", 0);
    switch (error) {
    case CYAML_ERR_INVALID_KEY:
        return complain_key(load, &spot);
    case CYAML_ERR_INVALID_VALUE:
        return complain_type(load, &spot);
    case CYAML_ERR_UNEXPECTED_EVENT:
        return complain(load, line_of(spot.node), "%s is given twice: keep one", spot.key);
    case CYAML_ERR_INVALID_ALIAS:
        return complain(load, line_of(spot.node), "this holds itself: take the alias out");
    case CYAML_ERR_INTERNAL_ERROR:
        return complain(load, line_of(spot.node), "a key must be a word, not a list or a mapping");
    default:
        return complain(load, line_of(spot.node), "%s", cyaml_strerror(error));
    }
}

/* libcyaml's backtrace gives an unknown key the line of the value before it, and the root no line at all. Its
 * debug log has one message for each event taken, and the last one taken is where it gave up. */
static void count_events(cyaml_log_t level, void *ntaken, const char *format, va_list args)
{
    (void)level;
    (void)args;
    if (strncmp(format, "Load: Event:", strlen("Load: Event:")) == 0)
        ++*(size_t *)ntaken;
}

static int document_load(struct load *load)
{
    size_t ntaken = 0;
    const cyaml_config_t config = {
        .log_fn = count_events,
        .log_ctx = &ntaken,
        .log_level = CYAML_LOG_DEBUG,
        .mem_fn = cyaml_mem,
    };
    cyaml_data_t *data = NULL;
    cyaml_err_t error =
        cyaml_load_data((const uint8_t *)load->text, load->size, &config, &plan_schema, &data, NULL);
    if (error != CYAML_OK)
        return complain_structure(load, error, ntaken);
    load->document = data;
    return 0;
}

/* Empty text is no text. */
static int copy_text(const char *text, size_t size, char **to)
{
    char *copy = size ? strndup(text, size) : NULL;
    if (size && !copy)
        return -ENOMEM;
    free(*to);
    *to = copy;
    return 0;
}

static int read_text(const char *text, void *to)
{
    return copy_text(text, strlen(text), to);
}

/* A block ('|' or '>') ends with a line break, which does not make it two lines. */
static int read_line(const char *text, void *to)
{
    size_t size = strlen(text);
    while (size > 0 && text[size - 1] == '\n')
        size--;
    return copy_text(text, size, to);
}

static int read_number(const char *text, void *to)
{
    char *end;
    errno = 0;
    uint64_t n = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
    if (errno || *end || *text < '0' || *text > '9')
        return -EINVAL;
    *(uint64_t *)to = n;
    return 0;
}

static int read_threads(const char *text, void *to)
{
    uint64_t n;
    if (read_number(text, &n) < 0 || n > UINT32_MAX)
        return -EINVAL;
    *(uint32_t *)to = (uint32_t)n;
    return 0;
}

static int read_time(const char *text, void *to)
{
    return plan_parse_time(text, to);
}

static int read_size(const char *text, void *to)
{
    return plan_parse_size(text, to);
}

static int find_word(const char *text, const char *const *words, int n)
{
    for (int i = 0; i < n; i++)
        if (strcasecmp(text, words[i]) == 0)
            return i;
    return -EINVAL;
}

static int read_share(const char *text, void *to)
{
    int rung = find_word(text, rung_names, RUNG_COUNT);
    if (rung >= 0)
        *(enum rung *)to = (enum rung)rung;
    return rung < 0 ? rung : 0;
}

static int read_flag(const char *text, void *to)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    int i = find_word(text, words, COUNT(words));
    if (i >= 0)
        *(bool *)to = i % 2;
    return i < 0 ? i : 0;
}

#define NUMBER "a whole number from 0 to 18446744073709551615"
#define BOTH(key) #key, offsetof(struct document, key), offsetof(struct plan, key)

/* The keys with a single value, but for detect, which explains itself. */
static const struct row {
    const char *key;
    size_t from, to; /* a text of the document, a member of the plan */
    int (*read)(const char *text, void *to);
    const char *wanted;
} rows[] = {
    {BOTH(name), read_line, "a line"},
    {BOTH(about), read_line, "a line"},
    {BOTH(native), read_line, "a line"},
    {BOTH(setup), read_text, "text"},
    {BOTH(thread_setup), read_text, "text"},
    {BOTH(private), read_line, "a line"},
    {BOTH(writer), read_text, "text"},
    {"new", offsetof(struct document, fresh), offsetof(struct plan, fresh), read_line, "text"},
    {BOTH(budget), read_size, "a size: write it as 65536, 64K or 1M"},
    {BOTH(release), read_line, "text"},
    {BOTH(threads), read_threads, "a whole number from 1 to 256"},
    {BOTH(time), read_time, "a time: write it as 10s, 500ms, 2m or 2h"},
    {BOTH(iterations), read_number, NUMBER},
    {BOTH(seed), read_number, NUMBER},
    {BOTH(share), read_share, "one of private, readonly, one-writer, all"},
    {BOTH(guard), read_line, "a line"},
    {BOTH(focus), read_line, "a line"},
    {BOTH(under), read_line, "a line"},
    {BOTH(stop_on_first), read_flag, "true or false"},
};

/* Checks the plan so far, with stand-ins for what a later key may bring: what is left to complain of is the
 * value just taken from this line. */
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
    int error = plan_check(&plan, why, sizeof why);
    if (error < 0)
        complain(load, line, "%s", why);
    return error;
}

static int take_value(const struct load *load, const struct row *row, const yaml_node_t *node)
{
    const char *text = *(const char *const *)((const char *)load->document + row->from);
    int error = row->read(text, (char *)load->plan + row->to);
    if (error == -EINVAL)
        return complain(load, line_of(node), "%s: '%.40s' is not %s", row->key, text, row->wanted);
    return error < 0 ? error : check_so_far(load, line_of(node));
}

static int take_detect(const struct load *load, const yaml_node_t *node)
{
    char why[512];
    if (detector_parse(load->document->detect, &load->plan->detect, why, sizeof why) < 0)
        return complain(load, line_of(node), "detect: %s", why);
    return 0;
}

/* Checks an entry that plan_add_* has just added, or failed to add. */
static int take_added(const struct load *load, int added, size_t line)
{
    if (added == -E2BIG)
        return complain(load, line, "at most %d inputs, %d steps, roles or audits: take some out",
                        PLAN_INPUTS_MAX, PLAN_STEPS_MAX);
    return added < 0 ? added : check_so_far(load, line);
}

/* The file's entries take the place of those that the plan had. */
static int take_texts(const struct load *load, const yaml_node_t *node, char **texts,
                      int (*add)(struct plan *plan, const char *code), char ***list, unsigned *n)
{
    struct plan old = {.steps = *list, .nsteps = *n};
    const yaml_node_t *entry;
    int error = 0;
    *list = NULL;
    *n = 0;
    plan_clear(&old);
    for (size_t i = 0; !error && (entry = child_of(load, node, i)); i++)
        error = take_added(load, add(load->plan, texts[i]), line_of(entry));
    return error;
}

/* The line of the key's value, or of the mapping itself when it has no such key. */
static size_t line_of_key(const struct load *load, const yaml_node_t *mapping, const char *key)
{
    const yaml_node_t *child;
    for (size_t i = 0; (child = child_of(load, mapping, i)); i += 2)
        if (strcmp(text_of(child), key) == 0)
            return line_of(child_of(load, mapping, i + 1));
    return line_of(mapping);
}

static int take_input(const struct load *load, const struct plan_input *input, const yaml_node_t *node)
{
    const char *name = input->name ? input->name : "", *recipe = input->recipe ? input->recipe : "";
    struct recipe parsed;
    char why[256];
    bool is_good = recipe_parse(recipe, &parsed, why, sizeof why) == 0;
    size_t line = line_of_key(load, node, is_good ? "name" : "recipe");
    return take_added(load, plan_add_input(load->plan, name, recipe), line);
}

static int take_inputs(const struct load *load, const yaml_node_t *node)
{
    struct plan *plan = load->plan, old = {.inputs = plan->inputs, .ninputs = plan->ninputs};
    const yaml_node_t *entry;
    int error = 0;
    plan->inputs = NULL;
    plan->ninputs = 0;
    plan_clear(&old);
    for (size_t i = 0; !error && (entry = child_of(load, node, i)); i++)
        error = take_input(load, &load->document->inputs[i], entry);
    return error;
}

static int take_key(const struct load *load, const char *key, const yaml_node_t *node)
{
    const struct document *document = load->document;
    struct plan *plan = load->plan;
    if (strcmp(key, "inputs") == 0)
        return take_inputs(load, node);
    if (strcmp(key, "steps") == 0)
        return take_texts(load, node, document->steps, plan_add_step, &plan->steps, &plan->nsteps);
    if (strcmp(key, "roles") == 0)
        return take_texts(load, node, document->roles, plan_add_role, &plan->roles, &plan->nroles);
    if (strcmp(key, "leave_out") == 0)
        return take_texts(load, node, document->leave_out, plan_add_leave_out, &plan->leave_out,
                          &plan->nleave_out);
    if (strcmp(key, "audit") == 0)
        return take_texts(load, node, document->audit, plan_add_audit, &plan->audit, &plan->naudit);
    if (strcmp(key, "detect") == 0)
        return take_detect(load, node);
    const struct row *row = rows;
    while (strcmp(row->key, key) != 0)
        row++;
    return take_value(load, row, node);
}

static int take_keys(const struct load *load)
{
    const yaml_node_t *root = root_of(load), *key;
    int error = 0;
    for (size_t i = 0; !error && root && (key = child_of(load, root, i)); i += 2)
        error = take_key(load, text_of(key), child_of(load, root, i + 1));
    return error;
}

/* A plan without a name is called after its file. */
static int take_default_name(const struct load *load)
{
    const char *slash = strrchr(load->path, '/');
    const char *base = slash ? slash + 1 : load->path;
    const char *dot = strrchr(base, '.');
    if (load->plan->name)
        return 0;
    load->plan->name = strndup(base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
    return load->plan->name ? 0 : -ENOMEM;
}

static int load_text(struct load *load)
{
    int error = tree_load(load);
    if (!error)
        error = document_load(load);
    if (!error)
        error = take_keys(load);
    if (!error)
        error = take_default_name(load);
    if (error == -ENOMEM)
        complain(load, 0, "out of memory");
    return error;
}

static void load_clear(struct load *load)
{
    static const cyaml_config_t config = {.mem_fn = cyaml_mem};
    cyaml_free(&config, &plan_schema, load->document, 0);
    yaml_document_delete(&load->tree);
}

int plan_load(const char *path, struct plan *plan, char *error, size_t error_size)
{
    char *text cleanup_free = NULL;
    size_t size;
    int status = fd_read_file(path, &text, &size);
    if (status < 0) {
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): plans are loaded before there are threads */
        snprintf(error, error_size, "cannot read plan '%s': %s", path, strerror(-status));
        return status;
    }
    struct load load = {path, error, error_size, text, size, .plan = plan};
    char why[512];
    status = load_text(&load);
    if (!status && (status = plan_check(plan, why, sizeof why)) < 0)
        complain(&load, 0, "%s", why);
    load_clear(&load);
    return status;
}
