/* The lists of known findings of a request: --known, and the baseline. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "driver/baseline/baseline.h"
#include "driver/command/command_inside.h"

int command_load_known(const struct request *request, struct known_list *list)
{
    char error[640];
    int result = 0;
    if (request->update_baseline && !request->baseline)
        return command_fail(STATUS_USAGE, "--update-baseline needs the file: name it with --baseline");
    if (request->known)
        result = known_load(request->known, false, list, error, sizeof error);
    if (!result && request->baseline && request->update_baseline && access(request->baseline, F_OK) < 0 &&
        errno == ENOENT)
        list->has_baseline = true;
    else if (!result && request->baseline)
        result = known_load(request->baseline, true, list, error, sizeof error);
    if (!result && request->update_baseline && (result = fd_can_write(request->baseline)) < 0)
        return command_fail(STATUS_HARNESS, "cannot write %s: %s; name another file with --baseline",
                            request->baseline, strerror(-result));
    return result ? command_fail(STATUS_USAGE, "%s", error) : 0;
}

int command_update_baseline(const struct request *request, const json_t *document)
{
    cleanup_free char *text = NULL;
    int error = baseline_print(document, &text);
    error = error ? error : fd_write_file(request->baseline, text, strlen(text));
    return error ? command_fail(STATUS_HARNESS, "cannot write %s: %s; name another file with --baseline",
                                request->baseline, strerror(-error))
                 : 0;
}
