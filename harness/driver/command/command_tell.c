/* The end of a run: its report, printed and kept. */
#include "driver/command/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "core/plan/option.h"
#include "core/wire/status.h"
#include "driver/baseline/baseline.h"
#include "driver/finding/run.h"
#include "driver/report/document.h"
#include "driver/report/report.h"

static int print_text(const json_t *document, const struct request *request)
{
    const struct report report = {.document = document,
                                  .colour = command_colour(request),
                                  .quiet = request->quiet,
                                  .verbose = request->verbose};
    return command_write(NULL, &report, NULL);
}

/* Writes the baseline for the next run. Returns 0, or an exit status after an error message. */
static int update_baseline(const struct request *request, const json_t *document)
{
    cleanup_free char *text = NULL;
    int error = baseline_print(document, &text);
    error = error ? error : fd_write_file(request->baseline, text, strlen(text));
    return error ? command_fail(STATUS_HARNESS, "cannot write %s: %s; name another file with --baseline",
                                request->baseline, strerror(-error))
                 : 0;
}

static size_t count_findings(const json_t *document)
{
    return json_array_size(json_object_get(document, "findings"));
}

/* Writes what the request names, whether or not one of the files fails. Returns 0 or an exit status. */
static int write_all(const struct run *run, json_t *document, const struct request *request)
{
    const struct report report = {.document = document};
    int error = report_keep(run, document, request->out); /* first: it decides what can be run again */
    bool other_on_stdout = (request->json && command_is_stdout(request->json)) ||
                           (request->as && command_is_stdout(request->output));
    int status = other_on_stdout ? 0 : print_text(document, request);
    if (request->json)
        status |= command_write("json", &report, request->json);
    if (request->as || request->output)
        status |= command_write(request->as, &report, request->output);
    if (error)
        status =
            command_fail(STATUS_HARNESS, "cannot keep the run under %s: %s; name another folder with --out",
                         request->out, strerror(-error));
    else if (count_findings(document) > 0 && !request->quiet && !other_on_stdout)
        printf("\n  kept under %s/\n", request->out);
    return request->update_baseline ? status | update_baseline(request, document) : status;
}

/* The last line always comes. */
int command_tell_document(const struct run *run, json_t *document, const struct request *request)
{
    if (request->baseline)
        baseline_judge(document);
    int status = document ? write_all(run, document, request)
                          : command_fail(STATUS_HARNESS, "no memory for the report");
    size_t n = count_findings(document);
    fflush(stdout);
    fprintf(stderr, "ftstress: %zu finding%s in %" PRIu64 " calls, %.1f s%s", n, n == 1 ? "" : "s",
            run->calls + run->serial_calls, run->seconds,
            run->interrupted && !run->reason ? "; interrupted before its end" : "");
    const char *separator = "; known: ";
    size_t i;
    const json_t *finding;
    json_array_foreach (json_object_get(document, "findings"), i, finding)
        if (document_is_known(finding)) {
            fprintf(stderr, "%s%s", separator, document_text(finding, "id"));
            separator = ", ";
        }
    fprintf(stderr, run->reason ? "; could not test: %s\n" : "\n", run->reason);
    return status ? status : (int)run->status;
}

int command_tell(const struct run *run, const struct request *request)
{
    json_auto_t *document = report_document(run);
    return command_tell_document(run, document, request);
}
