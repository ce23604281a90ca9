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
#include "driver/tool/query.h"

EMBED(script_source, FTSTRESS_SCRIPT);

/* A run may wait for a thread that hangs. */
#define RUN_LIMIT ((SCRIPT_SECONDS + 40) * CLOCK_SECOND)
/* Runs that are enough after this time, and the time. */
#define RUNS_LEAST 3
#define RUNS_LIMIT (45 * CLOCK_SECOND)

static json_t *facts_of(const struct script *script, const struct plan *plan, const json_t *finding)
{
    const struct reducer_hint hint = {.detector = document_text(finding, "detector"),
                                      .statement = document_text(finding, "statement")};
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:b, s:o}", "id", document_text(finding, "id"),
                     "kind", document_text(finding, "kind"), "function", document_text(finding, "function"),
                     "package", document_text(finding, "package"), "message",
                     document_text(finding, "message"), "hit", (int)script->hit, "of", (int)script->of,
                     "seconds", SCRIPT_SECONDS, "checked", script->checked, "plan",
                     reducer_describe(plan, &hint));
}

/* Returns the text, or NULL: with *error, or with why there is none. The caller's. */
static char *make_text(const struct mode_run *mode, const char *form, const struct plan *plan,
                       const json_t *finding, struct script *script, struct sentence *error)
{
    json_auto_t *facts = facts_of(script, plan, finding);
    json_auto_t *answer =
        query_run(mode->probe.executable, &(struct query){script_source, form, "script", facts, 0}, error);
    const char *text = document_text(answer, "text");
    snprintf(script->why, sizeof script->why, "%s", document_text(answer, "why"));
    return *text ? strdup(text) : NULL;
}

static bool says(const char *text, const char *words)
{
    return text && strstr(text, words);
}

/* It failed if it printed so, or a signal ended it, or something in the calls ended it without a traceback. */
static void count_run(struct script *script, const struct probe_job *job)
{
    bool ended = !job->error && WIFEXITED(job->status), crashed = !job->error && WIFSIGNALED(job->status);
    bool said = says(job->out, "failed: ") || says(job->err, "ThreadSanitizer: data race");
    bool left = ended && !said && !says(job->out, "not seen") && !says(job->err, "Traceback") &&
                !says(job->err, "Error: ");
    script->of++;
    script->hit += crashed || said || left || job->error == -ETIMEDOUT;
    if (ended && WEXITSTATUS(job->status) != 0 && !said && !left)
        probe_reason(job, script->output, sizeof script->output);
}

/* Runs that hang end after RUNS_LEAST. */
static void run_text(const struct mode_run *mode, struct script *script)
{
    char *argv[] = {mode->probe.executable, (char *)"-c", script->text, NULL};
    uint64_t late = clock_now() + RUNS_LIMIT;
    script->hit = script->of = 0;
    for (unsigned i = 0; i < SCRIPT_RUNS && !script->output[0]; i++) {
        struct probe_job job = {.argv = argv, .launch = &mode->launch, .limit = RUN_LIMIT};
        if (i >= RUNS_LEAST && clock_now() >= late)
            return;
        probe_run(&job, 1);
        count_run(script, &job);
        probe_job_clear(&job);
    }
}

/* Broken memory shows where a block is freed and checked: a script that shows too little turns glibc's checks on. */
static bool may_check(const struct script *script, const char *kind)
{
    static const char *const kinds[] = {"heap-corruption", "use-after-free", "double-free"};
    bool is_memory = false;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        is_memory |= strcmp(kind, kinds[i]) == 0;
    return is_memory && !script->output[0] && 2 * script->hit < script->of;
}

/* Tries the script with the checks, and keeps the form that fails more often. */
static void try_checks(const struct mode_run *mode, const struct plan *plan, const json_t *finding,
                       struct script *script, struct sentence *error)
{
    struct script other = {.checked = true};
    other.text = make_text(mode, "script", plan, finding, &other, error);
    if (other.text)
        run_text(mode, &other);
    if (other.text && !other.output[0] && other.hit * script->of > script->hit * other.of) {
        free(script->text);
        *script = other;
    } else {
        free(other.text);
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
    if (strcmp(form, "c") != 0 && may_check(ret, document_text(finding, "kind")))
        try_checks(mode, plan, finding, ret, error);
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
    json_auto_t *answer = query_run(
        mode->probe.executable,
        &(struct query){script_source, "runtime", "script", json_object_get(finding, "environment"), 0},
        &error);
    const char *text = document_text(answer, "text");
    return *text ? strdup(text) : NULL;
}

void script_clear(struct script *script)
{
    free(script->text);
    script->text = NULL;
}
