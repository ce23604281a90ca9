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

int command_render(const char *form, const struct report *report, const char *path)
{
    cleanup_free char *text = NULL;
    if (reporter_render(reporter_find(form), report, &text) < 0)
        return -ENOMEM;
    if (path && strcmp(path, "-") != 0)
        return fd_write_file(path, text, strlen(text));
    return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? -errno : 0;
}

int command_write_form(const struct report *report, const struct request *request)
{
    const char *path = request->output;
    int error = command_render(request->as ? request->as : "text", report, path);
    return error ? command_fail(STATUS_HARNESS, "cannot write %s: %s; name another file with --output",
                                path ? path : "to standard output", strerror(-error))
                 : STATUS_CLEAN;
}

static int render_kept(const struct request *request, enum option_command command)
{
    char error[640];
    json_auto_t *document = NULL;
    const char *what = request->npositionals ? request->positionals[0] : NULL;
    if (request->npositionals > 1)
        return command_fail(STATUS_USAGE, "'%s' is one name too many; ftstress %s takes one",
                            request->positionals[1], option_command_names[command]);
    if (report_load(request->out, what, &document, error, sizeof error) < 0)
        return command_fail(STATUS_UNTESTED, "%s", error);
    const struct report report = {.document = document,
                                  .colour = !request->output && command_colour(request),
                                  .whole = command == OPTION_SHOW};
    return command_write_form(&report, request);
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
