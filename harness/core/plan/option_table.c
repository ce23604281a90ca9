/* The table of options. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/remedy.h"
#include "core/plan/detector_list.h"
#include "core/plan/guard_option.h"
#include "core/plan/option.h"
#include "core/plan/perturb.h"

const char *const option_command_names[OPTION_COMMANDS] = {
    [OPTION_RUN] = "run",       [OPTION_SWEEP] = "sweep",         [OPTION_FUZZ] = "fuzz",
    [OPTION_MERGE] = "merge",   [OPTION_REPRODUCE] = "reproduce", [OPTION_MINIMIZE] = "minimize",
    [OPTION_BISECT] = "bisect", [OPTION_LIST] = "list",           [OPTION_SHOW] = "show",
    [OPTION_REPORT] = "report", [OPTION_DOCTOR] = "doctor",
};

static int set_input(struct request *request, const char *argument, char *error, size_t size)
{
    const char *equals = strchr(argument, '=');
    if (!equals || equals == argument)
        return fail(-EINVAL, error, size, "--input '%s' is not NAME=RECIPE; write for example x=f8[20]",
                    argument);
    char *name = strndup(argument, (size_t)(equals - argument));
    int result = name ? plan_add_input(&request->plan, name, equals + 1) : -ENOMEM;
    free(name);
    return result;
}

static int set_share(struct request *request, const char *argument, char *error, size_t size)
{
    for (int i = 0; i < RUNG_COUNT; i++)
        if (strcmp(argument, rung_names[i]) == 0) {
            request->plan.share = (enum rung)i;
            return 0;
        }
    return fail(-EINVAL, error, size,
                "--share '%s' is not a sharing level; write private, readonly, one-writer or all", argument);
}

static int set_detect(struct request *request, const char *argument, char *error, size_t size)
{
    return detector_parse(argument, &request->plan.detect, error, size);
}

static int set_perturb(struct request *request, const char *argument, char *error, size_t size)
{
    return perturb_parse(argument, &request->plan.perturb, error, size);
}

static int set_shard(struct request *request, const char *argument, char *error, size_t size)
{
    unsigned shard, shards;
    int end = 0;
    if (sscanf(argument, "%u/%u%n", &shard, &shards, &end) != 2 || argument[end] != '\0' || shard < 1 ||
        shard > shards || shards > 10000)
        return fail(-EINVAL, error, size, "--shard '%s' is not K/N with K from 1 to N; write for example 1/3",
                    argument);
    request->shard = shard;
    request->shards = shards;
    return 0;
}

static int check_guard(struct request *request, const char *argument, char *error, size_t size)
{
    struct guard_option option;
    (void)request;
    return guard_option_parse(argument, &option, error, size);
}

static int check_under(struct request *request, const char *argument, char *error, size_t size)
{
    (void)request;
    if (strcmp(argument, PLAN_TOOL) == 0)
        return 0;
    return fail(-EINVAL, error, size, "--under '%s' is no tool to run a child under; write " PLAN_TOOL,
                argument);
}

#define ALL ((1U << OPTION_COMMANDS) - 1)
#define RUN (1U << OPTION_RUN)
#define SWEEP (1U << OPTION_SWEEP)
#define FUZZ (1U << OPTION_FUZZ)
#define MERGE (1U << OPTION_MERGE)
#define REPRODUCE (1U << OPTION_REPRODUCE)
#define MINIMIZE (1U << OPTION_MINIMIZE)
#define BISECT (1U << OPTION_BISECT)
#define LIST (1U << OPTION_LIST)
#define SHOW (1U << OPTION_SHOW)
#define REPORT (1U << OPTION_REPORT)
#define DOCTOR (1U << OPTION_DOCTOR)

#define NOT_A_TIME "is not a time; write for example 30s, 500ms, 2m or 1h"
#define NOT_A_SIZE "is not a size; write for example 64K, 512M or 4G"
#define AT(member) .at = offsetof(struct request, member), .size = sizeof((struct request *)0)->member

const struct option_row option_rows[] = {
    {"setup", 's', "CODE", NULL,
     "Python to run before the statements; may be given several times, line by line", OPTION_WHAT, RUN,
     OPTION_LINES, AT(plan.setup), .is_code = true},
    {"thread-setup", 0, "CODE", NULL, "Python that each thread runs once, before its first statement",
     OPTION_WHAT, RUN, OPTION_LINES, AT(plan.thread_setup), .is_code = true},
    {"input", 'i', "NAME=RECIPE", NULL, "an input array, for example x=f8[40][::2]", OPTION_WHAT, RUN,
     OPTION_SET, AT(plan.inputs), .set = set_input, .is_code = true},
    {"role", 0, "STMT", NULL,
     "a statement for some of the threads: give several, and the threads take them in turn", OPTION_WHAT, RUN,
     OPTION_TEXTS, AT(plan.roles), .count = offsetof(struct request, plan.nroles), .is_code = true},
    {"outcome", 0, NULL, NULL,
     "compare with serial orders: fresh objects from -s, each --role once (2 to 4; one STMT counts for 2), all at the "
     "same time; results and state that no order of the calls gives are a finding",
     OPTION_WHAT, RUN, OPTION_SWITCH, AT(plan.outcome)},
    {"state", 0, "EXPR", "the values of the shared objects",
     "for --outcome: an expression for the state of the shared objects, for example 'c.value, len(q)'",
     OPTION_WHAT, RUN, OPTION_LINE, AT(plan.state)},
    {"check", 0, "EXPR", NULL,
     "for --outcome: an expression that must be true after each meeting; `results` has a result, or an exception, for "
     "each role",
     OPTION_WHAT, RUN, OPTION_LINE, AT(plan.check)},
    {"leave-out", 0, "STMT", NULL,
     "run this statement once, before the threads, and use its result instead of calling it again",
     OPTION_WHAT, RUN, OPTION_TEXTS, AT(plan.leave_out), .count = offsetof(struct request, plan.nleave_out)},
    {"raises", 0, "CLASSES", NULL,
     "exceptions, separated by commas, that the statements raise on purpose: such a call counts as one that returned",
     OPTION_WHAT, RUN, OPTION_TEXTS, AT(plan.raises), .count = offsetof(struct request, plan.nraises)},
    {"threads", 't', "N", "8; sweep, fuzz 4", "threads, 1 to 256", OPTION_WHAT, RUN | SWEEP | FUZZ,
     OPTION_NUMBER, AT(plan.threads), .low = 1, .high = PLAN_THREADS_MAX,
     .wanted = "is not a number from 1 to 256"},
    {"seed", 0, "S", "drawn and printed", "the same seed gives the same bytes in the inputs", OPTION_WHAT,
     RUN | SWEEP | FUZZ, OPTION_NUMBER, AT(plan.seed), .high = INT64_MAX,
     .wanted = "is not a whole number from 0 to 9223372036854775807"},
    {"python", 'p', "PATH", "the active venv, else the child's own", "interpreter or venv to run in",
     OPTION_WHAT, RUN | SWEEP | FUZZ | REPRODUCE | MINIMIZE | BISECT | DOCTOR, OPTION_WORD, AT(python)},
    {"allow-gil", 0, NULL, NULL, "run even if the GIL is on", OPTION_WHAT,
     RUN | SWEEP | FUZZ | REPRODUCE | MINIMIZE, OPTION_SWITCH, AT(allow_gil)},
    {"corpus", 0, "DIR", "ftstress-corpus",
     "folder of plans that showed something new: read at the start, and extended", OPTION_WHAT, FUZZ | MERGE,
     OPTION_WORD, AT(corpus)},
    {"dry-run", 0, NULL, NULL, "print the plan as YAML and stop; `ftstress run FILE.yaml` runs that text",
     OPTION_WHAT, RUN, OPTION_SWITCH, AT(dry_run)},

    {"time", 0, "TIME", "10s; reproduce 60s, minimize 10m, bisect 30m, fuzz 10m; sweep no limit",
     "duration of the run, for example 20, 500ms, 2m", OPTION_LENGTH,
     RUN | SWEEP | FUZZ | REPRODUCE | MINIMIZE | BISECT, OPTION_TIME, AT(plan.time), .low = 1,
     .wanted = NOT_A_TIME},
    {"iterations", 0, "N", "until the time is over", "iterations of each thread", OPTION_LENGTH, RUN,
     OPTION_NUMBER, AT(plan.iterations), .low = 1, .high = UINT64_MAX / 4,
     .wanted = "is not a number of 1 or more"},
    {"verify", 0, "TIME", "40s",
     "time for trials: re-runs of findings that show whose fault they are; 0: no trials", OPTION_LENGTH, RUN,
     OPTION_TIME, AT(verify), .wanted = NOT_A_TIME},
    {"trials", 0, "N", "20", "fresh children, at most", OPTION_LENGTH, REPRODUCE, OPTION_NUMBER, AT(trials),
     .low = 1, .high = 1000000, .wanted = "is not a number of 1 or more"},
    {"jobs", 0, "N", "the number of cores", "children at the same time", OPTION_LENGTH, MINIMIZE | SWEEP,
     OPTION_NUMBER, AT(jobs), .low = 1, .high = REQUEST_JOBS_MAX, .wanted = "is not a number from 1 to 64"},
    {"shard", 0, "K/N", NULL,
     "only part K of N of the callables, by their names: parts for several machines, which `ftstress merge` unites",
     OPTION_LENGTH, SWEEP | FUZZ, OPTION_SET, AT(shard), .set = set_shard},
    {"timeout", 0, "TIME", "5s; sweep, fuzz 2s of processor time for a call",
     "a child without progress for this time hangs; time that a busy machine withholds does not count, and threads "
     "that provably cannot run again need no time",
     OPTION_LENGTH, RUN | SWEEP | FUZZ | REPRODUCE | MINIMIZE | BISECT, OPTION_TIME, AT(timeout), .low = 1,
     .wanted = NOT_A_TIME},
    {"stop-on-first", 0, NULL, NULL, "stop at the first finding, without the end of Python in its child",
     OPTION_LENGTH, RUN, OPTION_SWITCH, AT(plan.stop_on_first)},
    {"memory", 0, "SIZE", "half of the machine's; sweep, fuzz 2G",
     "memory that a child may use, for example 4G", OPTION_LENGTH,
     RUN | SWEEP | FUZZ | REPRODUCE | MINIMIZE | BISECT, OPTION_SIZE, AT(memory), .wanted = NOT_A_SIZE},

    {"share", 0, "LEVEL", "readonly",
     "sharing level of the inputs: private (each thread has its own), readonly (all read the same), one-writer "
     "(thread 0 also writes to them between its calls), all (every thread does)",
     OPTION_SHARING, RUN, OPTION_SET, AT(plan.share), .set = set_share},
    {"private", 0, "NAMES", NULL,
     "inputs and setup objects that are private to each thread at every sharing level", OPTION_SHARING, RUN,
     OPTION_LINE, AT(plan.private)},
    {"writer", 0, "CODE", NULL,
     "Python that writes to shared setup objects, run between calls: by thread 0 at one-writer, by every thread at all",
     OPTION_SHARING, RUN, OPTION_LINES, AT(plan.writer)},

    {"detect", 0, "LIST", "default",
     "detectors, separated by commas; all, none or default; see `ftstress list detectors`", OPTION_DETECTORS,
     RUN, OPTION_SET, AT(plan.detect), .set = set_detect},
    {"guard", 0, "LIST", NULL, "settings of the guard detector, separated by commas: " GUARD_OPTIONS,
     OPTION_DETECTORS, RUN, OPTION_LINE, AT(plan.guard), .set = check_guard},
    {"focus", 0, "SITES", NULL,
     "allocation sites of blocks to put between inaccessible pages: arrays, FILE+0xOFFSET, or *",
     OPTION_DETECTORS, RUN, OPTION_LINE, AT(plan.focus)},
    {"perturb", 0, "LIST", "some children, in turn",
     "what every child with threads does beside the statements: lockstep (threads meet before each iteration), fresh "
     "(the setup runs again before each round), collect (a thread forces garbage collections); or where threads wait "
     "for a moment: skew (at the start of a round), delay (around calls), alloc (after allocations), locks (after "
     "locks are taken or released), starve (sleeps between calls); crowd (at least 4 threads for each core, in place "
     "of the default), pin (at times all threads on one core), pct (by random priorities at delay, alloc and locks); "
     "first (first calls in many new processes), stall (at words that several threads touch); or off",
     OPTION_DETECTORS, RUN, OPTION_SET, AT(plan.perturb), .set = set_perturb},
    {"members", 0, "LIST", "all",
     "kinds of children, separated by commas, that have turns; the plan of a finding names the one that showed it",
     OPTION_DETECTORS, RUN, OPTION_LINE, AT(plan.members)},
    {"strict", 0, NULL, NULL, "documented user errors set exit status 1, too", OPTION_DETECTORS,
     RUN | SWEEP | FUZZ | MERGE, OPTION_SWITCH, AT(strict)},
    {"known", 0, "FILE", NULL,
     "known findings, each with an id or a signature, a link and a reason: they are reported as KNOWN, and do not set "
     "exit status 1",
     OPTION_DETECTORS, RUN | SWEEP | FUZZ | MERGE, OPTION_WORD, AT(known)},
    {"baseline", 0, "FILE", NULL,
     "findings of earlier runs: findings are NEW, KNOWN or REGRESSED then, and those that are gone FIXED; only NEW and "
     "REGRESSED set exit status 1",
     OPTION_DETECTORS, RUN | SWEEP | FUZZ | MERGE, OPTION_WORD, AT(baseline)},
    {"update-baseline", 0, NULL, NULL,
     "after the run, write the states of its findings to the file of --baseline, which need not exist before",
     OPTION_DETECTORS, RUN | SWEEP | FUZZ | MERGE, OPTION_SWITCH, AT(update_baseline)},

    {"new", 0, "CODE", NULL,
     "for growth: Python to run instead of the statements; each call must bring something new, such as a key",
     OPTION_LEAKS, RUN, OPTION_LINES, AT(plan.fresh)},
    {"budget", 0, "SIZE", "any number", "for growth: bytes of compiled code that each call of --new may add",
     OPTION_LEAKS, RUN, OPTION_SIZE, AT(plan.budget), .wanted = NOT_A_SIZE},
    {"release", 0, "CODE", NULL,
     "for growth and shutdown: Python that frees what the calls keep, such as f.cache_clear()", OPTION_LEAKS,
     RUN, OPTION_LINES, AT(plan.release)},
    {"audit", 0, "NAME", "all inputs and setup objects, and what the statements load",
     "for refcount: an object to count the references of", OPTION_LEAKS, RUN, OPTION_TEXTS, AT(plan.audit),
     .count = offsetof(struct request, plan.naudit)},

    {"tsan", 0, NULL, NULL, "find data races with ThreadSanitizer; needs " REMEDY_NEEDS_TSAN, OPTION_TOOLS,
     RUN, OPTION_SWITCH, AT(tsan)},
    {"under", 0, PLAN_TOOL, NULL,
     "find leaks and memory errors with Valgrind: slow, and one thread at a time, so that it finds no races",
     OPTION_TOOLS, RUN, OPTION_LINE, AT(plan.under), .set = check_under},
    {"gdb", 0, NULL, NULL,
     "run the plan in gdb until the finding comes, and stop in the thread that shows it; --trials limits the runs",
     OPTION_TOOLS, REPRODUCE, OPTION_SWITCH, AT(gdb)},
    {"suppressions", 0, "FILE", NULL,
     "known issues to ignore: with --tsan races, each with a link, a version and a sentence; with --under in "
     "Valgrind's format",
     OPTION_TOOLS, RUN, OPTION_WORD, AT(suppressions)},

    {"out", 0, "DIR", "ftstress-out", "folder of kept findings", OPTION_OUTPUT,
     RUN | SWEEP | FUZZ | MERGE | REPRODUCE | MINIMIZE | BISECT | LIST | SHOW | REPORT, OPTION_WORD, AT(out)},
    {"as", 0, "FORM", "text", "form of the report", OPTION_OUTPUT, RUN | SWEEP | FUZZ | MERGE | REPORT,
     OPTION_WORD, AT(as)},
    {"output", 'o', "FILE", "standard output", "file for the report", OPTION_OUTPUT,
     RUN | SWEEP | FUZZ | MERGE | SHOW | REPORT, OPTION_WORD, AT(output)},
    {"json", 0, "FILE", NULL, "write the report as JSON, too; - for standard output", OPTION_OUTPUT,
     RUN | SWEEP | FUZZ | MERGE | REPRODUCE | LIST, OPTION_WORD, AT(json)},
    {"quiet", 'q', NULL, NULL, "print only findings and the last line", OPTION_OUTPUT,
     RUN | SWEEP | FUZZ | MERGE | REPRODUCE | MINIMIZE | BISECT, OPTION_SWITCH, AT(quiet)},
    {"verbose", 'v', NULL, NULL, "print what each child did", OPTION_OUTPUT,
     RUN | SWEEP | FUZZ | REPRODUCE | MINIMIZE | BISECT, OPTION_SWITCH, AT(verbose)},
    {"no-color", 0, NULL, NULL, "no colours; NO_COLOR in the environment does the same", OPTION_OUTPUT,
     RUN | SWEEP | FUZZ | MERGE | REPRODUCE | DOCTOR, OPTION_SWITCH, AT(no_color)},
    {"help", 'h', NULL, NULL, "print this text", OPTION_OUTPUT, ALL, OPTION_SWITCH, AT(help)},
};
const size_t option_count = sizeof option_rows / sizeof *option_rows;
_Static_assert(sizeof option_rows / sizeof *option_rows <= OPTIONS_MAX, "a bit of `given` for each");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a number is copied to a member of any size");
