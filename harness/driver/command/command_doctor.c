/* `ftstress doctor`. */
#include "base/fd.h"
#include "core/wire/landmarks.h"
#include "core/wire/status.h"
#include "driver/command/command.h"
#include "driver/doctor/doctor.h"
#include "driver/tool/probe.h"

int command_doctor(const struct request *request)
{
    cleanup_free char *child = NULL;
    if (probe_find_beside(CHILD_PROGRAM, &child) < 0)
        return command_fail(STATUS_HARNESS,
                            "ftstress-child is not beside this program; build it with scripts/setup.sh");
    return doctor_run(request->python, child, command_colour(request), stdout);
}
