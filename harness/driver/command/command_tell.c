/* The end of a run: its report, in every way that the request asks for. */
#include "driver/command/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/plan/option.h"
#include "driver/report/report.h"

static bool wants_colour(const struct request *request, FILE *out)
{
    return !request->no_color && !getenv("NO_COLOR") && isatty(fileno(out));
}

static int write_json(const struct run *run, const char *path)
{
    cleanup_free char *text = NULL;
    int error = report_json(run, &text);
    if (error)
        return error;
    if (strcmp(path, "-") == 0)
        return puts(text) < 0 || fflush(stdout) != 0 ? -errno : 0;
    return fd_write_file(path, text, strlen(text));
}

/* Every way of keeping results is tried, whatever became of the others; the last line always comes. */
int command_tell(const struct run *run, const struct request *request)
{
    int status = run->status;
    bool other_on_stdout = (request->json && strcmp(request->json, "-") == 0) ||
                           (request->as && (!request->output || strcmp(request->output, "-") == 0));
    if (!other_on_stdout)
        report_text(run, stdout, wants_colour(request, stdout), request->quiet);
    int error = request->json ? write_json(run, request->json) : 0;
    if (error)
        status = command_fail(STATUS_HARNESS, "cannot write %s: %s; the report above is complete",
                              request->json, strerror(-error));
    error = request->as || request->output ? command_write_form(run, request) : 0;
    if (error)
        status = error;
    error = report_keep(run, request->out);
    if (error)
        status =
            command_fail(STATUS_HARNESS, "cannot keep findings under %s: %s; name another folder with --out",
                         request->out, strerror(-error));
    else if (run->findings.n > 0 && !request->quiet && !other_on_stdout)
        printf("\n  kept under %s/\n", request->out);
    fflush(stdout);
    fprintf(stderr, "ftstress: %zu findings in %" PRIu64 " calls, %.1f s", run->findings.n,
            run->calls + run->serial_calls, run->seconds);
    fprintf(stderr, run->reason ? "; could not test: %s\n" : "\n", run->reason);
    return status;
}
