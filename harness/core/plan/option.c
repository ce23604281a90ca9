#include "core/plan/option.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "base/text.h"
#include "core/plan/value.h"

_Static_assert(offsetof(struct request, plan) == 0,
               "a member of the plan has the same offset in the request");

void request_init(struct request *request)
{
    *request = (struct request){.out = "ftstress-out",
                                .corpus = "ftstress-corpus",
                                .timeout = 5 * CLOCK_SECOND,
                                .verify = 40 * CLOCK_SECOND,
                                .trials = 20};
    plan_init(&request->plan);
}

void request_clear(struct request *request)
{
    plan_clear(&request->plan);
    free(request->positionals);
    request->positionals = NULL;
}

bool request_gave(const struct request *request, size_t at)
{
    for (size_t i = 0; i < option_count; i++)
        if (option_rows[i].at == at)
            return request->given >> i & 1;
    return false;
}

void request_forget(struct request *request, size_t at)
{
    for (size_t i = 0; i < option_count; i++)
        if (option_rows[i].at == at)
            request->given &= ~(UINT64_C(1) << i);
}

static int set_text(char **text, const char *argument)
{
    char *copy = strdup(argument);
    if (!copy)
        return -ENOMEM;
    free(*text);
    *text = copy;
    return 0;
}

/* Stores the argument by the type of the row. Returns 0, -EINVAL, -ENOMEM, or -E2BIG for a list that is full. */
static int store(const struct option_row *row, const char *argument, struct request *request)
{
    void *to = (char *)request + row->at;
    uint64_t value = 1;
    int error = 0;
    switch (row->type) {
    case OPTION_SET:
        return 0;
    case OPTION_WORD:
        *(const char **)to = argument;
        return 0;
    case OPTION_LINE:
        return set_text(to, argument);
    case OPTION_LINES:
        return text_join(to, "\n", argument);
    case OPTION_TEXTS:
        return plan_add_text(to, (unsigned *)((char *)request + row->count), argument);
    case OPTION_NUMBER:
        error = value_number(argument, row->low, row->high, &value);
        break;
    case OPTION_SIZE:
        error = value_size(argument, &value);
        break;
    case OPTION_TIME:
        error = value_time(argument, &value);
        break;
    case OPTION_SWITCH:
        break;
    }
    if (error || value < row->low)
        return -EINVAL;
    memcpy(to, &value, row->size);
    return 0;
}

static int take(const struct option_row *row, const char *argument, struct request *request, char *error,
                size_t size)
{
    error[0] = '\0';
    int result = row->set ? row->set(request, argument, error, size) : 0;
    if (!result)
        result = store(row, argument, request);
    if (result == -E2BIG)
        return fail(-EINVAL, error, size, "--%s '%s' is one too many; leave some out", row->name, argument);
    if (result == -EINVAL && !error[0])
        return fail(-EINVAL, error, size, "--%s '%s' %s", row->name, argument, row->wanted);
    if (result)
        return result;
    request->given |= UINT64_C(1) << (row - option_rows);
    request->has_code |= row->is_code;
    return 0;
}

/* "--role is an option of `ftstress run`, not of `list`": the row belongs to other commands. */
static int refuse_foreign(const struct option_row *row, enum option_command command, char *error, size_t size)
{
    char owners[256] = "";
    for (size_t i = 0; i < OPTION_COMMANDS; i++)
        if (row->commands >> i & 1)
            text_add(owners, sizeof owners, row->commands >> i == 1 ? " and " : ", ", "`ftstress %s`",
                     option_command_names[i]);
    const char *name = option_command_names[command];
    return fail(-EINVAL, error, size, "--%s is an option of %s, not of `%s`; see `ftstress %s --help`",
                row->name, owners, name, name);
}

/* getopt's own tables, made from ours: getopt_long returns FIRST_CODE and the index of the row, or POSITIONAL. */
#define FIRST_CODE 256
#define POSITIONAL 1

static void make_getopt(struct option *longs, char *shorts)
{
    *shorts++ = '-';
    *shorts++ = ':';
    for (size_t i = 0; i < option_count; i++) {
        const struct option_row *row = &option_rows[i];
        longs[i] = (struct option){row->name, row->argument ? required_argument : no_argument, NULL,
                                   FIRST_CODE + (int)i};
        if (!row->letter)
            continue;
        *shorts++ = row->letter;
        if (row->argument)
            *shorts++ = ':';
    }
    *shorts = '\0';
}

static const struct option_row *row_of(int code)
{
    if (code >= FIRST_CODE)
        return &option_rows[code - FIRST_CODE];
    for (size_t i = 0; i < option_count; i++)
        if (option_rows[i].letter && option_rows[i].letter == code)
            return &option_rows[i];
    return NULL;
}

static int refuse_unknown(char **argv, int code, char *error, size_t size)
{
    /* optind moves past "-qx" only after its last letter: optopt is the wrong letter. */
    char letter[] = {'-', (char)optopt, '\0'};
    const char *word = optopt > ' ' && optopt < 127 ? letter : argv[optind - 1];
    return fail(-EINVAL, error, size,
                code == ':' ? "option '%s' needs an argument; see --help"
                            : "there is no option '%s'; see --help",
                word);
}

/* Options may follow positionals; after `--` everything is a positional. */
int option_parse(enum option_command command, int argc, char **argv, struct request *request, char *error,
                 size_t error_size)
{
    struct option longs[OPTIONS_MAX + 1] = {0};
    char shorts[2 * OPTIONS_MAX + 3];
    request->positionals = calloc((size_t)argc + 1, sizeof *request->positionals);
    if (!request->positionals)
        return -ENOMEM;
    make_getopt(longs, shorts);
    /* getopt skips words[0], which is the command's name. */
    char **words = argv - 1;
    int count = argc + 1, code;
    optind = 0;
    opterr = 0;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the driver has one thread */
    while ((code = getopt_long(count, words, shorts, longs, NULL)) != -1) {
        if (code == POSITIONAL) {
            request->positionals[request->npositionals++] = optarg;
            continue;
        }
        const struct option_row *row = row_of(code);
        if (!row)
            return refuse_unknown(words, code, error, error_size);
        if (!(row->commands >> command & 1))
            return refuse_foreign(row, command, error, error_size);
        int result = take(row, optarg, request, error, error_size);
        if (result)
            return result;
    }
    while (optind < count)
        request->positionals[request->npositionals++] = words[optind++];
    return 0;
}

static int apply(const struct option_row *row, const struct request *request, struct plan *plan)
{
    const void *from = (const char *)request + row->at;
    void *to = (char *)plan + row->at;
    int error = 0;
    if (row->type == OPTION_LINE || row->type == OPTION_LINES)
        return set_text(to, *(char *const *)from);
    if (row->type != OPTION_TEXTS) {
        memcpy(to, from, row->size);
        return 0;
    }
    unsigned n = *(const unsigned *)((const char *)request + row->count);
    for (unsigned i = 0; i < n && !error; i++)
        error = plan_add_text(to, (unsigned *)((char *)plan + row->count), (*(char **const *)from)[i]);
    return error;
}

int request_apply(const struct request *request, struct plan *plan)
{
    int error = 0;
    for (size_t i = 0; i < option_count && !error; i++) {
        const struct option_row *row = &option_rows[i];
        if (request->given >> i & 1 && row->at < sizeof *plan && !row->is_code)
            error = apply(row, request, plan);
    }
    if (REQUEST_GAVE(request, plan.iterations) && !REQUEST_GAVE(request, plan.time))
        plan->time = 0;
    return error;
}
