#include "driver/fuzz/fuzz_need.h"

#include <string.h>

#include "driver/finding/verification.h"
#include "driver/report/document.h"

static struct trials trials_of(const json_t *json, const char *key)
{
    const json_t *trials = json_object_get(json, key);
    return (struct trials){.hit = (unsigned)document_number(trials, "hit"),
                           .of = (unsigned)document_number(trials, "of")};
}

/* Trials name what a statement calls, "numpy.repeat", and where that is not certain the statement itself. */
static bool is_call_of(const char *name, const char *statement)
{
    size_t length = strlen(name);
    return length > 0 && strncmp(name, statement, length) == 0 &&
           (statement[length] == '(' || statement[length] == '\0');
}

/* Were all trials made without the statement, because another finding is in it? */
static bool is_left_out(const json_t *verification, const char *statement)
{
    static const char separator[] = "; ";
    const char *at = document_text(verification, "left_out");
    size_t length = strlen(statement);
    for (; at; at = strstr(at, separator), at += at ? sizeof separator - 1 : 0)
        if (strncmp(at, statement, length) == 0 &&
            (at[length] == '\0' || strncmp(at + length, separator, sizeof separator - 1) == 0))
            return true;
    return false;
}

static enum need need_in(const json_t *verification, const char *statement)
{
    const struct verification found = {.again = trials_of(verification, "again")};
    size_t i;
    const json_t *knock_out;
    if (found.again.hit > 0 && is_left_out(verification, statement))
        return NEED_NONE;
    json_array_foreach (json_object_get(verification, "knock_outs"), i, knock_out) {
        struct trials trials = trials_of(knock_out, "trials");
        if (!is_call_of(document_text(knock_out, "without"), statement))
            continue;
        if (trials.hit > 0)
            return NEED_NONE;
        return verification_is_telling(&found, &trials) ? NEED_CALL : NEED_UNKNOWN;
    }
    return NEED_UNKNOWN;
}

enum need need_of(const json_t *report, const json_t *finding, const char *statement)
{
    const json_t *at = json_object_get(finding, "trials"),
                 *verifications = json_object_get(report, "verifications");
    return json_is_integer(at)
               ? need_in(json_array_get(verifications, (size_t)json_integer_value(at)), statement)
               : NEED_UNKNOWN;
}

bool need_is_none(const json_t *report, const char *statement)
{
    size_t i;
    const json_t *finding;
    json_array_foreach (json_object_get(report, "findings"), i, finding)
        if (need_of(report, finding, statement) != NEED_NONE)
            return false;
    return true;
}
