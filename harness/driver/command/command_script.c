/* `ftstress report FINDING --as script`, `--as test`, and `--as github` with its script. */
#include "driver/command/command_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/wire/status.h"
#include "driver/command/kept.h"
#include "driver/bisect/bisect.h"
#include "driver/report/document.h"
#include "driver/report/report.h"
#include "driver/script/script.h"

/* Compares its own rate with that of the plan. */
static void note_rate(const struct script *script, const json_t *finding)
{
    const json_t *again = json_object_get(json_object_get(finding, "verification"), "again");
    double hit = document_real(again, "hit"), of = document_real(again, "of");
    fprintf(stderr, "ftstress: the script fails in %u of %u runs", script->hit, script->of);
    if (script->output[0])
        fprintf(stderr, "; one cannot run: %s", script->output);
    else if (script->hit == 0)
        fprintf(stderr, ": send the plan instead; `ftstress show %s` prints it",
                document_text(finding, "id"));
    else if (script_is_rare(script, finding))
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
    const struct plan *plan = kept_smallest(kept, &minimized);
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

/* Says why a bug report has no script, or "". */
static void say_why(const struct script *script, const struct sentence *error, char *why, size_t size)
{
    why[0] = '\0';
    if (!script->text)
        snprintf(why, size, "%s", script->why[0] ? script->why : error->what);
    else if (script->output[0])
        snprintf(why, size, "it cannot run: %s", script->output);
    else if (script->hit == 0)
        snprintf(why, size, "it failed in 0 of %u runs", script->of);
}

/* Adds what only a run in the finding's interpreter can make to the finding of the report. */
static void add_made(const struct kept *kept, json_t *finding)
{
    struct plan minimized;
    struct script script;
    struct sentence error;
    char why[900];
    const struct plan *plan = kept_smallest(kept, &minimized);
    script_write(&kept->mode, "script", plan, kept->finding, &script, &error);
    say_why(&script, &error, why, sizeof why);
    cleanup_free char *runtime = script_runtime(&kept->mode, kept->finding), *yaml = NULL;
    json_object_set_new(finding, "script",
                        json_pack("{s:s?, s:s, s:i, s:i, s:b}", "text", why[0] ? NULL : script.text, "why",
                                  why, "hit", (int)script.hit, "of", (int)script.of, "rare",
                                  script_is_rare(&script, kept->finding)));
    json_object_set_new(finding, "runtime", runtime ? json_string(runtime) : json_null());
    json_object_set_new(finding, "versions", bisect_list_tried(kept->dir));
    if (plan == &minimized && plan_print(plan, &yaml) == 0)
        json_object_set_new(json_object_get(finding, "plan"), "yaml", json_string(yaml));
    script_clear(&script);
    plan_clear(&minimized);
}

static int write_github(struct kept *kept, const struct request *request)
{
    char error[640];
    json_auto_t *document = NULL;
    if (report_load(request->out, request->positionals[0], &document, error, sizeof error) < 0)
        return command_fail(STATUS_UNTESTED, "%s", error);
    add_made(kept, json_array_get(json_object_get(document, "findings"), 0));
    return command_write(request->as, &(struct report){.document = document}, request->output);
}

int command_report_any(const struct request *request)
{
    if (command_is_script(request->as))
        return kept_run(request, write_script);
    if (request->as && strcmp(request->as, "github") == 0 && kept_can_run(request))
        return kept_run(request, write_github);
    return command_report(request);
}
