/* `ftstress report`, `ftstress show`, and --as of a run. */
#include "driver/command/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/plan/option.h"
#include "core/wire/status.h"
#include "driver/report/report.h"
#include "driver/report/reporter.h"

bool command_colour(const struct request *request)
{
    return !request->no_color && !getenv("NO_COLOR") && isatty(STDOUT_FILENO);
}

bool command_is_stdout(const char *path)
{
    return !path || strcmp(path, "-") == 0;
}

int command_write_text(const char *text, int error, const char *path)
{
    bool is_file = !command_is_stdout(path);
    if (!error && is_file)
        error = fd_write_file(path, text, strlen(text));
    else if (!error && (fputs(text, stdout) < 0 || fflush(stdout) != 0))
        error = errno == EPIPE ? 0 : -errno; /* the reader, such as `head`, has what it wanted */
    return error
               ? command_fail(STATUS_HARNESS, "cannot write %s: %s%s", is_file ? path : "to standard output",
                              strerror(-error), is_file ? "; name another file" : "")
               : STATUS_CLEAN;
}

int command_write(const char *form, const struct report *report, const char *path)
{
    cleanup_free char *text = NULL;
    int error = reporter_render(reporter_find(form ? form : "text"), report, &text);
    return command_write_text(text, error, path);
}

static int render_kept(const struct request *request, enum option_command command)
{
    char error[640];
    json_auto_t *document = NULL;
    const char *what = request->npositionals ? request->positionals[0] : NULL;
    if (report_load(request->out, what, &document, error, sizeof error) < 0)
        return command_fail(STATUS_UNTESTED, "%s", error);
    const struct report report = {.document = document,
                                  .colour = !request->output && command_colour(request),
                                  .whole = command == OPTION_SHOW};
    return command_write(request->as, &report, request->output);
}

int command_report(const struct request *request)
{
    return render_kept(request, OPTION_REPORT);
}

int command_show(const struct request *request)
{
    if (request->npositionals == 0)
        return command_fail(STATUS_USAGE, "name a finding to show; see `ftstress list findings`");
    return render_kept(request, OPTION_SHOW);
}
