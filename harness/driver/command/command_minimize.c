/* `ftstress minimize`: the smallest plan of a kept finding. */
#include "driver/command/command_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "core/wire/status.h"
#include "driver/command/kept.h"
#include "driver/minimize/minimize.h"
#include "driver/report/document.h"

#define TIME (600 * CLOCK_SECOND)

static void print_rate(const char *title, const struct rate *rate)
{
    double low, high;
    rate_interval(rate, &low, &high);
    printf(
        "  %s: fails in %u of %u fresh children, %.2g times in a second of a child (%.2g to %.2g at 95 %%, exact "
        "Poisson interval)\n",
        title, rate->hit, rate->of, rate_per_second(rate), low, high);
}

static int print_plan(const char *path)
{
    char *text = NULL;
    size_t size;
    int error = fd_read_file(path, &text, &size);
    if (!error)
        printf("\n%s", text);
    free(text);
    return error;
}

/* A consequence is found with its cause, which is the one to report. */
static void print_cause(const json_t *finding)
{
    const char *cause = document_text(finding, "cause");
    if (*cause)
        printf("  a consequence of %s: `ftstress minimize %s` makes the plan of that finding smaller\n",
               cause, cause);
}

static int tell(const struct minimize *minimize, const json_t *finding)
{
    cleanup_free char *path = NULL;
    const char *rest = minimize->tester.interrupted ? "interrupted: the same command goes on from here"
                       : !minimize->complete        ? "the time is over: the same command goes on from here"
                                                    : "no smaller plan fails as often";
    printf("%s  %s  %s\n", document_text(finding, "id"), document_text(finding, "kind"),
           document_text(finding, "message"));
    print_cause(finding);
    printf("  %u candidates in %u children, %.0f s; %u steps taken; %s\n", minimize->candidates,
           minimize->children, minimize->seconds, minimize->accepted, rest);
    print_rate("before", &minimize->before);
    if (minimize->after.of > 0)
        print_rate("now", &minimize->after);
    if (asprintf(&path, "%s/plan.yaml", minimize->dir) < 0 || print_plan(path) < 0)
        return command_fail(STATUS_HARNESS, "cannot read the plan under %s", minimize->dir);
    fflush(stdout);
    fprintf(stderr, "ftstress: the smallest plan%s is %s\n", minimize->complete ? "" : " so far", path);
    return minimize->after.hit > 0 ? STATUS_FINDING : STATUS_UNTESTED;
}

/* The statements of the finding that explains this one, and lies beside it. Returns an array. */
static json_t *find_causes(const struct kept *kept)
{
    json_t *causes = json_array();
    cleanup_free char *path = NULL;
    if (asprintf(&path, "%s/../%s/finding.json", kept->dir, document_text(kept->finding, "cause")) < 0)
        return causes;
    json_auto_t *cause = json_load_file(path, 0, NULL);
    if (*document_text(cause, "statement"))
        json_array_append(causes, json_object_get(cause, "statement"));
    return causes;
}

static int minimize(struct kept *kept, const struct request *request)
{
    char error[640] = "no memory";
    cleanup_free char *dir = NULL;
    uint64_t time = REQUEST_GAVE(request, plan.time) ? request->plan.time : TIME;
    json_auto_t *causes = find_causes(kept);
    const char *id = document_text(kept->finding, "id");
    struct minimize minimize = {.tester = {.mode = &kept->mode,
                                           .settings = command_settings(&kept->mode),
                                           .jobs = command_jobs(request),
                                           .quiet = request->quiet},
                                .signature = document_text(kept->finding, "signature"),
                                .needed = {.detector = document_text(kept->finding, "detector"),
                                           .statement = document_text(kept->finding, "statement"),
                                           .causes = causes},
                                .plan = &kept->targets.plans[0],
                                .deadline = clock_now() + time};
    int result = asprintf(&dir, "%s/minimized", kept->dir) < 0 ? -ENOMEM : fd_make_dirs(dir);
    if (result)
        return command_fail(STATUS_HARNESS, "cannot write %s: %s", dir ? dir : kept->dir, strerror(-result));
    minimize.dir = dir;
    result = minimize_run(&minimize, error, sizeof error);
    int status = result == -ECANCELED
                     ? command_fail(STATUS_UNTESTED,
                                    "%s does not fail in %u fresh children, so nothing can be made smaller; "
                                    "give it more --time, or try `ftstress reproduce %s`",
                                    id, minimize.before.of, id)
                 : result ? command_fail(STATUS_HARNESS, "%s", error)
                          : tell(&minimize, kept->finding);
    minimize_clear(&minimize);
    return status;
}

int command_minimize(const struct request *request)
{
    return kept_run(request, minimize);
}
