#include "driver/log/suppression.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/list.h"
#include "base/text.h"

/* The comments above a rule. */
struct remark {
    char *link, *version, *why;
    bool used; /* a rule followed: the next comment starts a new remark */
};

struct loader {
    const char *path;
    unsigned line;
    const struct suppression_defaults *defaults;
    struct suppression_list *list;
    struct remark remark;
    struct sentence *error;
};

static void remark_clear(struct remark *remark)
{
    free(remark->link);
    free(remark->version);
    free(remark->why);
    *remark = (struct remark){0};
}

static const char *after(const char *line, const char *key)
{
    size_t length = strlen(key);
    return strncmp(line, key, length) == 0 ? line + length + strspn(line + length, " ") : NULL;
}

static void take_comment(struct remark *remark, const char *line)
{
    const char *value, *url = strstr(line, "https://");
    if (remark->used)
        remark_clear(remark);
    line += strspn(line, "# ");
    if ((value = after(line, "version:")))
        text_join(&remark->version, " ", value);
    else if ((value = after(line, "link:")))
        text_join(&remark->link, " ", value);
    else if (*line)
        text_join(&remark->why, " ", line);
    if (url && !remark->link)
        remark->link = strndup(url, strcspn(url, " )"));
}

static char *or_default(const char *text, const char *fallback)
{
    return text ? strdup(text) : fallback ? strdup(fallback) : NULL;
}

static const char *const types[] = {"race", "race_top", "thread", "mutex"};

static bool is_type(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strlen(types[i]) == length && memcmp(types[i], text, length) == 0)
            return true;
    return false;
}

static void suppression_clear(struct suppression *rule)
{
    free(rule->type);
    free(rule->pattern);
    free(rule->link);
    free(rule->version);
    free(rule->why);
    free(rule->where);
}

static int add(struct loader *loader, struct suppression *rule)
{
    struct suppression_list *list = loader->list;
    bool whole = rule->type && rule->pattern && rule->where;
    if (whole && list_grow(&list->items, list->n, sizeof *rule) == 0) {
        list->items[list->n++] = *rule;
        return 0;
    }
    suppression_clear(rule);
    return sentence_fail(-ENOMEM, loader->error, "", "no memory");
}

static int take_rule(struct loader *loader, const char *line)
{
    const char *colon = strchr(line, ':');
    size_t length = colon ? (size_t)(colon - line) : 0;
    if (!colon || !is_type(line, length) || !colon[1])
        return sentence_fail(
            -EINVAL, loader->error, "correct it or leave it out",
            "%s:%u: '%.60s' is not TYPE:PATTERN with a type of race, race_top, thread, mutex", loader->path,
            loader->line, line);
    struct remark *remark = &loader->remark;
    struct suppression rule = {.type = strndup(line, length),
                               .pattern = strdup(colon + 1),
                               .link = or_default(remark->link, loader->defaults->link),
                               .version = or_default(remark->version, loader->defaults->version),
                               .why = or_default(remark->why, loader->defaults->why),
                               .theirs = loader->defaults->why != NULL};
    remark->used = true;
    if (!rule.link || !rule.version || !rule.why) {
        suppression_clear(&rule);
        return sentence_fail(
            -EINVAL, loader->error, "write it above as a comment (# link: …, # version: …, a sentence)",
            "%s:%u: the suppression '%.60s' does not state %s", loader->path, loader->line, line,
            !remark->link      ? "where the race is discussed"
            : !remark->version ? "which versions have it"
                               : "why");
    }
    if (asprintf(&rule.where, "%s:%u", loader->path, loader->line) < 0)
        rule.where = NULL;
    return add(loader, &rule);
}

static int take_line(struct loader *loader, char *line)
{
    line += strspn(line, " \t");
    line[strcspn(line, "\r")] = '\0';
    if (*line == '#') {
        take_comment(&loader->remark, line);
        return 0;
    }
    if (*line)
        return take_rule(loader, line);
    remark_clear(&loader->remark);
    return 0;
}

int suppression_load(const char *path, const struct suppression_defaults *defaults,
                     struct suppression_list *list, struct sentence *error)
{
    struct loader loader = {.path = path, .defaults = defaults, .list = list, .error = error};
    cleanup_free char *text = NULL;
    int result = fd_read_file(path, &text, NULL);
    if (result < 0)
        return sentence_fail(result, error, "name a file of suppressions that is there", "cannot read %s: %s",
                             path, strerror(-result));
    for (char *rest = text, *line; result == 0 && (line = strsep(&rest, "\n"));) {
        loader.line++;
        result = take_line(&loader, line);
    }
    remark_clear(&loader.remark);
    return result;
}

/* Does the text begin with the pattern? */
static bool matches_at(const char *pattern, const char *text)
{
    for (; *pattern; pattern++) {
        if (*pattern == '$' && !pattern[1])
            return *text == '\0';
        if (*pattern == '*') {
            for (pattern++;; text++) {
                if (matches_at(pattern, text))
                    return true;
                if (!*text)
                    return false;
            }
        }
        if (*pattern != *text++)
            return false;
    }
    return true;
}

bool suppression_matches(const char *pattern, const char *text)
{
    if (!text)
        return false;
    if (*pattern == '^')
        return matches_at(pattern + 1, text);
    for (;; text++) {
        if (matches_at(pattern, text))
            return true;
        if (!*text)
            return false;
    }
}

static bool matches_stack(const struct suppression *rule, const struct symbol_stack *stack, size_t most)
{
    for (size_t i = 0; i < stack->nframes && i < most; i++) {
        const struct symbol_frame *frame = &stack->frames[i];
        if (suppression_matches(rule->pattern, frame->function) ||
            suppression_matches(rule->pattern, frame->file) ||
            suppression_matches(rule->pattern, frame->module))
            return true;
    }
    return false;
}

/* Does a suppression of this type match parts of this role? */
static bool applies(const struct suppression *rule, const struct tsan_part *part)
{
    static const enum tsan_role roles[] = {TSAN_ACCESS, TSAN_ACCESS, TSAN_THREAD, TSAN_MUTEX};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(rule->type, types[i]) == 0)
            return part->role == roles[i];
    return false;
}

/* Rules for threads and mutexes are for leaks and misuse, not for races. */
static bool is_about(const struct suppression *rule, const struct tsan_report *report)
{
    bool race = strncmp(rule->type, "race", 4) == 0;
    return race ? tsan_report_access(report, 0) != NULL : strstr(report->kind, rule->type) != NULL;
}

struct suppression *suppression_find(const struct suppression_list *list, const struct tsan_report *report)
{
    for (size_t i = 0; i < list->n; i++) {
        struct suppression *rule = &list->items[i];
        size_t most = strcmp(rule->type, "race_top") == 0 ? 1 : SIZE_MAX;
        if (!is_about(rule, report))
            continue;
        for (size_t k = 0; k < report->nparts; k++)
            if (applies(rule, &report->parts[k]) && matches_stack(rule, &report->parts[k].stack, most))
                return rule;
    }
    return NULL;
}

void suppression_list_clear(struct suppression_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        suppression_clear(&list->items[i]);
    free(list->items);
    *list = (struct suppression_list){0};
}
