/* `ftstress report FINDING --as script` and `--as test`. */
#include "driver/command/command_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/wire/status.h"
#include "driver/command/kept.h"
#include "driver/report/document.h"
#include "driver/script/script.h"

/* Reads the minimized plan into *ret where there is one. */
static bool load_minimized(const struct kept *kept, struct plan *ret)
{
    char error[640];
    cleanup_free char *path = NULL;
    plan_init(ret);
    return asprintf(&path, "%s/minimized/plan.yaml", kept->dir) >= 0 && access(path, R_OK) == 0 &&
           plan_load(path, ret, error, sizeof error) == 0;
}

/* Compares its own rate with that of the plan. */
static void note_rate(const struct script *script, const json_t *finding)
{
    const json_t *again = json_object_get(json_object_get(finding, "verification"), "again");
    double hit = document_real(again, "hit"), of = document_real(again, "of");
    fprintf(stderr, "ftstress: the script fails in %u of %u runs", script->hit, script->of);
    if (script->output[0])
        fprintf(stderr, "; one cannot run: %s", script->output);
    else if (of > 0 && 2.0 * script->hit * of < hit * script->of)
        fprintf(stderr,
                ", and the plan in %.0f of %.0f children: send the plan, too; `ftstress show %s` prints it",
                hit, of, document_text(finding, "id"));
    fputc('\n', stderr);
}

static int write_script(struct kept *kept, const struct request *request)
{
    struct plan minimized;
    struct script script;
    struct sentence error;
    bool is_minimized = load_minimized(kept, &minimized);
    const struct plan *plan = is_minimized ? &minimized : &kept->targets.plans[0];
    int status = script_write(&kept->mode, request->as, plan, kept->finding, &script, &error) < 0
                     ? command_fail_sentence(STATUS_HARNESS, &error)
                 : !script.text
                     ? command_fail(STATUS_UNTESTED, "there is no script of %s: %s; its plan is %s/plan.yaml",
                                    request->positionals[0], script.why, kept->dir)
                     : command_write_text(script.text, 0, request->output);
    if (status == STATUS_CLEAN)
        note_rate(&script, kept->finding);
    script_clear(&script);
    plan_clear(&minimized);
    return status;
}

int command_report_any(const struct request *request)
{
    if (!command_is_script(request->as))
        return command_report(request);
    return kept_run(request, write_script);
}
