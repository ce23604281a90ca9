#include "driver/mode/member.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

static bool is_name(const struct member *member, const char *name, size_t length)
{
    return strlen(member->name) == length && memcmp(member->name, name, length) == 0;
}

bool member_are_named(const struct member_set *set, const struct plan *plan)
{
    const char *at = plan->members ? plan->members : "";
    return set->is_named && text_next_name(&at) > 0;
}

bool member_has_turns(const struct member_set *set, const struct member *member, const struct plan *plan)
{
    const char *at = plan->members ? plan->members : "";
    if (!member_are_named(set, plan))
        return true;
    for (size_t length; (length = text_next_name(&at)) > 0; at += length)
        if (is_name(member, at, length))
            return true;
    return false;
}

int member_check(const struct member_set *set, const struct plan *plan, struct sentence *error)
{
    const char *at = set->is_named && plan->members ? plan->members : "";
    char names[256] = "";
    for (size_t i = 0; i < set->n; i++)
        text_add(names, sizeof names, ", ", "%s", set->members[i].name);
    for (size_t length; (length = text_next_name(&at)) > 0; at += length) {
        bool known = false;
        for (size_t i = 0; i < set->n; i++)
            known |= is_name(&set->members[i], at, length);
        if (known)
            continue;
        sentence_fail(-EINVAL, error, "", "members: no kind of child is named '%.*s'", (int)length, at);
        sentence_set_remedy(error, "give some of %s", names);
        return -EINVAL;
    }
    return 0;
}
