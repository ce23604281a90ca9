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
    probe_find_beside(CHILD_PROGRAM, &child);
    if (request->npositionals && request->python)
        return command_fail(STATUS_USAGE, "'%s' and -p name two interpreters; keep one",
                            *request->positionals);
    return doctor_run(request->npositionals ? *request->positionals : request->python, child,
                      command_colour(request), stdout);
}
