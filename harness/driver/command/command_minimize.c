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

/* Prints "fails in 5 of 5 fresh children, 0.9 times a second". */
static void print_rate(const char *title, const struct repeat *repeat, double seconds)
{
    const struct trials *again = &repeat->found.again;
    printf("  %s: fails in %u of %u fresh children, %.2g times a second with their starts\n", title,
           again->hit, again->of, seconds > 0 ? again->hit / seconds : 0);
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

static int tell(const struct minimize *minimize, const json_t *finding)
{
    cleanup_free char *path = NULL;
    bool fails = minimize->after.found.again.hit > 0;
    const char *rest = minimize->interrupted ? "interrupted: the same command goes on from here"
                       : !minimize->complete ? "the time is over: the same command goes on from here"
                                             : "no smaller plan fails as often";
    printf("%s  %s  %s\n", minimize->id, document_text(finding, "kind"), document_text(finding, "message"));
    printf("  %u candidates in %u children, %.0f s; %u steps taken; %s\n", minimize->candidates,
           minimize->children, minimize->seconds, minimize->accepted, rest);
    print_rate("before", &minimize->before, minimize->before_seconds);
    if (minimize->after_seconds > 0)
        print_rate("now", &minimize->after, minimize->after_seconds);
    if (asprintf(&path, "%s/plan.yaml", minimize->dir) < 0 || print_plan(path) < 0)
        return command_fail(STATUS_HARNESS, "cannot read the plan under %s", minimize->dir);
    fflush(stdout);
    fprintf(stderr, "ftstress: the smallest plan is %s\n", path);
    return fails ? STATUS_FINDING : STATUS_UNTESTED;
}

static int minimize(struct kept *kept, const struct request *request)
{
    char error[640] = "no memory";
    cleanup_free char *dir = NULL, *plan = NULL;
    uint64_t time = REQUEST_GAVE(request, plan.time) ? request->plan.time : TIME;
    struct minimize minimize = {
        .mode = &kept->mode,
        .settings = command_settings(&kept->mode),
        .id = document_text(kept->finding, "id"),
        .signature = document_text(kept->finding, "signature"),
        .needed = {document_text(kept->finding, "detector"), document_text(kept->finding, "statement")},
        .deadline = clock_now() + time};
    int result = asprintf(&dir, "%s/minimized", kept->dir) < 0 ? -ENOMEM : fd_make_dirs(dir);
    if (result)
        return command_fail(STATUS_HARNESS, "cannot write %s: %s", dir ? dir : kept->dir, strerror(-result));
    if (asprintf(&plan, "%s/plan.yaml", kept->dir) >= 0) {
        minimize.dir = dir;
        minimize.plan = plan;
        result = minimize_run(&minimize, error, sizeof error);
    }
    int status = result == -ECANCELED
                     ? command_fail(STATUS_UNTESTED,
                                    "%s does not fail in %u fresh children, so nothing can be made smaller; "
                                    "give it more --time, or try `ftstress reproduce %s`",
                                    minimize.id, minimize.before.found.again.of, minimize.id)
                 : result ? command_fail(STATUS_HARNESS, "%s", error)
                          : tell(&minimize, kept->finding);
    minimize_clear(&minimize);
    return status;
}

int command_minimize(const struct request *request)
{
    return kept_run(request, minimize);
}
