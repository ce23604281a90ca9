#include "driver/log/suppression.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/list.h"
#include "base/text.h"

static const struct {
    const char *name;
    enum tsan_role role; /* of the parts of a report that it matches */
} types[] = {
    {"race", TSAN_ACCESS}, {"race_top", TSAN_ACCESS}, {"thread", TSAN_THREAD}, {"mutex", TSAN_MUTEX}};

struct loader {
    const char *path;
    unsigned line;
    const struct suppression_defaults *defaults;
    struct suppression_list *list;
    struct suppression remark; /* link, version and why, from the comments above a rule */
    bool used;                 /* a rule followed: the next comment starts a new remark */
    struct sentence *error;
};

static void suppression_clear(struct suppression *rule)
{
    free(rule->type);
    free(rule->pattern);
    free(rule->link);
    free(rule->version);
    free(rule->why);
    free(rule->where);
    *rule = (struct suppression){0};
}

static const char *after(const char *line, const char *key)
{
    size_t length = strlen(key);
    return strncmp(line, key, length) == 0 ? line + length + strspn(line + length, " ") : NULL;
}

static void take_comment(struct loader *loader, const char *line)
{
    struct suppression *remark = &loader->remark;
    const char *value, *url = strstr(line, "https://");
    if (loader->used)
        suppression_clear(remark);
    loader->used = false;
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

static int add(struct loader *loader, struct suppression *rule)
{
    struct suppression_list *list = loader->list;
    bool whole = rule->type && rule->pattern && rule->where && rule->link && rule->version && rule->why;
    if (whole && list_grow(&list->items, list->n, sizeof *rule) == 0) {
        list->items[list->n++] = *rule;
        return 0;
    }
    suppression_clear(rule);
    return sentence_fail(-ENOMEM, loader->error, "", "no memory");
}

static int take_rule(struct loader *loader, const char *line)
{
    const struct suppression *remark = &loader->remark;
    const struct suppression_defaults *defaults = loader->defaults;
    size_t length = strcspn(line, ":"), type = 0, ntypes = sizeof types / sizeof *types;
    while (type < ntypes &&
           (strlen(types[type].name) != length || strncmp(types[type].name, line, length) != 0))
        type++;
    if (type == ntypes || !line[length] || !line[length + 1])
        return sentence_fail(
            -EINVAL, loader->error, "correct it or leave it out",
            "%s:%u: '%.60s' is not TYPE:PATTERN with a type of race, race_top, thread, mutex", loader->path,
            loader->line, line);
    const char *link = remark->link ? remark->link : defaults->link;
    const char *version = remark->version ? remark->version : defaults->version;
    const char *why = remark->why ? remark->why : defaults->why;
    loader->used = true;
    if (!link || !version || !why)
        return sentence_fail(
            -EINVAL, loader->error, "write it above as a comment (# link: …, # version: …, a sentence)",
            "%s:%u: the suppression '%.60s' does not state %s", loader->path, loader->line, line,
            !remark->link      ? "where the race is discussed"
            : !remark->version ? "which versions have it"
                               : "why");
    struct suppression rule = {.type = strdup(types[type].name),
                               .role = types[type].role,
                               .pattern = strdup(line + length + 1),
                               .link = strdup(link),
                               .version = strdup(version),
                               .why = strdup(why),
                               .theirs = defaults->why != NULL};
    if (asprintf(&rule.where, "%s:%u", loader->path, loader->line) < 0)
        rule.where = NULL;
    return add(loader, &rule);
}

static int take_line(struct loader *loader, char *line)
{
    line += strspn(line, " \t");
    line[strcspn(line, "\r")] = '\0';
    if (*line == '#') {
        take_comment(loader, line);
        return 0;
    }
    if (*line)
        return take_rule(loader, line);
    suppression_clear(&loader->remark);
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
    suppression_clear(&loader.remark);
    return result;
}

/* Does the text begin with the pattern? */
static bool matches_at(const char *pattern, const char *text)
{
    if (*pattern == '\0')
        return true;
    if (*pattern == '$' && !pattern[1])
        return *text == '\0';
    if (*pattern == '*')
        return matches_at(pattern + 1, text) || (*text && matches_at(pattern, text + 1));
    return *pattern == *text && matches_at(pattern + 1, text + 1);
}

bool suppression_matches(const char *pattern, const char *text)
{
    if (!text)
        return false;
    if (*pattern == '^')
        return matches_at(pattern + 1, text);
    while (!matches_at(pattern, text))
        if (!*text++)
            return false;
    return true;
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

struct suppression *suppression_find(const struct suppression_list *list, const struct tsan_report *report)
{
    for (size_t i = 0; i < list->n; i++) {
        struct suppression *rule = &list->items[i];
        size_t most = strcmp(rule->type, "race_top") == 0 ? 1 : SIZE_MAX;
        /* Rules for threads and mutexes are for leaks and misuse, not for races. */
        if (rule->role == TSAN_ACCESS ? !tsan_report_part(report, TSAN_ACCESS, 0)
                                      : !strstr(report->kind, rule->type))
            continue;
        for (size_t k = 0; k < report->nparts; k++)
            if (rule->role == report->parts[k].role && matches_stack(rule, &report->parts[k].stack, most))
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
