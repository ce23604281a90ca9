/* `ftstress list`: scenarios and detectors. */
#include "driver/command/command_inside.h"

#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/list.h"
#include "core/plan/detector_list.h"
#include "core/plan/option.h"
#include "core/wire/status.h"
#include "driver/command/scenario_list.h"

/* The width of a column: that of the longest name. */
static int widest(const char *name, int width)
{
    int length = (int)strlen(name);
    return length > width ? length : width;
}

static int list_scenarios(void)
{
    char **names = NULL;
    size_t n = 0;
    int error = scenario_list(&names, &n), width = 0;
    if (error)
        return command_fail(STATUS_HARNESS, "cannot list the scenarios: %s", strerror(-error));
    for (size_t i = 0; i < n; i++)
        width = widest(names[i], width);
    for (size_t i = 0; i < n; i++) {
        char problem[512] = "the file is gone";
        cleanup_free char *path = NULL;
        struct plan plan;
        plan_init(&plan);
        if (scenario_find(names[i], &path) < 0 || plan_load(path, &plan, problem, sizeof problem) < 0)
            printf("%-*s  (%s)\n", width, names[i], problem);
        else
            printf("%-*s  %s\n", width, names[i], plan.about ? plan.about : "");
        plan_clear(&plan);
    }
    strings_free(names, n);
    return STATUS_CLEAN;
}

static int list_detectors(void)
{
    int width = 0;
    for (int i = 0; i < DETECTOR_COUNT; i++)
        width = widest(detector_rows[i].name, width);
    for (int i = 0; i < DETECTOR_COUNT; i++)
        printf("%-*s  %s%s\n", width, detector_rows[i].name, detector_rows[i].about,
               DETECTOR_BIT(i) & DETECTOR_DEFAULT ? "" : " (off by default)");
    return STATUS_CLEAN;
}

int command_list(const struct request *request)
{
    const char *what = request->npositionals ? request->positionals[0] : "scenarios";
    if (strcmp(what, "scenarios") == 0)
        return list_scenarios();
    if (strcmp(what, "detectors") == 0)
        return list_detectors();
    if (strcmp(what, "findings") == 0)
        return command_list_findings(request);
    return command_fail(STATUS_USAGE, "there is no list of '%s'; write scenarios, detectors or findings",
                        what);
}
