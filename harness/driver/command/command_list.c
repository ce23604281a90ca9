/* `ftstress list`: scenarios, detectors, kept findings. */
#include "driver/command/command.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
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

static int list_scenarios(const char *out)
{
    (void)out;
    struct scenario_list list;
    int error = scenario_list_load(&list), width = 0;
    if (error)
        return command_fail(STATUS_HARNESS, "cannot list the scenarios: %s", strerror(-error));
    for (size_t i = 0; i < list.n; i++)
        width = widest(list.names[i], width);
    for (size_t i = 0; i < list.n; i++) {
        char problem[512] = "the file is gone";
        cleanup_free char *path = NULL;
        struct plan plan;
        plan_init(&plan);
        if (scenario_find(list.names[i], &path) < 0 || plan_load(path, &plan, problem, sizeof problem) < 0)
            printf("%-*s  (%s)\n", width, list.names[i], problem);
        else
            printf("%-*s  %s\n", width, list.names[i], plan.about ? plan.about : "");
        plan_clear(&plan);
    }
    scenario_list_clear(&list);
    return STATUS_CLEAN;
}

static int list_detectors(const char *out)
{
    (void)out;
    int width = 0;
    for (int i = 0; i < DETECTOR_COUNT; i++)
        width = widest(detector_rows[i].name, width);
    for (int i = 0; i < DETECTOR_COUNT; i++)
        printf("%-*s  %s%s\n", width, detector_rows[i].name, detector_rows[i].about,
               DETECTOR_BIT(i) & DETECTOR_DEFAULT ? "" : " (off by default)");
    return STATUS_CLEAN;
}

static json_t *load_finding(const char *out, const char *id)
{
    cleanup_free char *path = NULL;
    if (asprintf(&path, "%s%s%s/finding.json", out, *out ? "/" : "", id) < 0)
        return NULL;
    return json_load_file(path, 0, NULL);
}

static int is_finding(const struct dirent *entry)
{
    return entry->d_name[0] == 'F';
}

static int list_findings(const char *out)
{
    struct dirent **entries;
    int n = scandir(out, &entries, is_finding, alphasort);
    if (n < 0 && errno != ENOENT)
        return command_fail(STATUS_HARNESS, "cannot read %s: %s", out, strerror(errno));
    for (int i = 0; i < n; i++) {
        json_t *finding = load_finding(out, entries[i]->d_name);
        if (finding)
            printf("%-10s %-16s %s\n", entries[i]->d_name,
                   json_string_value(json_object_get(finding, "kind")),
                   json_string_value(json_object_get(finding, "message")));
        json_decref(finding);
        free(entries[i]);
    }
    if (n > 0)
        free(entries);
    else
        printf("no findings under %s/\n", out);
    return STATUS_CLEAN;
}

static const struct {
    const char *name;
    int (*print)(const char *out);
} lists[] = {
    {"scenarios", list_scenarios},
    {"detectors", list_detectors},
    {"findings", list_findings},
};

int command_list(const struct command *self, int argc, char **argv)
{
    struct request request;
    int status = command_options(self, argc, argv, &request);
    if (status >= 0)
        return status;
    const char *what = request.npositionals ? request.positionals[0] : "scenarios";
    status = -1;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(lists[i].name, what) == 0)
            status = lists[i].print(request.out);
    if (status < 0)
        status = command_fail(STATUS_USAGE,
                              "there is no list of '%s'; write scenarios, detectors or findings", what);
    request_clear(&request);
    return status;
}
