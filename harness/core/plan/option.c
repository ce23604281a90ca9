#include "core/plan/option.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "core/plan/detector_list.h"
#include "core/plan/guard_option.h"
#include "core/plan/tool.h"
#include "core/plan/value.h"

static int wrong(char *error, size_t size, const char *option, const char *argument, const char *want)
{
    snprintf(error, size, "%s '%s' %s", option, argument, want);
    return -EINVAL;
}

static int parse_number(const char *text, uint64_t low, uint64_t high, uint64_t *ret_number)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 0);
    if (errno || end == text || *end || strchr(text, '-') || number < low || number > high)
        return -EINVAL;
    *ret_number = number;
    return 0;
}

/* Lines of code given one by one are one text. */
static int append_line(char **text, const char *line)
{
    char *joined;
    if (asprintf(&joined, "%s%s%s", *text ? *text : "", *text ? "\n" : "", line) < 0)
        return -ENOMEM;
    free(*text);
    *text = joined;
    return 0;
}

static int set_line(char **line, const char *argument)
{
    free(*line);
    *line = strdup(argument);
    return *line ? 0 : -ENOMEM;
}

static int set_setup(struct request *request, const char *argument, char *error, size_t size)
{
    (void)error;
    (void)size;
    request->has_code = true;
    return append_line(&request->plan.setup, argument);
}

static int set_thread_setup(struct request *request, const char *argument, char *error, size_t size)
{
    (void)error;
    (void)size;
    request->has_code = true;
    return append_line(&request->plan.thread_setup, argument);
}

static int set_input(struct request *request, const char *argument, char *error, size_t size)
{
    const char *equals = strchr(argument, '=');
    request->has_code = true;
    if (!equals || equals == argument)
        return wrong(error, size, "--input", argument, "is not NAME=RECIPE; write for example x=f8[20]");
    char *name = strndup(argument, (size_t)(equals - argument));
    int result = name ? plan_add_input(&request->plan, name, equals + 1) : -ENOMEM;
    free(name);
    return result == -E2BIG ? wrong(error, size, "--input", argument, "is one input too many; leave some out")
                            : result;
}

static int set_role(struct request *request, const char *argument, char *error, size_t size)
{
    request->has_code = true;
    int result = plan_add_role(&request->plan, argument);
    return result == -E2BIG ? wrong(error, size, "--role", argument, "is one role too many; leave some out")
                            : result;
}

static int set_leave_out(struct request *request, const char *argument, char *error, size_t size)
{
    int result = plan_add_leave_out(&request->plan, argument);
    return result == -E2BIG
               ? wrong(error, size, "--leave-out", argument, "is one statement too many; leave some out")
               : result;
}

static int set_private(struct request *request, const char *argument, char *error, size_t size)
{
    (void)error;
    (void)size;
    return set_line(&request->plan.private, argument);
}

static int set_writer(struct request *request, const char *argument, char *error, size_t size)
{
    (void)error;
    (void)size;
    return append_line(&request->plan.writer, argument);
}

static int set_new(struct request *request, const char *argument, char *error, size_t size)
{
    (void)error;
    (void)size;
    return append_line(&request->plan.fresh, argument);
}

static int set_release(struct request *request, const char *argument, char *error, size_t size)
{
    (void)error;
    (void)size;
    return append_line(&request->plan.release, argument);
}

static int set_audit(struct request *request, const char *argument, char *error, size_t size)
{
    int result = plan_add_audit(&request->plan, argument);
    return result == -E2BIG ? wrong(error, size, "--audit", argument, "is one too many; leave some out")
                            : result;
}

static int set_python(struct request *request, const char *argument, char *error, size_t size)
{
    (void)error;
    (void)size;
    request->python = argument;
    return 0;
}

static int set_threads(struct request *request, const char *argument, char *error, size_t size)
{
    uint64_t number;
    if (parse_number(argument, 1, PLAN_THREADS_MAX, &number))
        return wrong(error, size, "--threads", argument, "is not a number from 1 to 256");
    request->plan.threads = (uint32_t)number;
    request->has_threads = true;
    return 0;
}

static int set_time(struct request *request, const char *argument, char *error, size_t size)
{
    if (value_time(argument, &request->plan.time) < 0 || request->plan.time == 0)
        return wrong(error, size, "--time", argument,
                     "is not a time; write for example 30s, 500ms, 2m or 1h");
    request->has_time = true;
    return 0;
}

static int set_iterations(struct request *request, const char *argument, char *error, size_t size)
{
    if (parse_number(argument, 1, UINT64_MAX / 4, &request->plan.iterations))
        return wrong(error, size, "--iterations", argument, "is not a number of 1 or more");
    request->has_iterations = true;
    return 0;
}

static int set_seed(struct request *request, const char *argument, char *error, size_t size)
{
    if (parse_number(argument, 0, INT64_MAX, &request->plan.seed))
        return wrong(error, size, "--seed", argument, "is not a number that fits 63 bits");
    request->has_seed = true;
    return 0;
}

static int set_share(struct request *request, const char *argument, char *error, size_t size)
{
    for (int i = 0; i < RUNG_COUNT; i++)
        if (strcmp(argument, rung_names[i]) == 0) {
            request->plan.share = (enum rung)i;
            request->has_share = true;
            return 0;
        }
    return wrong(error, size, "--share", argument,
                 "is not a rung; write private, readonly, one-writer or all");
}

static int set_detect(struct request *request, const char *argument, char *error, size_t size)
{
    request->has_detect = true;
    return detector_parse(argument, &request->plan.detect, error, size);
}

static int set_guard(struct request *request, const char *argument, char *error, size_t size)
{
    struct guard_option option;
    int result = guard_option_parse(argument, &option, error, size);
    return result ? result : set_line(&request->plan.guard, argument);
}

static int set_focus(struct request *request, const char *argument, char *error, size_t size)
{
    (void)error;
    (void)size;
    return set_line(&request->plan.focus, argument);
}

static int set_verify(struct request *request, const char *argument, char *error, size_t size)
{
    if (value_time(argument, &request->verify) < 0)
        return wrong(error, size, "--verify", argument, "is not a time; write for example 30s, 2m or 0");
    return 0;
}

static int set_stop(struct request *request, const char *argument, char *error, size_t size)
{
    (void)argument;
    (void)error;
    (void)size;
    request->plan.stop_on_first = true;
    return 0;
}

static int set_out(struct request *request, const char *argument, char *error, size_t size)
{
    (void)error;
    (void)size;
    request->out = argument;
    return 0;
}

static int set_suppressions(struct request *request, const char *argument, char *error, size_t size)
{
    (void)error;
    (void)size;
    request->suppressions = argument;
    return 0;
}

static int set_under(struct request *request, const char *argument, char *error, size_t size)
{
    if (!tool_find(argument))
        return wrong(error, size, "--under", argument, "is no tool that a child runs under; write valgrind");
    return set_line(&request->plan.under, argument);
}

static int set_json(struct request *request, const char *argument, char *error, size_t size)
{
    (void)error;
    (void)size;
    request->json = argument;
    return 0;
}

static int set_as(struct request *request, const char *argument, char *error, size_t size)
{
    (void)error;
    (void)size;
    request->as = argument;
    return 0;
}

static int set_output(struct request *request, const char *argument, char *error, size_t size)
{
    (void)error;
    (void)size;
    request->output = argument;
    return 0;
}

static int set_timeout(struct request *request, const char *argument, char *error, size_t size)
{
    if (value_time(argument, &request->timeout) < 0 || request->timeout == 0)
        return wrong(error, size, "--timeout", argument, "is not a time; write for example 30s or 2m");
    return 0;
}

static int set_memory(struct request *request, const char *argument, char *error, size_t size)
{
    if (value_size(argument, &request->memory) < 0)
        return wrong(error, size, "--memory", argument, "is not a size; write for example 512M or 4G");
    return 0;
}

static int set_budget(struct request *request, const char *argument, char *error, size_t size)
{
    if (value_size(argument, &request->plan.budget) < 0)
        return wrong(error, size, "--budget", argument, "is not a size; write for example 64K or 1M");
    return 0;
}

#define SWITCH(field)                                                                                        \
    static int set_##field(struct request *request, const char *argument, char *error, size_t size)          \
    {                                                                                                        \
        (void)argument;                                                                                      \
        (void)error;                                                                                         \
        (void)size;                                                                                          \
        request->field = true;                                                                               \
        return 0;                                                                                            \
    }
SWITCH(allow_gil)
SWITCH(dry_run)
SWITCH(help)
SWITCH(no_color)
SWITCH(quiet)
SWITCH(strict)
SWITCH(tsan)
SWITCH(verbose)

const struct option_row option_rows[] = {
    {'s', "setup", "CODE", NULL, "Python to run before the steps; may be given several times, line by line",
     set_setup},
    {0, "thread-setup", "CODE", NULL, "Python that each thread runs for itself before its first step",
     set_thread_setup},
    {'i', "input", "NAME=RECIPE", NULL, "an input array, for example x=f8[40][::2]", set_input},
    {0, "role", "STMT", NULL, "give several: the threads take them in turn", set_role},
    {0, "new", "CODE", NULL,
     "for growth: instead of the steps, calls that each bring something new, such as a key", set_new},
    {0, "budget", "SIZE", "any number", "for growth: what compiled code may take in each call of --new",
     set_budget},
    {0, "release", "CODE", NULL,
     "for growth and shutdown: lets go of what the calls keep, such as f.cache_clear()", set_release},
    {0, "audit", "NAME", "all inputs and setup objects", "for refcount: an object to count references of",
     set_audit},
    {'p', "python", "PATH", "the active venv, else the child's own", "interpreter or venv to run in",
     set_python},
    {'t', "threads", "N", "8", "threads, 1 to 256", set_threads},
    {0, "time", "TIME", "10s", "how long to look, for example 20, 500ms, 2m", set_time},
    {0, "iterations", "N", "until the time is over", "iterations of each thread", set_iterations},
    {0, "seed", "S", "drawn and printed", "fixes the inputs' bytes", set_seed},
    {0, "share", "RUNG", "readonly",
     "how threads share inputs: private (each has its own), readonly (all read the same), one-writer (thread 0 also "
     "writes to them between its calls), all (every thread does)",
     set_share},
    {0, "private", "NAMES", NULL, "inputs and setup objects that each thread has for itself at every rung",
     set_private},
    {0, "writer", "CODE", NULL,
     "how shared setup objects are written at one-writer and all: Python, run between calls by who writes",
     set_writer},
    {0, "leave-out", "STMT", NULL, "run this statement once, before the threads, and not again",
     set_leave_out},
    {0, "detect", "LIST", "default",
     "detectors, separated by commas; all, none or default; see `ftstress list detectors`", set_detect},
    {0, "guard", "LIST", NULL, "its settings: whole, stacks, every=N, pages=N, quarantine=N, interval=N",
     set_guard},
    {0, "focus", "SITES", NULL, "put blocks between inaccessible pages: arrays, FILE+0xOFFSET, or *",
     set_focus},
    {0, "verify", "TIME", "40s", "how long to run findings again, to say whose fault they are; 0: not at all",
     set_verify},
    {0, "tsan", NULL, NULL,
     "data races, under ThreadSanitizer; needs scripts/setup.sh --with tsan, and -p an environment so built",
     set_tsan},
    {0, "under", "valgrind", NULL,
     "leaks, by runs of two lengths, and memory errors, under Valgrind: slow, and about memory, not about races",
     set_under},
    {0, "suppressions", "FILE", NULL,
     "what is known already: with --tsan races, each with a link, a version and a sentence; with --under in "
     "Valgrind's own form",
     set_suppressions},
    {0, "strict", NULL, NULL, "what is documented as user error sets exit status 1, too", set_strict},
    {0, "stop-on-first", NULL, NULL, "stop at the first finding", set_stop},
    {0, "timeout", "TIME", "5s", "no progress for so long is a hang", set_timeout},
    {0, "memory", "SIZE", "half of the machine's", "what a child may use, for example 4G", set_memory},
    {0, "out", "DIR", "ftstress-out", "where findings are kept", set_out},
    {0, "json", "FILE", NULL, "write the report as JSON; - for standard output", set_json},
    {0, "as", "FORM", "text", "form of the report: text, json, junit, sarif, html or github", set_as},
    {'o', "output", "FILE", "standard output", "where the report in that form goes", set_output},
    {0, "dry-run", NULL, NULL, "print the plan as YAML and stop; the text can be run as a plan file",
     set_dry_run},
    {0, "allow-gil", NULL, NULL, "go on where the GIL is on", set_allow_gil},
    {'q', "quiet", NULL, NULL, "only findings and the last line", set_quiet},
    {'v', "verbose", NULL, NULL, "say what each child did", set_verbose},
    {0, "no-color", NULL, NULL, "no colours; NO_COLOR in the environment does the same", set_no_color},
    {'h', "help", NULL, NULL, "this text", set_help},
};
const size_t option_count = sizeof option_rows / sizeof *option_rows;

void request_init(struct request *request)
{
    *request =
        (struct request){.out = "ftstress-out", .timeout = 5 * CLOCK_SECOND, .verify = 40 * CLOCK_SECOND};
    plan_init(&request->plan);
}

void request_clear(struct request *request)
{
    plan_clear(&request->plan);
    free(request->positionals);
    request->positionals = NULL;
}

/* getopt's own tables, made from ours: the row's index is what getopt_long returns for it. */
#define FIRST_CODE 256

static void make_getopt(struct option *longs, char *shorts)
{
    *shorts++ = '+';
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

static int say_unknown(char **argv, int code, char *error, size_t size)
{
    /* Inside "-qx" getopt still stands on the word before. */
    char letter[] = {'-', (char)optopt, '\0'};
    const char *word = optopt > ' ' && optopt < 127 ? letter : argv[optind - 1];
    if (code == ':')
        snprintf(error, size, "option '%s' needs an argument; see --help", word);
    else
        snprintf(error, size, "there is no option '%s'; see --help", word);
    return -EINVAL;
}

/* Options may follow positionals, as people type them; after `--` everything is a positional. */
int option_parse(int argc, char **argv, struct request *request, char *error, size_t error_size)
{
    struct option longs[sizeof option_rows / sizeof *option_rows + 1] = {0};
    char shorts[2 * sizeof option_rows / sizeof *option_rows + 3];
    make_getopt(longs, shorts);
    request->positionals = calloc((size_t)argc + 1, sizeof *request->positionals);
    if (!request->positionals)
        return -ENOMEM;
    /* getopt skips argv[0]: the command's name stands before argv. */
    char **words = argv - 1;
    int count = argc + 1, code;
    optind = 0;
    opterr = 0;
    for (;;) {
        int before = optind;
        /* NOLINTNEXTLINE(concurrency-mt-unsafe): the driver has one thread */
        while ((code = getopt_long(count, words, shorts, longs, NULL)) != -1) {
            const struct option_row *row = row_of(code);
            if (!row)
                return say_unknown(words, code, error, error_size);
            int result = row->set(request, optarg, error, error_size);
            if (result)
                return result;
            before = optind;
        }
        /* Not the argument of `-s --`. */
        bool rest = optind > before && optind > 1 && strcmp(words[optind - 1], "--") == 0;
        do {
            if (optind >= count)
                return 0;
            request->positionals[request->npositionals++] = words[optind++];
        } while (rest);
    }
}

void request_apply(const struct request *request, struct plan *plan)
{
    const struct plan *asked = &request->plan;
    if (request->has_threads)
        plan->threads = asked->threads;
    if (request->has_time)
        plan->time = asked->time;
    if (request->has_iterations)
        plan->iterations = asked->iterations;
    if (request->has_iterations && !request->has_time)
        plan->time = 0;
    if (request->has_seed)
        plan->seed = asked->seed;
    if (request->has_share)
        plan->share = asked->share;
    if (request->has_detect)
        plan->detect = asked->detect;
    if (asked->private)
        set_line(&plan->private, asked->private);
    if (asked->writer)
        set_line(&plan->writer, asked->writer);
    for (unsigned i = 0; i < asked->nleave_out; i++)
        plan_add_leave_out(plan, asked->leave_out[i]);
    if (asked->guard)
        set_line(&plan->guard, asked->guard);
    if (asked->focus)
        set_line(&plan->focus, asked->focus);
    if (asked->under)
        set_line(&plan->under, asked->under);
    if (asked->fresh)
        set_line(&plan->fresh, asked->fresh);
    if (asked->budget)
        plan->budget = asked->budget;
    if (asked->release)
        set_line(&plan->release, asked->release);
    for (unsigned i = 0; i < asked->naudit; i++)
        plan_add_audit(plan, asked->audit[i]);
    plan->stop_on_first |= asked->stop_on_first;
}
