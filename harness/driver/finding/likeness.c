#include "driver/finding/likeness.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"

/* Removes a part of a signature, as often as it is there. Returns true where it was. */
static bool remove_part(char *signature, const char *part)
{
    size_t length = part ? strlen(part) : 0;
    bool was = false;
    for (char *at = length ? strchr(signature, '|') : NULL; at;) {
        if (strncmp(at + 1, part, length) == 0 && (at[1 + length] == '|' || !at[1 + length])) {
            memmove(at, at + 1 + length, strlen(at + 1 + length) + 1);
            was = true;
        } else
            at++;
        at = strchr(at, '|');
    }
    return was;
}

/* Returns true where one of the statements was there. */
static bool remove_statements(char *signature, const struct plan *plan, const char *but)
{
    char *const *lists[] = {plan->steps, plan->roles, &plan->native};
    const unsigned counts[] = {plan->nsteps, plan->nroles, plan->native != NULL};
    bool was = false;
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
        for (unsigned i = 0; i < counts[k]; i++)
            if (!but || strcmp(lists[k][i], but) != 0)
                was |= remove_part(signature, lists[k][i]);
    return was;
}

int likeness_init(struct likeness *like, const char *signature, const char *statement,
                  const struct plan *plan)
{
    *like = (struct likeness){.key = strdup(signature), .statement = statement};
    if (!like->key)
        return -ENOMEM;
    bool by_plan = remove_statements(like->key, plan, statement);
    like->needs_statement = remove_part(like->key, statement) && !by_plan;
    return 0;
}

void likeness_clear(struct likeness *like)
{
    free(like->key);
    like->key = NULL;
}

/* A loss in an iteration of several statements has no function; with one statement left, its call is known. */
static bool is_named_now(const struct likeness *like, const struct finding *finding, const char *key)
{
    size_t length = strlen(like->key);
    return DETECTOR_BIT(finding->detector) & DETECTOR_COUNTERS && strncmp(key, like->key, length) == 0 &&
           key[length] == '|';
}

static bool is_alike(const struct likeness *like, const struct finding *finding, const struct plan *plan,
                     char *key)
{
    if (like->needs_statement && (!finding->statement || strcmp(finding->statement, like->statement) != 0))
        return false;
    remove_statements(key, plan, NULL);
    remove_part(key, finding->statement);
    return strcmp(key, like->key) == 0 || is_named_now(like, finding, key);
}

bool likeness_holds(const struct likeness *like, const struct finding *finding, const struct plan *plan)
{
    cleanup_free char *key = strdup(finding->signature);
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
    return key && like->key && is_alike(like, finding, plan, key);
}
