/* The end of a run: its report, printed and kept. */
#include "driver/command/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/plan/option.h"
#include "core/wire/status.h"
#include "driver/finding/run.h"
#include "driver/report/report.h"

static bool is_stdout(const char *path)
{
    return strcmp(path, "-") == 0;
}

static int print_text(const json_t *document, const struct request *request)
{
    const struct report report = {.document = document,
                                  .colour = command_colour(request),
                                  .quiet = request->quiet,
                                  .verbose = request->verbose};
    int error = command_render("text", &report, NULL);
    return error ? command_fail(STATUS_HARNESS, "cannot write to standard output: %s", strerror(-error)) : 0;
}

/* Writes what the request names, whether or not one of the files fails. Returns 0 or an exit status. */
static int write_all(const struct run *run, const json_t *document, const struct request *request)
{
    int status = 0, error;
    bool other_on_stdout = (request->json && is_stdout(request->json)) ||
                           (request->as && (!request->output || is_stdout(request->output)));
    if (!other_on_stdout)
        status = print_text(document, request);
    error = request->json ? command_render("json", &(struct report){.document = document}, request->json) : 0;
    if (error)
        status = command_fail(STATUS_HARNESS, "cannot write %s: %s; the report above is complete",
                              request->json, strerror(-error));
    error = request->as || request->output
                ? command_write_form(&(struct report){.document = document}, request)
                : 0;
    status = error ? error : status;
    error = report_keep(run, document, request->out);
    if (error)
        status = command_fail_out(request, error);
    else if (run->findings.n > 0 && !request->quiet && !other_on_stdout)
        printf("\n  kept under %s/\n", request->out);
    return status;
}

/* The last line always comes. */
int command_tell(const struct run *run, const struct request *request)
{
    json_auto_t *document = report_document(run);
    int status = document ? write_all(run, document, request)
                          : command_fail(STATUS_HARNESS, "no memory for the report");
    fflush(stdout);
    fprintf(stderr, "ftstress: %zu findings in %" PRIu64 " calls, %.1f s", run->findings.n,
            run->calls + run->serial_calls, run->seconds);
    fprintf(stderr, run->reason ? "; could not test: %s\n" : "\n", run->reason);
    return status ? status : (int)run->status;
}
