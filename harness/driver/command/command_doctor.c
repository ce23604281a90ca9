/* `ftstress doctor`. */
#include "driver/command/command.h"

#include <stdlib.h>
#include <unistd.h>
#include <stdio.h>

#include "base/fd.h"
#include "core/plan/option.h"
#include "core/wire/landmarks.h"
#include "core/wire/status.h"
#include "driver/doctor/doctor.h"
#include "driver/tool/probe.h"

int command_doctor(const struct command *self, int argc, char **argv)
{
    struct request request;
    cleanup_free char *child = NULL;
    int status = command_options(self, argc, argv, &request);
    if (status >= 0)
        return status;
    if (probe_find_beside(CHILD_PROGRAM, &child) < 0)
        status = command_fail(STATUS_HARNESS,
                              "ftstress-child is not beside this program; build it with scripts/setup.sh");
    else
        status = doctor_run(request.python, child,
                            !request.no_color && !getenv("NO_COLOR") && isatty(STDOUT_FILENO), stdout);
    request_clear(&request);
    return status;
}
