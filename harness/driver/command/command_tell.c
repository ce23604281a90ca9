/* The end of a run: its report, printed and kept. */
#include "driver/command/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/plan/option.h"
#include "core/wire/status.h"
#include "driver/finding/run.h"
#include "driver/report/reporter.h"

bool command_colour(const struct request *request)
{
    return !request->no_color && !getenv("NO_COLOR") && isatty(STDOUT_FILENO);
}

static bool is_stdout(const char *path)
{
    return strcmp(path, "-") == 0;
}

static int print_text(const json_t *document, const struct request *request)
{
    cleanup_free char *text = NULL;
    const struct report report = {.document = document,
                                  .colour = command_colour(request),
                                  .quiet = request->quiet,
                                  .verbose = request->verbose};
    if (reporter_render(reporter_find("text"), &report, &text) < 0)
        return command_fail(STATUS_HARNESS, "no memory for the report");
    fputs(text, stdout);
    fflush(stdout);
    return 0;
}

static int write_json(const json_t *document, const char *path)
{
    cleanup_free char *text = NULL;
    if (reporter_render(reporter_find("json"), &(struct report){.document = document}, &text) < 0)
        return -ENOMEM;
    if (is_stdout(path))
        return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? -errno : 0;
    return fd_write_file(path, text, strlen(text));
}

/* Writes what the request names, whether or not one of the files fails. Returns 0 or an exit status. */
static int write_all(const struct run *run, const json_t *document, const struct request *request)
{
    int status = 0, error;
    bool other_on_stdout = (request->json && is_stdout(request->json)) ||
                           (request->as && (!request->output || is_stdout(request->output)));
    if (!other_on_stdout)
        status = print_text(document, request);
    error = request->json ? write_json(document, request->json) : 0;
    if (error)
        status = command_fail(STATUS_HARNESS, "cannot write %s: %s; the report above is complete",
                              request->json, strerror(-error));
    error = request->as || request->output ? command_write_form(document, request) : 0;
    status = error ? error : status;
    error = report_keep(run, document, request->out);
    if (error)
        status =
            command_fail(STATUS_HARNESS, "cannot keep findings under %s: %s; name another folder with --out",
                         request->out, strerror(-error));
    else if (run->findings.n > 0 && !request->quiet && !other_on_stdout)
        printf("\n  kept under %s/\n", request->out);
    return status;
}

/* The last line always comes. */
int command_tell(const struct run *run, const struct request *request)
{
    json_t *document = report_document(run);
    int status = document ? write_all(run, document, request)
                          : command_fail(STATUS_HARNESS, "no memory for the report");
    json_decref(document);
    fflush(stdout);
    fprintf(stderr, "ftstress: %zu findings in %" PRIu64 " calls, %.1f s", run->findings.n,
            run->calls + run->serial_calls, run->seconds);
    fprintf(stderr, run->reason ? "; could not test: %s\n" : "\n", run->reason);
    return status ? status : (int)run->status;
}
