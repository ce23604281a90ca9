/* `ftstress bisect`: between which releases a kept finding comes or goes. */
#include "driver/command/command_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "core/wire/status.h"
#include "driver/bisect/bisect.h"
#include "driver/command/kept.h"
#include "driver/report/document.h"

#define TIME (1800 * CLOCK_SECOND)

/* NOLINTBEGIN(clang-analyzer-unix.Malloc): cleanup_free */
/* Reads "A..B", either of which may be left out; without a range, from the finding's version to the newest. */
static int read_range(const struct request *request, const json_t *finding, struct bisect *bisect)
{
    const struct version_list *versions = bisect->versions;
    const char *range = request->npositionals > 2 ? request->positionals[2] : NULL;
    const char *dots = range ? strstr(range, "..") : NULL;
    const char *own = document_text(json_object_get(finding, "environment"), bisect->package);
    cleanup_free char *from = dots ? strndup(range, (size_t)(dots - range)) : strdup(own);
    bisect->from = from && *from ? versions_at(versions, from) : dots ? 0 : versions->n;
    bisect->to = dots && dots[2] ? versions_at(versions, dots + 2) : versions->n - 1;
    if (range && !dots)
        return command_fail(STATUS_USAGE, "'%s' is no range of versions; write for example 2.2.0..2.2.6",
                            range);
    if (bisect->from >= versions->n || bisect->to >= versions->n || bisect->from >= bisect->to)
        return command_fail(
            STATUS_USAGE,
            "%s has no wheels for %s%s%s in this order; pip lists %s to %s: write for example %s..%s",
            bisect->package, from ? from : "", dots ? " and " : "", dots ? dots + 2 : "", versions->items[0],
            versions->items[versions->n - 1], versions->items[0], versions->items[versions->n - 1]);
    return 0;
}
/* NOLINTEND(clang-analyzer-unix.Malloc) */

static void print_versions(const struct bisect *bisect)
{
    char text[320];
    for (size_t i = bisect->from; i <= bisect->to; i++)
        if (bisect->tries[i].of || bisect->tries[i].why[0]) {
            bisect_say(&bisect->tries[i], text, sizeof text);
            printf("  %-12s %s\n", bisect->tries[i].version, text);
        }
    for (size_t i = 0; i < bisect->versions->nwithout; i++)
        printf("%s%s", i ? ", " : "  without a wheel for this interpreter: ", bisect->versions->without[i]);
    if (bisect->versions->nwithout)
        putchar('\n');
}

static int tell(const struct bisect *bisect, int result)
{
    const struct bisect_try *before = &bisect->tries[bisect->before], *after = &bisect->tries[bisect->after];
    char one[320], other[320];
    printf("%s  %s\n", document_text(bisect->finding, "id"), document_text(bisect->finding, "message"));
    print_versions(bisect);
    bisect_say(before, one, sizeof one);
    bisect_say(after, other, sizeof other);
    if (bisect->found && before->hit)
        printf("  fails in %s %s (%s), not in %s (%s)\n", bisect->package, before->version,
               one + strlen("fails in "), after->version, other);
    else if (bisect->found)
        printf("  does not fail in %s %s (%s), but in %s (%s)\n", bisect->package, before->version, one,
               after->version, other + strlen("fails in "));
    fflush(stdout);
    if (bisect->found)
        fprintf(stderr, "ftstress: it %s between %s %s and %s\n", before->hit ? "goes away" : "comes",
                bisect->package, before->version, after->version);
    else if (result == -ETIME)
        fprintf(stderr,
                "ftstress: not decided: the time is over, or it was interrupted; the same command goes on\n");
    else
        fprintf(
            stderr,
            "ftstress: not decided: %s fails at both ends of the range, or at none; write another range\n",
            bisect->package);
    return bisect->found ? STATUS_CLEAN : STATUS_UNTESTED;
}

static int bisect(struct kept *kept, const struct request *request)
{
    const char *package = request->positionals[1];
    struct version_list versions = {0};
    struct sentence error;
    cleanup_free char *state = NULL;
    uint64_t time = REQUEST_GAVE(request, plan.time) ? request->plan.time : TIME;
    struct bisect bisect = {.request = &kept->asked,
                            .mode = &kept->mode,
                            .settings = command_settings(&kept->mode),
                            .plan = &kept->targets.plans[0],
                            .finding = kept->finding,
                            .package = package,
                            .versions = &versions,
                            .deadline = clock_now() + time};
    if (asprintf(&state, "%s/bisect-%s.json", kept->dir, package) < 0)
        return command_fail(STATUS_HARNESS, "no memory");
    bisect.state = state;
    int status = versions_find(&kept->mode, package, &versions, &error) < 0
                     ? command_fail_sentence(STATUS_UNTESTED, &error)
                     : read_range(request, kept->finding, &bisect);
    int result = status ? 0 : bisect_run(&bisect, &error);
    if (!status)
        status = result && result != -ETIME ? command_fail_sentence(STATUS_UNTESTED, &error)
                                            : tell(&bisect, result);
    bisect_clear(&bisect);
    versions_clear(&versions);
    return status;
}

int command_bisect(const struct request *request)
{
    if (request->npositionals < 2)
        return command_fail(STATUS_USAGE, "name a finding and a package; see `ftstress bisect --help`");
    return kept_run(request, bisect);
}
