/* Requirements of `run --tsan`: a row for each way to find nothing, with the sentence that such a run ends with, and
 * one for the planted race. The last ways show only where a child runs: it imports every compiled package of the
 * interpreter. */
#include "driver/doctor/doctor_inside.h"

#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/remedy.h"
#include "core/plan/detector_list.h"
#include "core/plan/plan.h"
#include "driver/job/job.h"

#define TIMEOUT (6 * CLOCK_SECOND)

enum doctor_level doctor_tsan(struct doctor *doctor)
{
    if (!tsan_is_set_up())
        return doctor_say(doctor, DOCTOR_SKIP, REMEDY_TSAN, "there is no ftstress-child-tsan");
    doctor->facts |= DOCTOR_TSAN;
    return doctor_say(doctor, DOCTOR_OK, NULL, "ftstress-child-tsan is set up");
}

static enum doctor_level say_way(struct doctor *doctor, bool blocked, const struct sentence *why,
                                 const char *fine)
{
    if (!blocked)
        return doctor_say(doctor, DOCTOR_OK, NULL, "%s", fine);
    doctor->facts &= ~(unsigned)DOCTOR_TSAN_STARTS;
    return doctor_say_sentence(doctor, DOCTOR_WARN, why);
}

enum doctor_level doctor_tsan_layout(struct doctor *doctor)
{
    struct sentence why;
    return say_way(doctor, tsan_way_layout(&why), &why, "address randomisation is off, or can be turned off");
}

enum doctor_level doctor_tsan_limit(struct doctor *doctor)
{
    struct sentence why;
    return say_way(doctor, tsan_way_limit(&why), &why, "the address space is not limited");
}

enum doctor_level doctor_tsan_canary(struct doctor *doctor)
{
    struct sentence error;
    if (tsan_prepare(&doctor->tsan, NULL, &error) < 0)
        return doctor_say_sentence(doctor, DOCTOR_WARN, &error);
    doctor->facts |= DOCTOR_TSAN_CANARY;
    return doctor_say(
        doctor, DOCTOR_OK, NULL,
        "ThreadSanitizer reports a planted race; %zu suppressions are loaded; adaptive delays are %s",
        doctor->tsan.suppressions.n, doctor->tsan.delays ? "on" : "not in this version");
}

/* The setup imports every package: "import numpy, scipy". */
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
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): cleanup_free */
    return plan_add_text(&plan->steps, &plan->nsteps, "len(())");
}

static int run_child(struct doctor *doctor)
{
    struct plan plan;
    char reason[320];
    cleanup_free char *names = doctor_package_names(&doctor->probe, reason, sizeof reason);
    const struct job_settings settings = {.child = doctor->tsan.child,
                                          .python = doctor->probe.executable,
                                          .launch = doctor->tsan.launch,
                                          .reads_races = true,
                                          .patience = TSAN_PATIENCE,
                                          .timeout = TIMEOUT,
                                          .signals = -1};
    int error = make_plan(names, &plan);
    if (!error)
        error = job_run(&plan, &settings, &doctor->outcome);
    plan_clear(&plan);
    return error;
}

enum doctor_level doctor_tsan_gil(struct doctor *doctor)
{
    int error = run_child(doctor);
    if (error)
        return doctor_say(doctor, DOCTOR_SKIP, NULL, "no child can be started: %s", strerror(-error));
    if (doctor->outcome.cannot_reason == CANNOT_GIL)
        return doctor_say(doctor, DOCTOR_WARN, NULL, "%s", doctor->outcome.cannot);
    doctor->facts |= DOCTOR_TSAN_GIL_OFF;
    return doctor_say(doctor, DOCTOR_OK, NULL, "the GIL is off where the threads run");
}

enum doctor_level doctor_tsan_import(struct doctor *doctor)
{
    struct sentence why;
    bool distrusted = tsan_take_child(&doctor->tsan, &doctor->outcome, &why);
    if (doctor->outcome.cannot)
        return doctor_say(doctor, DOCTOR_WARN, NULL, "%s", doctor->outcome.cannot);
    if (distrusted)
        return doctor_say_sentence(doctor, DOCTOR_WARN, &why);
    if (!doctor->outcome.finished)
        return doctor_say(doctor, DOCTOR_WARN, "run --tsan -v shows more",
                          "a child that imports the compiled packages does not come to its end");
    doctor->facts |= DOCTOR_TSAN_IMPORT;
    return doctor_say(doctor, DOCTOR_OK, NULL, "compiled packages import before the threads start");
}

enum doctor_level doctor_tsan_files(struct doctor *doctor)
{
    struct sentence why;
    if (tsan_way_bare(doctor->tsan.bare, doctor->tsan.nbare, &why))
        return doctor_say_sentence(doctor, DOCTOR_WARN, &why);
    return doctor_say(doctor, DOCTOR_OK, NULL, "all files of packages are instrumented");
}
