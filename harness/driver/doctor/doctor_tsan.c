/* What `run --tsan` needs: a line for each way to find nothing, with the sentence that such a run ends in, and one for
 * the planted race. The last ways are seen where a child runs: it imports every compiled package of the interpreter. */
#include "driver/doctor/doctor_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "core/plan/detector_list.h"
#include "core/plan/plan.h"
#include "driver/job/job.h"
#include "driver/tool/tsan_way.h"

#define TIMEOUT (6 * CLOCK_SECOND)

/* The sentence names a way, or is NULL: nothing is in the way. What follows then lacks `what`. */
static enum doctor_level say_way(struct doctor_tsan *tsan, struct doctor_answer *answer, const char *sentence,
                                 const char *fine, const char *what)
{
    if (!sentence)
        return doctor_say(answer, DOCTOR_OK, NULL, "%s", fine);
    tsan->lacks = what;
    return doctor_say_sentence(answer, DOCTOR_WARN, sentence);
}

static enum doctor_level say_lack(const struct doctor_tsan *tsan, struct doctor_answer *answer)
{
    return doctor_say(answer, DOCTOR_SKIP, NULL, "needs %s", tsan->lacks);
}

/* Ways of this process: each is looked at, whatever the others are. */

static enum doctor_level look_at_layout(struct doctor *doctor, struct doctor_answer *answer)
{
    cleanup_free char *layout = tsan_way_layout();
    return say_way(&doctor->tsan, answer, layout, "addresses can be kept in place", "what is named above");
}

static enum doctor_level look_at_limit(struct doctor *doctor, struct doctor_answer *answer)
{
    cleanup_free char *limit = tsan_way_limit();
    return say_way(&doctor->tsan, answer, limit, "the address space is not limited", "what is named above");
}

static enum doctor_level look_at_server(struct doctor *doctor, struct doctor_answer *answer)
{
    cleanup_free char *server = tsan_way_server(doctor->tsan.urls);
    return say_way(&doctor->tsan, answer, server, "the symboliser asks no server of debug information",
                   "what is named above");
}

/* Ways of children: each needs those before it. */

static enum doctor_level look_at_canary(struct doctor *doctor, struct doctor_answer *answer)
{
    struct doctor_tsan *tsan = &doctor->tsan;
    char error[640];
    if (tsan->lacks)
        return say_lack(tsan, answer);
    if (tsan_prepare(&tsan->tsan, NULL, error, sizeof error) < 0)
        return say_way(tsan, answer, error, NULL, "the planted race");
    return doctor_say(answer, DOCTOR_OK, NULL,
                      "ThreadSanitizer reports a planted race; %zu suppressions, adaptive delays %s",
                      tsan->tsan.suppressions.n, tsan->tsan.delays ? "on" : "not in this version");
}

/* "import numpy, scipy": what runs would import, too. */
static int make_plan(const char *names, struct plan *plan)
{
    cleanup_free char *list = names ? strdup(names) : NULL;
    plan_init(plan);
    plan->name = strdup("doctor");
    plan->detect = DETECTOR_BIT(DETECTOR_TSAN);
    plan->threads = 2;
    plan->time = 0;
    plan->iterations = 10;
    for (size_t i = 0; list && list[i]; i++)
        if (list[i] == ' ')
            list[i] = ',';
    if (list && *list && asprintf(&plan->setup, "import %s", list) < 0)
        plan->setup = NULL;
    return plan_add_step(plan, "len(())"); /* NOLINT(clang-analyzer-unix.Malloc): cleanup_free */
}

/* Returns NULL, or what is lacking. */
static const char *run_child(struct doctor_tsan *tsan, const struct probe *probe)
{
    struct plan plan;
    if (!probe->free_threaded)
        return "a free-threaded interpreter";
    cleanup_free char *names = doctor_package_names(probe);
    const struct job_settings settings = {.child = tsan->tsan.child,
                                          .python = probe->executable,
                                          .tsan = true,
                                          .timeout = TIMEOUT,
                                          .signals = -1};
    int error = make_plan(names, &plan);
    if (!error)
        error = job_run(&plan, &settings, &tsan->outcome);
    plan_clear(&plan);
    if (error)
        return "a child, and none could be started";
    tsan->distrust = tsan_take_child(&tsan->tsan, &tsan->outcome);
    return NULL;
}

static enum doctor_level look_at_gil(struct doctor *doctor, struct doctor_answer *answer)
{
    struct doctor_tsan *tsan = &doctor->tsan;
    if (!tsan->lacks)
        tsan->lacks = run_child(tsan, &doctor->probe);
    if (tsan->lacks)
        return say_lack(tsan, answer);
    const char *cannot = tsan->outcome.cannot;
    bool gil = cannot && tsan->outcome.cannot_reason == CANNOT_GIL;
    return say_way(tsan, answer, gil ? cannot : NULL, "off where the threads run", "the GIL off");
}

static enum doctor_level look_at_import(struct doctor *doctor, struct doctor_answer *answer)
{
    struct doctor_tsan *tsan = &doctor->tsan;
    if (tsan->lacks)
        return say_lack(tsan, answer);
    const char *sentence = tsan->outcome.cannot ? tsan->outcome.cannot : tsan->distrust;
    if (!sentence && !tsan->outcome.finished)
        sentence =
            "a child that imports the compiled packages does not come to its end; run --tsan -v shows more";
    return say_way(tsan, answer, sentence, "compiled packages import before the threads start", "the import");
}

static enum doctor_level look_at_files(struct doctor *doctor, struct doctor_answer *answer)
{
    struct doctor_tsan *tsan = &doctor->tsan;
    if (tsan->lacks)
        return say_lack(tsan, answer);
    cleanup_free char *bare = tsan_way_bare(tsan->tsan.bare, tsan->tsan.nbare);
    return say_way(tsan, answer, bare, "all files of packages are instrumented", NULL);
}

static enum doctor_level say_absent(struct doctor *doctor, struct doctor_answer *answer)
{
    (void)doctor;
    return doctor_say(answer, DOCTOR_SKIP, NULL,
                      "not set up; scripts/setup.sh --with tsan makes what run --tsan needs");
}

const struct doctor_check *doctor_tsan_checks(size_t *ret_n)
{
    static const struct doctor_check absent = {"tsan", say_absent};
    static const struct doctor_check checks[] = {
        {"tsan layout", look_at_layout}, {"tsan limit", look_at_limit}, {"tsan server", look_at_server},
        {"tsan canary", look_at_canary}, {"tsan gil", look_at_gil},     {"tsan import", look_at_import},
        {"tsan files", look_at_files},
    };
    bool is_set_up = tsan_is_set_up();
    *ret_n = is_set_up ? sizeof checks / sizeof *checks : 1;
    return is_set_up ? checks : &absent;
}

void doctor_tsan_clear(struct doctor_tsan *tsan)
{
    outcome_clear(&tsan->outcome);
    free(tsan->distrust);
    tsan_clear(&tsan->tsan);
}
