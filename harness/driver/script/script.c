#include "driver/script/script.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/embed.h"
#include "base/fd.h"
#include "base/text.h"
#include "driver/report/document.h"
#include "driver/tool/probe_run.h"

EMBED(script_source, FTSTRESS_SCRIPT);

/* A run may wait for a thread that hangs. */
#define RUN_LIMIT ((SCRIPT_SECONDS + 40) * CLOCK_SECOND)

static json_t *facts_of(const struct script *script, const struct plan *plan, const json_t *finding)
{
    const struct reducer_hint hint = {.detector = document_text(finding, "detector"),
                                      .statement = document_text(finding, "statement")};
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:o}", "id", document_text(finding, "id"),
                     "kind", document_text(finding, "kind"), "function", document_text(finding, "function"),
                     "package", document_text(finding, "package"), "message",
                     document_text(finding, "message"), "hit", (int)script->hit, "of", (int)script->of,
                     "seconds", SCRIPT_SECONDS, "plan", reducer_describe(plan, &hint));
}

/* Returns the text, or NULL: with *error, or with why there is none. The caller's. */
static char *make_text(const struct mode_run *mode, const char *form, const struct plan *plan,
                       const json_t *finding, struct script *script, struct sentence *error)
{
    json_auto_t *facts = facts_of(script, plan, finding);
    json_auto_t *answer =
        reducer_ask(mode, &(struct reducer_question){script_source, form, "script", facts, 0}, error);
    const char *text = document_text(answer, "text");
    snprintf(script->why, sizeof script->why, "%s", document_text(answer, "why"));
    return *text ? strdup(text) : NULL;
}

/* It failed if it printed so, or a signal ended it. */
static void count_run(struct script *script, const struct probe_job *job)
{
    bool ended = !job->error && WIFEXITED(job->status), crashed = !job->error && WIFSIGNALED(job->status);
    bool said = job->out && strstr(job->out, "failed: ");
    script->of++;
    script->hit += crashed || said || job->error == -ETIMEDOUT;
    if (ended && WEXITSTATUS(job->status) != 0 && !said)
        probe_reason(job, script->output, sizeof script->output);
}

static void run_text(const struct mode_run *mode, struct script *script)
{
    char *argv[] = {mode->probe.executable, (char *)"-c", script->text, NULL};
    for (unsigned i = 0; i < SCRIPT_RUNS && !script->output[0]; i++) {
        struct probe_job job = {.argv = argv, .launch = &mode->launch, .limit = RUN_LIMIT};
        probe_run(&job, 1);
        count_run(script, &job);
        probe_job_clear(&job);
    }
}

int script_write(const struct mode_run *mode, const char *form, const struct plan *plan,
                 const json_t *finding, struct script *ret, struct sentence *error)
{
    *ret = (struct script){0};
    *error = (struct sentence){0};
    ret->text = make_text(mode, "script", plan, finding, ret, error);
    if (!ret->text)
        return error->what[0] ? -EIO : 0;
    run_text(mode, ret);
    free(ret->text);
    ret->text = make_text(mode, form, plan, finding, ret, error);
    return ret->text ? 0 : -EIO;
}

bool script_is_rare(const struct script *script, const json_t *finding)
{
    const json_t *again = json_object_get(json_object_get(finding, "verification"), "again");
    double hit = document_real(again, "hit"), of = document_real(again, "of");
    return of > 0 && 2.0 * script->hit * of < hit * script->of;
}

char *script_runtime(const struct mode_run *mode, const json_t *finding)
{
    struct sentence error;
    json_auto_t *answer = reducer_ask(mode,
                                      &(struct reducer_question){script_source, "runtime", "script",
                                                                 json_object_get(finding, "environment"), 0},
                                      &error);
    const char *text = document_text(answer, "text");
    return *text ? strdup(text) : NULL;
}

void script_clear(struct script *script)
{
    free(script->text);
    script->text = NULL;
}
