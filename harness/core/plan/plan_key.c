#include "core/plan/plan_key.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/fail.h"
#include "core/plan/detector_list.h"
#include "core/plan/perturb.h"
#include "core/plan/value.h"

#define NUMBER "a whole number from 0 to 9223372036854775807"
#define AT(member) .at = offsetof(struct plan, member), .size = sizeof((struct plan *)0)->member
#define KEY(kind_, member) .name = #member, .kind = (kind_), AT(member)
#define LIST(kind_, member) KEY(kind_, member), .count = offsetof(struct plan, n##member)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a number is copied to a member of any size");

/* clang-format off */
const struct plan_key plan_keys[] = {
    {KEY(PLAN_LINE, name)},
    {KEY(PLAN_LINE, about)},
    {KEY(PLAN_LINE, native)},
    {KEY(PLAN_TEXT, setup)},
    {KEY(PLAN_TEXT, thread_setup)},
    {LIST(PLAN_INPUTS, inputs)},
    {LIST(PLAN_LIST, steps)},
    {LIST(PLAN_LIST, roles)},
    {LIST(PLAN_LIST, leave_out)},
    {KEY(PLAN_LINE, private)},
    {KEY(PLAN_TEXT, writer)},
    {.name = "new", .kind = PLAN_LINE, AT(fresh)},
    {KEY(PLAN_SIZE, budget)},
    {KEY(PLAN_LINE, release)},
    {LIST(PLAN_LIST, audit)},
    {LIST(PLAN_LIST, raises)},
    {KEY(PLAN_THREADS, threads)},
    {KEY(PLAN_TIME, time)},
    {KEY(PLAN_NUMBER, iterations)},
    {KEY(PLAN_NUMBER, seed)},
    {KEY(PLAN_NUMBER, draw)},
    {KEY(PLAN_SHARE, share)},
    {KEY(PLAN_DETECT, detect)},
    {KEY(PLAN_LINE, guard)},
    {KEY(PLAN_LINE, focus)},
    {KEY(PLAN_LINE, under)},
    {KEY(PLAN_PERTURB, perturb)},
    {KEY(PLAN_LINE, members)},
    {KEY(PLAN_FLAG, stop_on_first)},
    {KEY(PLAN_FLAG, outcome)},
    {KEY(PLAN_LINE, state)},
    {KEY(PLAN_LINE, check)},
    {.name = NULL},
};
/* clang-format on */

const char *const rung_names[RUNG_COUNT] = {
    [RUNG_PRIVATE] = "private",
    [RUNG_READONLY] = "readonly",
    [RUNG_ONE_WRITER] = "one-writer",
    [RUNG_ALL] = "all",
};

static const char *const wanted[] = {
    [PLAN_THREADS] = "a whole number from 1 to 256",
    [PLAN_NUMBER] = NUMBER,
    [PLAN_SIZE] = "a size: write it as 65536, 64K or 1M",
    [PLAN_TIME] = "a time: write it as 10s, 500ms, 2m or 2h",
    [PLAN_SHARE] = "one of private, readonly, one-writer, all",
    [PLAN_FLAG] = "true or false",
};

/* An empty text counts as none. */
static int copy_text(const char *text, size_t size, char **to)
{
    char *copy = size ? strndup(text, size) : NULL;
    if (size && !copy)
        return -ENOMEM;
    free(*to);
    *to = copy;
    return 0;
}

static int find_word(const char *text, const char *const *words, int n)
{
    for (int i = 0; i < n; i++)
        if (strcasecmp(text, words[i]) == 0)
            return i;
    return -EINVAL;
}

static int read_scalar(enum plan_kind kind, const char *text, uint64_t *ret_value)
{
    static const char *const flags[] = {"false", "true", "no", "yes", "off", "on"};
    int word = 0;
    switch (kind) {
    case PLAN_SIZE:
        return value_size(text, ret_value);
    case PLAN_TIME:
        return value_time(text, ret_value);
    case PLAN_SHARE:
        word = find_word(text, rung_names, RUNG_COUNT);
        *ret_value = (uint64_t)word;
        break;
    case PLAN_FLAG:
        word = find_word(text, flags, sizeof flags / sizeof *flags);
        *ret_value = (uint64_t)word % 2;
        break;
    default:
        return value_number(text, 0, kind == PLAN_THREADS ? UINT32_MAX : INT64_MAX, ret_value);
    }
    return word < 0 ? word : 0;
}

int plan_key_read(const struct plan_key *key, const char *text, struct plan *plan, char *why, size_t why_size)
{
    void *to = (char *)plan + key->at;
    size_t length = strlen(text);
    uint64_t value;
    switch (key->kind) {
    case PLAN_TEXT:
    case PLAN_LINE:
        while (key->kind == PLAN_LINE && length > 0 && text[length - 1] == '\n')
            length--;
        return copy_text(text, length, to);
    case PLAN_DETECT:
        return detector_parse(text, to, why, why_size);
    case PLAN_PERTURB:
        return perturb_parse(text, to, why, why_size);
    default:
        if (read_scalar(key->kind, text, &value) < 0)
            return fail(-EINVAL, why, why_size, "'%.40s' is not %s", text, wanted[key->kind]);
        memcpy(to, &value, key->size);
        return 0;
    }
}

const char *plan_key_print(const struct plan_key *key, const struct plan *plan,
                           char text[static PLAN_VALUE_SIZE])
{
    const void *from = (const char *)plan + key->at;
    const char *string;
    uint64_t n = 0;
    memcpy(&n, from, key->size);
    switch (key->kind) {
    case PLAN_TEXT:
    case PLAN_LINE:
        string = *(char *const *)from;
        return string && *string ? string : NULL;
    case PLAN_TIME:
        value_print_time(n, text);
        return text;
    case PLAN_SHARE:
        return rung_names[n];
    case PLAN_DETECT:
        detector_print((uint32_t)n, text, PLAN_VALUE_SIZE);
        return text;
    case PLAN_PERTURB:
        perturb_print((uint32_t)n, text, PLAN_VALUE_SIZE);
        return n ? text : NULL;
    case PLAN_FLAG:
        return n ? "true" : NULL;
    default:
        snprintf(text, PLAN_VALUE_SIZE, "%" PRIu64, n);
        return n ? text : NULL;
    }
}

char ***plan_key_list(const struct plan_key *key, struct plan *plan, unsigned **ret_count)
{
    void *list = (char *)plan + key->at, *count = (char *)plan + key->count;
    *ret_count = count;
    return list;
}

void plan_input_clear(struct plan_input *input)
{
    free(input->name);
    free(input->recipe);
}

void plan_key_clear(const struct plan_key *key, struct plan *plan)
{
    void **owned = (void **)((char *)plan + key->at);
    unsigned *n;
    char ***list = plan_key_list(key, plan, &n);
    for (unsigned i = 0; key->kind == PLAN_INPUTS && i < *n; i++)
        plan_input_clear(&plan->inputs[i]);
    for (unsigned i = 0; key->kind == PLAN_LIST && i < *n; i++)
        free((*list)[i]);
    if (key->kind == PLAN_INPUTS || key->kind == PLAN_LIST)
        *n = 0;
    else if (key->kind != PLAN_TEXT && key->kind != PLAN_LINE)
        return;
    free(*owned);
    *owned = NULL;
}
