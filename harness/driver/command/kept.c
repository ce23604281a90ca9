#include "driver/command/kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "core/wire/status.h"
#include "driver/command/command_inside.h"
#include "driver/report/document.h"
#include "driver/report/report.h"

/* Loads the document of the finding and names its folder. */
static int load(struct kept *kept, const struct request *request)
{
    const char *what = request->positionals[0];
    cleanup_free char *path = NULL;
    if (report_find(request->out, what, &path) == 0 && strcmp(path_base(path), "finding.json") == 0)
        kept->finding = json_load_file(path, 0, NULL);
    if (!*document_text(kept->finding, "id") || !*document_text(kept->finding, "signature"))
        return command_fail(STATUS_UNTESTED,
                            "'%s' is no kept finding, here or under %s; see `ftstress list findings`", what,
                            request->out);
    int length = (int)(path_base(path) - path);
    if (asprintf(&kept->dir, "%.*s", length > 1 ? length - 1 : 1, length ? path : ".") < 0)
        kept->dir = NULL;
    return kept->dir ? 0 : command_fail(STATUS_HARNESS, "no memory");
}

static int open_kept(struct kept *kept, const struct request *request)
{
    char error[640];
    struct sentence why;
    *kept = (struct kept){.asked = *request};
    if (request->npositionals == 0)
        return command_fail(STATUS_USAGE, "name a finding; see `ftstress list findings`");
    int status = load(kept, request);
    if (status)
        return status;
    const char *interpreter = document_text(kept->finding, "interpreter");
    request_forget(&kept->asked, offsetof(struct request, plan.time));
    kept->asked.npositionals = 1;
    if (!request->python && access(interpreter, X_OK) == 0)
        kept->asked.python = interpreter;
    kept->asked.tsan |= strcmp(document_text(kept->finding, "detector"), "tsan") == 0;
    command_hold_signals();
    if (target_resolve(&kept->asked, &kept->targets, error, sizeof error))
        return command_fail(STATUS_UNTESTED, "%s", error);
    kept->mode =
        (struct mode_run){.row = mode_choose(&kept->asked, kept->targets.plans, kept->targets.n, &why),
                          .request = &kept->asked};
    if (!kept->mode.row)
        return command_fail_sentence(STATUS_USAGE, &why);
    status = mode_open(&kept->mode, kept->targets.plans, kept->targets.n, &why);
    return status ? command_fail_sentence(status, &why) : 0;
}

bool kept_can_run(const struct request *request)
{
    cleanup_free char *path = NULL;
    if (request->npositionals == 0 || report_find(request->out, request->positionals[0], &path) < 0 ||
        strcmp(path_base(path), "finding.json") != 0)
        return false;
    json_auto_t *finding = json_load_file(path, 0, NULL);
    return access(document_text(finding, "interpreter"), X_OK) == 0;
}

const struct plan *kept_smallest(const struct kept *kept, struct plan *scratch)
{
    char error[640];
    cleanup_free char *path = NULL;
    plan_init(scratch);
    bool is_there = asprintf(&path, "%s/minimized/plan.yaml", kept->dir) >= 0 && access(path, R_OK) == 0 &&
                    plan_load(path, scratch, error, sizeof error) == 0;
    return is_there ? scratch : &kept->targets.plans[0];
}

int kept_run(const struct request *request, int (*act)(struct kept *kept, const struct request *request))
{
    struct kept kept;
    int status = open_kept(&kept, request);
    if (!status)
        status = act(&kept, request);
    if (kept.mode.row)
        mode_close(&kept.mode);
    target_list_clear(&kept.targets);
    json_decref(kept.finding);
    free(kept.dir);
    return status;
}
