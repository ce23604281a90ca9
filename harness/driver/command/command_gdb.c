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

#include "base/fd.h"
#include "core/plan/detector_list.h"
#include "core/wire/landmarks.h"
#include "core/wire/status.h"
#include "driver/report/document.h"

/* A run that exits has not shown the finding, and the next one begins. A fatal signal is the finding, and so is the
 * first fault of a page that the detector protects. */
static const char form[] =
    "set confirm off\n"
    "set pagination off\n"
    "set print thread-events off\n"
    "set debuginfod enabled off\n"
    "handle SIGPIPE SIGUSR1 SIGUSR2 nostop noprint pass\n"
    "break %s\n"
    "set $left = %llu\n"
    "while $left > 0\n"
    "  set $left = $left - 1\n"
    "  set $_exitcode = (void) 0\n"
    "  run\n"
    "  if $_isvoid($_exitcode)\n"
    "    set $left = 0\n"
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

static int write_commands(uint64_t trials, const char *path)
{
    cleanup_free char *text = NULL;
    if (asprintf(&text, form, LANDMARK(record_found), (unsigned long long)trials) < 0)
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
    cleanup_free char *plan = NULL, *script = NULL;
    const char *id = document_text(kept->finding, "id");
    uint32_t detect = 0;
    char error[160];
    if (!probe_find_program("gdb", program))
        return command_fail(STATUS_UNTESTED, "gdb is not installed; install the package gdb");
    if (kept->mode.row != &mode_plain)
        return command_fail(STATUS_UNTESTED, "%s was found in the mode %s, which does not run in gdb", id,
                            kept->mode.row->name);
    if (strcmp(document_text(kept->finding, "kind"), "hang") == 0)
        fprintf(stderr, "ftstress: press Ctrl-C when the threads hang: gdb then stops there\n");
    if (detector_parse(document_text(kept->finding, "detector"), &detect, error, sizeof error))
        return command_fail(STATUS_UNTESTED, "%s", error);
    int result =
        asprintf(&plan, "%s/gdb.yaml", kept->dir) < 0 || asprintf(&script, "%s/gdb.txt", kept->dir) < 0
            ? -ENOMEM
            : write_plan(&kept->targets.plans[0], detect, plan);
    if (!result)
        result = write_commands(request->trials, script);
    if (!result)
        result = become(program, kept, script, plan);
    return command_fail(STATUS_HARNESS, "cannot run gdb on %s: %s", id, strerror(-result));
}
