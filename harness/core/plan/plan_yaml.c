/* YAML to plans. The keys are read in the file's order and the plan is checked after each value, so that a complaint
 * belongs to the line of the value just read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/text.h"
#include "core/plan/plan_key.h"
#include "core/plan/yaml_file.h"

struct load {
    struct yaml_file file;
    struct plan *plan;
};

/* The keys of one entry of `inputs`. */
enum { INPUT_NAME, INPUT_RECIPE, INPUT_KEYS };
static const struct plan_key input_keys[] = {
    [INPUT_NAME] = {.name = "name"},
    [INPUT_RECIPE] = {.name = "recipe"},
    [INPUT_KEYS] = {.name = NULL},
};

/* Finds the row of the mapping's key number i: a word, in the table, and given once. Returns NULL after a complaint. */
static const struct plan_key *find_key(const struct load *load, const yaml_node_t *mapping, size_t i,
                                       const struct plan_key *keys)
{
    const char *name = yaml_file_text(yaml_file_child(&load->file, mapping, 2 * i));
    const struct plan_key *key = keys;
    char names[256] = "";
    for (; key->name && strcmp(key->name, name) != 0; key++)
        text_add(names, sizeof names, ", ", "%s", key->name);
    return yaml_file_check_key(&load->file, mapping, i, key->name ? NULL : names,
                               keys == input_keys ? " in an input" : "") < 0
               ? NULL
               : key;
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
        yaml_file_complain(&load->file, line, "%s", why);
    return error;
}

/* Checks an entry that plan_add_* has just added, or failed to add. */
static int check_added(const struct load *load, int added, size_t line)
{
    if (added == -E2BIG)
        return yaml_file_complain(&load->file, line,
                                  "at most %d inputs, %d steps, roles, audits or raises: take some out",
                                  PLAN_INPUTS_MAX, PLAN_STEPS_MAX);
    return added < 0 ? added : check_so_far(load, line);
}

static int take_entry(const struct load *load, const struct plan_key *key, const yaml_node_t *node)
{
    unsigned *n;
    char ***list = plan_key_list(key, load->plan, &n);
    if (node->type != YAML_SCALAR_NODE)
        return yaml_file_complain(&load->file, yaml_file_line(node),
                                  "an entry of %s must be text, not %s: put it in quotes or after '|'",
                                  key->name, yaml_file_kind(node));
    return check_added(load, plan_add_text(list, n, yaml_file_text(node)), yaml_file_line(node));
}

/* A value that is not there is the mapping itself: no text, and the line to name. */
static int take_input(const struct load *load, const yaml_node_t *node)
{
    const yaml_node_t *values[INPUT_KEYS] = {node, node};
    struct recipe recipe;
    char why[256];
    int error = 0;
    if (node->type != YAML_MAPPING_NODE)
        return yaml_file_complain(
            &load->file, yaml_file_line(node),
            "an input must be a mapping, not %s: write '- {name: a, recipe: \"f8[20]\"}'",
            yaml_file_kind(node));
    for (size_t i = 0; !error && yaml_file_child(&load->file, node, 2 * i); i++) {
        const yaml_node_t *value = yaml_file_child(&load->file, node, 2 * i + 1);
        const struct plan_key *key = find_key(load, node, i, input_keys);
        error = key ? yaml_file_check_single(&load->file, key->name, value) : -EINVAL;
        if (!error)
            values[key - input_keys] = value;
    }
    if (error)
        return error;
    const char *name = yaml_file_text(values[INPUT_NAME]), *text = yaml_file_text(values[INPUT_RECIPE]);
    bool is_good = recipe_parse(text, &recipe, why, sizeof why) == 0;
    return check_added(load, plan_add_input(load->plan, name, text),
                       yaml_file_line(values[is_good ? INPUT_NAME : INPUT_RECIPE]));
}

/* Replaces the entries that the plan had with those of the file. */
static int take_list(const struct load *load, const struct plan_key *key, const yaml_node_t *node)
{
    const yaml_node_t *entry;
    int error = 0;
    if (node->type != YAML_SEQUENCE_NODE)
        return yaml_file_complain(&load->file, yaml_file_line(node),
                                  "%s must be a list, not %s: begin each entry with '- '", key->name,
                                  yaml_file_kind(node));
    plan_key_clear(key, load->plan);
    for (size_t i = 0; !error && (entry = yaml_file_child(&load->file, node, i)); i++) {
        if (entry == node)
            error = yaml_file_complain(&load->file, yaml_file_line(entry),
                                       "this holds itself: take the alias out");
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
    int error = yaml_file_check_single(&load->file, key->name, node);
    if (error)
        return error;
    error = plan_key_read(key, yaml_file_text(node), load->plan, why, sizeof why);
    if (error == -EINVAL)
        return yaml_file_complain(&load->file, yaml_file_line(node), "%s: %s", key->name, why);
    return error < 0 ? error : check_so_far(load, yaml_file_line(node));
}

static int take_plan(const struct load *load)
{
    const yaml_node_t *root = yaml_file_root(&load->file);
    int error = 0;
    if (root && root->type != YAML_MAPPING_NODE)
        return yaml_file_complain(&load->file, yaml_file_line(root),
                                  "a plan is a mapping, not %s: write lines of 'key: value'",
                                  yaml_file_kind(root));
    for (size_t i = 0; !error && root && yaml_file_child(&load->file, root, 2 * i); i++) {
        const struct plan_key *key = find_key(load, root, i, plan_keys);
        error = key ? take_value(load, key, yaml_file_child(&load->file, root, 2 * i + 1)) : -EINVAL;
    }
    return error;
}

/* Makes the path of a native library, which is relative to the plan, an absolute one. */
static int resolve_native(const char *path, struct plan *plan)
{
    if (!plan->native || plan->native[0] == '/' || !strchr(plan->native, '/'))
        return 0;
    const char *slash = strrchr(path, '/');
    char *joined;
    if (asprintf(&joined, "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, plan->native) < 0)
        return -ENOMEM;
    char *whole = realpath(joined, NULL);
    free(plan->native);
    plan->native = whole ? whole : joined;
    free(whole ? joined : NULL);
    return 0;
}

int plan_load(const char *path, struct plan *plan, char *error, size_t error_size)
{
    char why[512];
    struct load load = {{.path = path, .what = "plan", .error = error, .error_size = error_size}, plan};
    int status = yaml_file_open(&load.file);
    if (!status)
        status = take_plan(&load);
    if (!status)
        status = resolve_native(path, plan);
    const char *base = path_base(path), *dot = strrchr(base, '.');
    if (!status && !plan->name) {
        plan->name = strndup(base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
        status = plan->name ? 0 : -ENOMEM;
    }
    if (!status && (status = plan_check(plan, why, sizeof why)) < 0)
        yaml_file_complain(&load.file, 0, "%s", why);
    if (status == -ENOMEM)
        yaml_file_complain(&load.file, 0, "out of memory");
    yaml_file_close(&load.file);
    return status;
}
