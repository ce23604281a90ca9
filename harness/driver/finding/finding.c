#include "driver/finding/finding.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/prng.h"
#include "driver/finding/verification.h"

const char *const finding_kind_names[FINDING_KINDS] = {
    [FINDING_HEAP_CORRUPTION] = "heap-corruption",
    [FINDING_USE_AFTER_FREE] = "use-after-free",
    [FINDING_DOUBLE_FREE] = "double-free",
    [FINDING_CRASH] = "crash",
    [FINDING_HANG] = "hang",
    [FINDING_INPUT_MUTATED] = "input-mutated",
    [FINDING_WRONG_RESULT] = "wrong-result",
    [FINDING_EXCEPTION] = "exception",
    [FINDING_REFCOUNT_UNDERFLOW] = "refcount-underflow",
    [FINDING_REFERENCE_LEAK] = "reference-leak",
    [FINDING_MEMORY_GROWTH] = "memory-growth",
    [FINDING_SHUTDOWN_LEAK] = "shutdown-leak",
    [FINDING_DATA_RACE] = "data-race",
    [FINDING_INTERPRETER_FAULT] = "interpreter-fault",
};

const char *const finding_severity_names[SEVERITIES] = {
    [SEVERITY_HIDDEN_MUTATION] = "hidden-mutation",
    [SEVERITY_DATA_RACE] = "data-race",
    [SEVERITY_CRASH] = "crash",
    [SEVERITY_HANG] = "hang",
    [SEVERITY_WRONG_RESULT] = "wrong-result",
    [SEVERITY_EXCEPTION] = "exception",
    [SEVERITY_LEAK] = "leak",
    [SEVERITY_USER_ERROR] = "user-error",
};

static void stack_clear(struct finding_stack *stack)
{
    free(stack->title);
    symbol_stack_free(&stack->stack);
    for (size_t i = 0; i < stack->npython; i++) {
        free(stack->python[i].function);
        free(stack->python[i].file);
    }
    free(stack->python);
}

void finding_free(struct finding *finding)
{
    void *const owned[] = {finding->stacks,  finding->registers, finding->waits,     finding->function,
                           finding->package, finding->message,   finding->statement, finding->input,
                           finding->plan,    finding->log_end,   finding->block,     finding->site,
                           finding->alias,   finding->signature, finding->cause,     finding->behind,
                           finding->reason,  finding->ends};
    for (size_t i = 0; i < finding->nstacks; i++)
        stack_clear(&finding->stacks[i]);
    for (unsigned i = 0; i < finding->nends; i++)
        free(finding->ends[i].inside);
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    strings_free(finding->also_in, finding->nalso_in);
    strings_free(finding->lines, finding->nlines);
    evidence_clear(&finding->evidence);
    free(finding);
}

static void count_child(struct finding *finding, unsigned child)
{
    finding->hit += finding->last_child != child;
    finding->last_child = child;
}

bool finding_is_written_as(const char *signature, const char *written)
{
    while (*signature && (*signature == *written || (*written == '?' && (unsigned char)*signature >= 0x80))) {
        signature++;
        written++;
    }
    return !*signature && !*written;
}

static bool is_taken(const struct finding_list *list, const struct finding *finding)
{
    for (size_t i = 0; i + 1 < list->nkept; i += 2)
        if (strcmp(list->kept[i], finding->id) == 0 &&
            !finding_is_written_as(finding->signature, list->kept[i + 1]))
            return true;
    const struct finding *same = finding_list_find(list, finding->id);
    return same && same != finding;
}

/* Makes an id from the signature: short enough to type, and equal in each run. No two findings of a list share one, nor
 * does one with another signature that an earlier run kept. */
static void make_id(const struct finding_list *list, struct finding *finding)
{
    uint64_t hash = prng_text(finding->signature);
    do {
        snprintf(finding->id, sizeof finding->id, "F%07llx", (unsigned long long)(hash & 0xfffffff));
        hash = prng_mix(hash);
    } while (is_taken(list, finding));
}

bool finding_list_rename(const struct finding_list *list, struct finding *finding)
{
    char former[sizeof finding->former];
    memcpy(former, finding->id, sizeof former);
    make_id(list, finding);
    if (strcmp(former, finding->id) == 0)
        return false;
    memcpy(finding->former, former, sizeof former);
    return true;
}

void finding_sign_by(struct finding *finding, const char *part, size_t length)
{
    char *longer;
    if (asprintf(&longer, "%s|%.*s", finding->signature, (int)length, part) < 0)
        return;
    free(finding->signature);
    finding->signature = longer;
}

bool finding_sign(struct finding *finding)
{
    const struct evidence *evidence = &finding->evidence;
    bool is_call = evidence->call_package && (evidence->blame == BLAME_INTERPRETER || !evidence->package);
    const char *package = is_call ? evidence->call_package : evidence->package;
    const char *function = evidence->function || !is_call ? evidence->function : evidence->call;
    /* Any statement may meet what another one broke. */
    bool is_met =
        (finding->kind <= FINDING_CRASH || finding->kind == FINDING_INPUT_MUTATED) && !finding->block;
    finding->is_signed = true;
    if (is_met ? !evidence->function && !evidence->package : !function && !package && !finding->statement)
        return false;
    if (function && !strstr(finding->signature, function))
        finding_sign_by(finding, function, strlen(function));
    if (package)
        finding_sign_by(finding, package, strcspn(package, " "));
    else if (finding->statement && !strstr(finding->signature, finding->statement))
        finding_sign_by(finding, finding->statement, strlen(finding->statement));
    return true;
}

/* A child's text must not steer the user's terminal. */
void finding_make_printable(char *text, bool has_lines)
{
    for (char *c = text; c && *c; c++)
        if (((unsigned char)*c < ' ' && !(has_lines && *c == '\n')) || *c == 0x7f)
            *c = ' ';
}

struct finding *finding_list_add(struct finding_list *list, struct finding *finding, unsigned child)
{
    if (finding->signature && !finding->is_signed)
        finding_sign(finding);
    for (size_t i = 0; finding->signature && i < list->n; i++) {
        struct finding *known = list->items[i];
        if (strcmp(known->signature, finding->signature) != 0)
            continue;
        known->count += finding->count;
        known->serial |= finding->serial;
        if (known->perturb & ~finding->perturb) { /* the plan that needs less */
            char *plan = known->plan;
            known->plan = finding->plan;
            finding->plan = plan;
            known->perturb &= finding->perturb;
        }
        evidence_merge(&known->evidence, &finding->evidence);
        count_child(known, child);
        finding_free(finding);
        return known;
    }
    if (!finding->signature || !finding->message ||
        list_grow(&list->items, list->n, sizeof *list->items) < 0) {
        finding_free(finding);
        return NULL;
    }
    make_id(list, finding);
    finding->order = list->n;
    finding_make_printable(finding->message, false);
    finding_make_printable(finding->statement, true);
    count_child(finding, child);
    list->items[list->n++] = finding;
    return finding;
}

void finding_list_remove(struct finding_list *list, size_t at)
{
    finding_free(list->items[at]);
    memmove(&list->items[at], &list->items[at + 1], (list->n - at - 1) * sizeof *list->items);
    list->n--;
}

void finding_list_clear(struct finding_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        finding_free(list->items[i]);
    free(list->items);
    strings_free(list->kept, list->nkept);
    *list = (struct finding_list){0};
}

int finding_add_stack(struct finding *finding, char *title, struct symbol_stack stack)
{
    struct finding_stack *added = LIST_ADD(finding->stacks, finding->nstacks);
    if (!added) {
        free(title);
        symbol_stack_free(&stack);
        return -ENOMEM;
    }
    *added =
        (struct finding_stack){.title = title, .stack = stack, .worker = -1, .same_as = finding->nstacks - 1};
    return 0;
}

int finding_add_line(struct finding *finding, char *line)
{
    finding_make_printable(line, false);
    return strings_take(&finding->lines, &finding->nlines, line);
}

bool finding_is_users(const struct finding *finding)
{
    const struct verification *found = finding->verification;
    bool lower =
        found && found->again.hit > 0 && !finding->serial && verification_rung(found) <= RUNG_READONLY;
    return finding->evidence.users && !lower;
}

struct suspect finding_suspect(const struct finding *finding)
{
    const struct evidence *evidence = &finding->evidence;
    struct suspect suspect = {evidence->blame, evidence->function, evidence->package};
    if (finding_is_users(finding)) {
        suspect.blame = BLAME_USER;
        return suspect;
    }
    /* The interpreter may only meet what the package broke before. On one thread there is no other suspect. */
    if (suspect.blame == BLAME_INTERPRETER && evidence->call_package && !evidence->library)
        suspect = finding->serial ? (struct suspect){BLAME_TARGET, evidence->call, evidence->call_package}
                                  : (struct suspect){BLAME_UNKNOWN, NULL, NULL};
    /* A result has no stack: the call that returned it is named. */
    bool returned = finding->kind == FINDING_WRONG_RESULT || finding->kind == FINDING_EXCEPTION;
    if (returned && suspect.blame == BLAME_TARGET && !suspect.function && !suspect.package)
        suspect = (struct suspect){BLAME_TARGET, evidence->call, evidence->call_package};
    if (suspect.blame == BLAME_UNKNOWN && evidence->alone)
        suspect = (struct suspect){BLAME_INTERPRETER, NULL, NULL};
    return suspect;
}

struct finding *finding_list_only(const struct finding_list *list, enum severity severity, size_t *ret_n)
{
    struct finding *found = NULL;
    *ret_n = 0;
    for (size_t i = 0; i < list->n; i++)
        if (list->items[i]->severity == severity) {
            found = list->items[i];
            ++*ret_n;
        }
    return *ret_n == 1 ? found : NULL;
}

struct finding *finding_list_find(const struct finding_list *list, const char *id)
{
    for (size_t i = 0; id && i < list->n; i++)
        if (strcmp(list->items[i]->id, id) == 0)
            return list->items[i];
    for (size_t i = 0; id && *id && i < list->n; i++)
        if (strcmp(list->items[i]->former, id) == 0)
            return list->items[i];
    return NULL;
}

/* Consequences come last. */
static int weight(const struct finding *finding)
{
    return (int)finding->severity + (finding->cause ? SEVERITIES : 0);
}

static int compare(const void *a, const void *b)
{
    const struct finding *one = *(struct finding *const *)a, *other = *(struct finding *const *)b;
    int by_weight = weight(one) - weight(other);
    return by_weight ? by_weight : (one->order > other->order) - (one->order < other->order);
}

void finding_list_sort(struct finding_list *list)
{
    if (list->n > 1)
        qsort(list->items, list->n, sizeof *list->items, compare);
}
