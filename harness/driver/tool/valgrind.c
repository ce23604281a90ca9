#include "driver/tool/valgrind.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/sentence.h"
#include "driver/job/job.h"
#include "driver/tool/probe.h"
#include "driver/tool/probe_run.h"

/* It reads the symbols of the program and of all its libraries first. */
#define START_LIMIT (90 * CLOCK_SECOND)
#define STRINGIFY(number) #number
#define AS_TEXT(number) STRINGIFY(number)

static const struct tool *const tool = &tools[0];

/* Stacks are deep enough to reach the statement of the plan, also where Python calls Python through C. The driver
 * demangles names, as everywhere. */
static const char *const settings[] = {"--tool=memcheck",
                                       "--command-line-only=yes",
                                       "--leak-check=full",
                                       "--show-leak-kinds=all",
                                       "--errors-for-leak-kinds=none",
                                       "--num-callers=200",
                                       "--demangle=no",
                                       "--error-limit=no",
                                       "--fair-sched=try",
                                       "--vgdb=no",
                                       "--child-silent-after-fork=yes"};
#define SETTINGS (sizeof settings / sizeof *settings)

static const char *const as_xml[] = {"--xml=yes", "--xml-fd=" AS_TEXT(JOB_TOOL_FD)};

static int name_files(struct valgrind *valgrind, const char *user)
{
    cleanup_free char *dir = NULL;
    int error = fd_program_dir(&dir);
    if (!error && asprintf(&valgrind->ours, "--suppressions=%s/../share/valgrind.supp", dir) < 0)
        error = -ENOMEM;
    if (!error && user && asprintf(&valgrind->users, "--suppressions=%s", user) < 0)
        error = -ENOMEM;
    return error;
}

static size_t fill_arguments(struct valgrind *valgrind)
{
    size_t n = 0;
    valgrind->argv[n++] = valgrind->program;
    for (size_t i = 0; i < SETTINGS; i++)
        valgrind->argv[n++] = settings[i];
    valgrind->argv[n++] = valgrind->ours;
    if (valgrind->users)
        valgrind->argv[n++] = valgrind->users;
    return n;
}

/* Runs Valgrind; `line` is the first line that it prints. `what` says what went wrong. */
static int run_valgrind(const char **argv, const char *what, char line[static VALGRIND_VERSION],
                        struct sentence *error)
{
    struct probe_job job = {.argv = (char *const *)argv, .limit = START_LIMIT};
    char reason[320];
    probe_run(&job, 1);
    bool good = job.error == 0 && job.status == 0;
    snprintf(line, VALGRIND_VERSION, "%.*s", job.out ? (int)strcspn(job.out, "\n") : 0,
             job.out ? job.out : "");
    if (!good) {
        probe_reason(&job, reason, sizeof reason);
        sentence_fail(0, error, "see whether it works by itself, and the files of suppressions",
                      "Valgrind %s: %s", what, reason);
    }
    probe_job_clear(&job);
    return good ? 0 : -ENOEXEC;
}

/* "valgrind-3.19.0" */
static int ask_version(struct valgrind *valgrind, struct sentence *error)
{
    char line[VALGRIND_VERSION];
    const char *argv[] = {valgrind->program, "--version", NULL};
    int result = run_valgrind(argv, "does not print its version", line, error);
    const char *dash = strchr(line, '-');
    snprintf(valgrind->version, sizeof valgrind->version, "%s", dash ? dash + 1 : line);
    return result;
}

static int show_start(struct valgrind *valgrind, const char *child, struct sentence *error)
{
    char line[VALGRIND_VERSION];
    size_t n = fill_arguments(valgrind);
    valgrind->argv[n++] = child;
    valgrind->argv[n++] = "--abi";
    valgrind->argv[n] = NULL;
    return run_valgrind(valgrind->argv, "does not start ftstress-child", line, error);
}

int valgrind_prepare(struct valgrind *valgrind, const char *child, const char *user, struct sentence *error)
{
    char path[PATH_MAX];
    struct valgrind made = {0};
    if (!probe_find_program(tool->name, path)) {
        sentence_fail(0, error, "", "%s is not installed", tool->name);
        sentence_set_remedy(error, "install the package %s (scripts/setup/packages.sh %s)", tool->package,
                            tool->name);
        return -ENOENT;
    }
    sentence_fail(0, error, "", "no memory");
    made.program = strdup(path);
    int result = made.program ? name_files(&made, user) : -ENOMEM;
    if (!result)
        result = ask_version(&made, error);
    if (!result)
        result = show_start(&made, child, error);
    if (result) {
        valgrind_clear(&made);
        return result;
    }
    size_t n = fill_arguments(&made);
    made.argv[n++] = as_xml[0];
    made.argv[n++] = as_xml[1];
    made.argv[n] = NULL;
    *valgrind = made;
    return 0;
}

void valgrind_clear(struct valgrind *valgrind)
{
    free(valgrind->program);
    free(valgrind->ours);
    free(valgrind->users);
    *valgrind = (struct valgrind){0};
}
