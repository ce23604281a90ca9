/* `ftstress reproduce --gdb`: the plan of a kept finding in gdb, until the finding comes. */
#include "driver/command/command_inside.h"
#include "driver/command/kept.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/embed.h"
#include "base/fd.h"
#include "core/plan/detector_list.h"
#include "core/wire/landmarks.h"
#include "core/wire/status.h"
#include "driver/report/document.h"

EMBED(hang_source, FTSTRESS_HANG);

/* A process that sleeps for this time hangs. */
#define ASLEEP_SECONDS 2

/* A run that exits has not shown the finding, and the next one begins. A fatal signal is the finding, and so is the
 * first fault of a page that the detector protects. */
static const char form[] =
    "set confirm off\n"
    "set pagination off\n"
    "set print thread-events off\n"
    "set debuginfod enabled off\n"
    "handle SIGPIPE SIGUSR1 SIGUSR2 nostop noprint pass\n"
    "break %s\n"
    "%s%s\n"
    "set $left = %llu\n"
    "while $left > 0\n"
    "  set $left = $left - 1\n"
    "  set $_exitcode = (void) 0\n"
    "  run\n"
    "  if $_isvoid($_exitcode)\n"
    "    set $left = 0\n"
    "    %s\n"
    "    echo \\nftstress: gdb stopped at the finding, in the thread that shows it\\n\n"
    "    backtrace 24\n"
    "  end\n"
    "end\n";

/* Writes the plan with the finding's detector only. */
static int write_plan(const struct plan *from, uint32_t detect, const char *path)
{
    struct plan plan = *from;
    cleanup_free char *text = NULL;
    plan.detect = detect;
    int result = plan_print(&plan, &text);
    return result ? result : fd_write_file(path, text, strlen(text));
}

static json_t *functions_of(const json_t *stack)
{
    json_t *list = json_array();
    size_t i;
    const json_t *frame;
    json_array_foreach (json_object_get(stack, "frames"), i, frame)
        json_array_append_new(list, json_string(document_text(frame, "function")));
    return list;
}

/* Writes the program that stops a hang. Returns 0 or -errno. */
static int write_hang(const json_t *finding, const char *path)
{
    json_auto_t *functions = functions_of(json_array_get(json_object_get(finding, "stacks"), 0));
    cleanup_free char *list = json_dumps(functions, 0), *text = NULL;
    if (!list || asprintf(&text, "FRAMES = %s\nSECONDS = %d\n%s", list, ASLEEP_SECONDS, hang_source) < 0)
        return -ENOMEM;
    return fd_write_file(path, text, strlen(text));
}

/* `hang`: the program that stops a hang, or NULL. */
static int write_commands(uint64_t trials, const char *hang, const char *path)
{
    cleanup_free char *text = NULL;
    if (asprintf(&text, form, LANDMARK(record_found), hang ? "source " : "", hang ? hang : "",
                 (unsigned long long)trials, hang ? "python select()" : "") < 0)
        return -ENOMEM;
    return fd_write_file(path, text, strlen(text));
}

/* Becomes gdb. Returns -errno where that fails. */
static int become(const char *program, const struct kept *kept, const char *script, const char *plan)
{
    const char *const argv[] = {program,
                                "-q",
                                "-nx",
                                "-x",
                                script,
                                "--args",
                                kept->mode.child,
                                "-p",
                                kept->mode.probe.executable,
                                plan,
                                kept->asked.allow_gil ? "--allow-gil" : NULL,
                                NULL};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    fflush(NULL);
    execv(program, (char *const *)argv);
    return -errno;
}

int command_gdb(const struct kept *kept, const struct request *request)
{
    char program[PATH_MAX];
    cleanup_free char *plan = NULL, *script = NULL, *hang = NULL;
    const char *id = document_text(kept->finding, "id");
    uint32_t detect = 0;
    char error[160];
    if (!probe_find_program("gdb", program))
        return command_fail(STATUS_UNTESTED, "gdb is not installed; install the package gdb");
    if (kept->mode.row != &mode_plain)
        return command_fail(STATUS_UNTESTED, "%s was found in the mode %s, which does not run in gdb", id,
                            kept->mode.row->name);
    bool hangs = strcmp(document_text(kept->finding, "kind"), "hang") == 0;
    if (hangs)
        fprintf(stderr,
                "ftstress: gdb stops when the threads have slept for %d s; press Ctrl-C if they hang awake\n",
                ASLEEP_SECONDS);
    if (detector_parse(document_text(kept->finding, "detector"), &detect, error, sizeof error))
        return command_fail(STATUS_UNTESTED, "%s", error);
    int result = asprintf(&plan, "%s/gdb.yaml", kept->dir) < 0 ||
                         asprintf(&script, "%s/gdb.txt", kept->dir) < 0 ||
                         asprintf(&hang, "%s/gdb.py", kept->dir) < 0
                     ? -ENOMEM
                     : write_plan(&kept->targets.plans[0], detect, plan);
    if (!result && hangs)
        result = write_hang(kept->finding, hang);
    if (!result)
        result = write_commands(request->trials, hangs ? hang : NULL, script);
    if (!result)
        result = become(program, kept, script, plan);
    return command_fail(STATUS_HARNESS, "cannot run gdb on %s: %s", id, strerror(-result));
}
