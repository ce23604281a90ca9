/* `ftstress report`, `ftstress show`, and --as of a run. */
#include "driver/command/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"
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

static const char *form_of(const struct request *request)
{
    return request->as ? request->as : "text";
}

static int render(const struct report *report, const struct request *request)
{
    const char *path = request->output;
    int error = command_render(form_of(request), report, path);
    return error ? command_fail(STATUS_HARNESS, "cannot write %s: %s; name another file with --output",
                                path ? path : "to standard output", strerror(-error))
                 : STATUS_CLEAN;
}

static int render_kept(const struct request *request, bool whole)
{
    char error[640];
    json_t *document;
    const char *what = request->npositionals ? request->positionals[0] : NULL;
    if (report_load(request->out, what, &document, error, sizeof error) < 0)
        return command_fail(STATUS_UNTESTED, "%s", error);
    const struct report report = {
        .document = document, .colour = !request->output && command_colour(request), .whole = whole};
    int status = render(&report, request);
    json_decref(document);
    return status;
}

int command_check_form(const struct request *request, char *error, size_t error_size)
{
    if (reporter_find(form_of(request)))
        return 0;
    return fail(-EINVAL, error, error_size, "there is no form '%s'; write one of %s", request->as,
                command_forms());
}

int command_write_form(const json_t *document, const struct request *request)
{
    return render(&(struct report){.document = document}, request);
}

static int report_as(const struct request *request)
{
    char error[256];
    if (command_check_form(request, error, sizeof error) < 0)
        return command_fail(STATUS_USAGE, "%s", error);
    return render_kept(request, false);
}

static int show(const struct request *request)
{
    if (request->npositionals == 0)
        return command_fail(STATUS_USAGE, "name a finding to show; see `ftstress list findings`");
    return render_kept(request, true);
}

static int run(const struct command *self, int argc, char **argv, int (*act)(const struct request *request))
{
    struct request request;
    int status = command_options(self, argc, argv, &request);
    if (status >= 0)
        return status;
    if (request.npositionals > 1)
        status = command_fail(STATUS_USAGE, "'%s' is one name too many; ftstress %s takes one",
                              request.positionals[1], option_command_names[self->id]);
    else
        status = act(&request);
    request_clear(&request);
    return status;
}

int command_report(const struct command *self, int argc, char **argv)
{
    return run(self, argc, argv, report_as);
}

int command_show(const struct command *self, int argc, char **argv)
{
    return run(self, argc, argv, show);
}
