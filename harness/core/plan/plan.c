#include "core/plan/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/list.h"
#include "base/prng.h"
#include "base/text.h"
#include "core/plan/detector_list.h"
#include "core/plan/guard_option.h"
#include "core/plan/plan_key.h"

static const char *const keywords[] = {
    "False", "None",     "True",  "and",    "as",   "assert", "async",  "await",    "break",
    "class", "continue", "def",   "del",    "elif", "else",   "except", "finally",  "for",
    "from",  "global",   "if",    "import", "in",   "is",     "lambda", "nonlocal", "not",
    "or",    "pass",     "raise", "return", "try",  "while",  "with",   "yield",
};

/* The child sets these names in the namespace of the steps. */
static const char *const taken_names[] = {"thread_index", "iteration_index"};

#define COUNT(array) (sizeof(array) / sizeof *(array))

void plan_init(struct plan *plan)
{
    *plan = (struct plan){
        .threads = 8,
        .time = 10 * CLOCK_SECOND,
        .share = RUNG_READONLY,
        .detect = DETECTOR_DEFAULT,
    };
}

void plan_clear(struct plan *plan)
{
    for (const struct plan_key *key = plan_keys; key->name; key++)
        plan_key_clear(key, plan);
    *plan = (struct plan){0};
}

uint64_t plan_input_stream(const struct plan *plan, size_t input)
{
    return prng_text(plan->inputs[input].name);
}

int plan_add_input(struct plan *plan, const char *name, const char *recipe)
{
    if (plan->ninputs >= PLAN_INPUTS_MAX)
        return -E2BIG;
    struct plan_input input = {strdup(name), strdup(recipe)};
    if (!input.name || !input.recipe || list_grow(&plan->inputs, plan->ninputs, sizeof input) < 0) {
        plan_input_clear(&input);
        return -ENOMEM;
    }
    plan->inputs[plan->ninputs++] = input;
    return 0;
}

int plan_add_text(char ***texts, unsigned *n, const char *text)
{
    size_t count = *n;
    if (count >= PLAN_STEPS_MAX)
        return -E2BIG;
    int error = strings_add(texts, &count, text);
    *n = (unsigned)count;
    return error;
}

uint64_t plan_perturb_seed(const struct plan *plan)
{
    return plan->draw ? prng_mix(plan->seed ^ prng_mix(plan->draw)) : plan->seed;
}

bool plan_is_private(const struct plan *plan, const char *name)
{
    const char *at = plan->private ? plan->private : "";
    for (size_t length; (length = text_next_name(&at)) > 0; at += length)
        if (strcspn(name, ".[") == length && memcmp(at, name, length) == 0)
            return true;
    return false;
}

bool plan_names_class(const char *class, const char *declared, size_t length)
{
    const char *dot = memrchr(declared, '.', length), *last = strrchr(class, '.');
    const char *name = dot ? dot + 1 : declared, *full = last ? last + 1 : class;
    const char *module = last ? class : "builtins.";
    size_t rest = length - (size_t)(name - declared), first = strcspn(module, ".") + 1;
    if (strlen(full) != rest || memcmp(full, name, rest) != 0)
        return false;
    return !dot || (first <= length && memcmp(module, declared, first) == 0);
}

bool plan_declares(const struct plan *plan, const char *class)
{
    for (unsigned i = 0; i < plan->nraises; i++) {
        const char *at = plan->raises[i];
        for (size_t length; (length = text_next_name(&at)) > 0; at += length)
            if (plan_names_class(class, at, length))
                return true;
    }
    return false;
}

/* In the checks of plan_check: writes the sentence, returns -EINVAL. */
#define REFUSE(...) fail(-EINVAL, error, size, __VA_ARGS__)

static bool is_one_of(const char *word, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

static bool is_identifier(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return *text != '\0' && !(*text >= '0' && *text <= '9') && text[strspn(text, letters)] == '\0';
}

static bool is_blank(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static int check_lists(const struct plan *plan, char *error, size_t size)
{
    for (const struct plan_key *key = plan_keys; key->name; key++) {
        unsigned *n = NULL;
        char **texts = key->kind == PLAN_LIST ? *plan_key_list(key, (struct plan *)plan, &n) : NULL;
        for (unsigned i = 0; texts && i < *n; i++)
            if (is_blank(texts[i]))
                return REFUSE("entry %u of %s is empty: write a statement or leave it out", i + 1, key->name);
    }
    return 0;
}

static int check_input_name(const char *name, char *error, size_t size)
{
    if (!*name)
        return REFUSE("an input has no name: give it one");
    if (!is_identifier(name))
        return REFUSE("input name '%s' is not an identifier: use ASCII letters, digits and _, no digit first",
                      name);
    if (is_one_of(name, keywords, COUNT(keywords)))
        return REFUSE("input name '%s' is a Python keyword: choose another", name);
    if (is_one_of(name, taken_names, COUNT(taken_names)))
        return REFUSE("input name '%s' is set by ftstress itself: choose another", name);
    return 0;
}

/* The recipe before the name: plan_load chooses the line to name by whether the recipe parses. */
static int check_input(const struct plan *plan, unsigned i, char *error, size_t size)
{
    const struct plan_input *input = &plan->inputs[i];
    struct recipe recipe;
    char why[256];
    int status = recipe_parse(input->recipe, &recipe, why, sizeof why);
    if (status < 0)
        return fail(status, error, size, "input '%s': %s", input->name, why);
    status = check_input_name(input->name, error, size);
    for (unsigned j = 0; j < i && !status; j++)
        if (strcmp(plan->inputs[j].name, input->name) == 0)
            status = REFUSE("two inputs are named '%s': rename one", input->name);
    return status;
}

static int check_private(const struct plan *plan, char *error, size_t size)
{
    const char *at = plan->private ? plan->private : "";
    for (size_t length; (length = text_next_name(&at)) > 0; at += length) {
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)length, at);
        if (!is_identifier(name) || is_one_of(name, keywords, COUNT(keywords)))
            return REFUSE("private: '%s' is no name; write names, separated by commas", name);
    }
    return 0;
}

static int check_raises(const struct plan *plan, char *error, size_t size)
{
    for (unsigned i = 0; i < plan->nraises; i++) {
        const char *at = plan->raises[i];
        for (size_t length; (length = text_next_name(&at)) > 0; at += length) {
            char name[128];
            snprintf(name, sizeof name, "%.*s", (int)length, at);
            for (char *rest = name, *part; (part = strsep(&rest, "."));)
                if (!is_identifier(part))
                    return REFUSE(
                        "raises: '%.*s' is no class; write names of exceptions, separated by commas",
                        (int)length, at);
        }
    }
    return 0;
}

static int check_inputs(const struct plan *plan, char *error, size_t size)
{
    int status = 0;
    for (unsigned i = 0; i < plan->ninputs && !status; i++)
        status = check_input(plan, i, error, size);
    return status;
}

static int check_something_to_run(const struct plan *plan, char *error, size_t size)
{
    const char *given[3];
    unsigned n = 0;
    if (plan->native && *plan->native)
        given[n++] = "native";
    if (plan->nsteps > 0)
        given[n++] = "steps";
    if (plan->nroles > 0)
        given[n++] = "roles";
    if (n == 0)
        return REFUSE("there is nothing to run: give one of native, steps and roles");
    if (plan->native && *plan->native && plan->fresh)
        return REFUSE("native and new cannot go together: a native step brings what it needs itself");
    if (n > 1)
        return REFUSE("%s and %s cannot go together: keep one of native, steps and roles", given[0],
                      given[1]);
    return 0;
}

static int check_bounds(const struct plan *plan, char *error, size_t size)
{
    if (!plan->name || is_blank(plan->name))
        return REFUSE("the plan has no name: give it one");
    if (plan->threads < 1 || plan->threads > PLAN_THREADS_MAX)
        return REFUSE("threads must be from 1 to %d, not %" PRIu32, PLAN_THREADS_MAX, plan->threads);
    if (plan->time == 0 && plan->iterations == 0)
        return REFUSE("nothing ends the run: give time or iterations");
    if (strpbrk(plan->name, "\r\n"))
        return REFUSE("name must be one line: take the line breaks out");
    if (plan->about && strpbrk(plan->about, "\r\n"))
        return REFUSE("about must be one line: take the line breaks out");
    return 0;
}

static int check_settings(const struct plan *plan, char *error, size_t size)
{
    struct guard_option option;
    char why[256];
    if (guard_option_parse(plan->guard, &option, why, sizeof why) < 0)
        return REFUSE("guard: %s", why);
    if (plan->under && strcmp(plan->under, PLAN_TOOL) != 0)
        return REFUSE("under: there is no tool '%s'; write " PLAN_TOOL, plan->under);
    return 0;
}

static int check_outcome(const struct plan *plan, char *error, size_t size)
{
    if (!plan->outcome && (plan->state || plan->check))
        return REFUSE("%s is for a plan with outcome: add outcome (--outcome)",
                      plan->state ? "state" : "check");
    if (!plan->outcome)
        return 0;
    if (plan->native && *plan->native)
        return REFUSE("outcome and native cannot go together: give roles");
    if (plan->share == RUNG_PRIVATE || plan->private || plan->nleave_out)
        return REFUSE("outcome compares what roles do to objects that they share: leave out %s",
                      plan->nleave_out ? "leave_out" : "private");
    return 0;
}

int plan_settle_outcome(struct plan *plan, bool gave_threads, char *error, size_t error_size)
{
    uint32_t roles = plan->nroles > 1 ? plan->nroles : 2, most = PLAN_OUTCOME_ROLES_MAX;
    bool fits = plan->nroles > 1 ? plan->threads == roles : plan->threads >= 2 && plan->threads <= most;
    if (!plan->outcome)
        return 0;
    if (plan->nroles > most)
        return fail(-EINVAL, error, error_size, "outcome is for 2 to %u roles, not %u; leave some out", most,
                    plan->nroles);
    if (gave_threads && !fits)
        return fail(-EINVAL, error, error_size,
                    "outcome has one thread for each role, and 2 to %u for one statement, not %" PRIu32
                    "; leave out threads",
                    most, plan->threads);
    if (!gave_threads && !fits)
        plan->threads = roles;
    return 0;
}

int plan_check(const struct plan *plan, char *error, size_t error_size)
{
    static int (*const checks[])(const struct plan *plan, char *error, size_t size) = {
        check_bounds, check_settings, check_private,          check_raises,
        check_inputs, check_lists,    check_something_to_run, check_outcome};
    int status = 0;
    for (size_t i = 0; i < COUNT(checks) && !status; i++)
        status = checks[i](plan, error, error_size);
    return status;
}
