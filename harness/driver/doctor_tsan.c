/* What `run --tsan` needs: a line for each way to find nothing, with the sentence that such a run ends in, and one for
 * the planted race. The last ways are seen where a child runs: it imports every compiled package of the interpreter. */
#include "driver/doctor_tsan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "core/detector_list.h"
#include "core/plan.h"
#include "driver/job.h"
#include "driver/tsan.h"
#include "driver/tsan_way.h"

#define TIMEOUT (6 * CLOCK_SECOND)

__attribute__((format(printf, 4, 5))) static void set(struct doctor_row *row, const char *name,
                                                      enum doctor_level level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    *row = (struct doctor_row){.name = name, .level = level};
    if (vasprintf(&row->text, format, arguments) < 0)
        row->text = NULL;
    va_end(arguments);
}

/* The sentence is the caller's, or NULL: nothing is in the way. Returns whether that is so. */
static bool set_way(struct doctor_row *row, const char *name, const char *sentence, const char *fine)
{
    set(row, name, sentence ? DOCTOR_WARN : DOCTOR_OK, "%s", sentence ? sentence : fine);
    return !sentence;
}

static void skip_rest(struct doctor_row *rows, size_t from, const char *why)
{
    static const char *const names[DOCTOR_TSAN_ROWS] = {[DOCTOR_TSAN_CANARY] = "tsan canary",
                                                        [DOCTOR_TSAN_GIL] = "tsan gil",
                                                        [DOCTOR_TSAN_IMPORT] = "tsan import",
                                                        [DOCTOR_TSAN_FILES] = "tsan files"};
    for (size_t i = from; i < DOCTOR_TSAN_ROWS; i++)
        set(&rows[i], names[i], DOCTOR_SKIP, "needs %s", why);
}

static bool look_at_process(const char *urls, struct doctor_row *rows)
{
    cleanup_free char *layout = tsan_way_layout(), *limit = tsan_way_limit(), *server = tsan_way_server(urls);
    bool fine = set_way(&rows[DOCTOR_TSAN_LAYOUT], "tsan layout", layout, "addresses can be kept in place");
    fine &= set_way(&rows[DOCTOR_TSAN_LIMIT], "tsan limit", limit, "the address space is not limited");
    fine &= set_way(&rows[DOCTOR_TSAN_SERVER], "tsan server", server,
                    "the symboliser asks no server of debug information");
    return fine;
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

static void judge_child(struct tsan *tsan, const struct outcome *outcome, struct doctor_row *rows)
{
    cleanup_free char *distrust = tsan_take_child(tsan, outcome),
                      *bare = tsan_way_bare(tsan->bare, tsan->nbare);
    bool gil = outcome->cannot && strncmp(outcome->cannot, "the GIL is on", 13) == 0;
    set_way(&rows[DOCTOR_TSAN_GIL], "tsan gil", gil ? outcome->cannot : NULL, "off where the threads run");
    if (gil) {
        skip_rest(rows, DOCTOR_TSAN_IMPORT, "the GIL off");
        return;
    }
    const char *sentence = outcome->cannot ? outcome->cannot : distrust;
    if (!sentence && !outcome->finished)
        sentence =
            "a child that imports the compiled packages does not come to its end; run --tsan -v shows more";
    if (!set_way(&rows[DOCTOR_TSAN_IMPORT], "tsan import", sentence,
                 "compiled packages import before the threads start"))
        skip_rest(rows, DOCTOR_TSAN_FILES, "the import");
    else
        set_way(&rows[DOCTOR_TSAN_FILES], "tsan files", bare, "all files of packages are instrumented");
}

static int look_at_child(struct tsan *tsan, const struct probe *probe, struct doctor_row *rows)
{
    struct plan plan;
    struct outcome outcome = {0};
    cleanup_free char *names = doctor_package_names(probe);
    const struct job_settings settings = {
        .child = tsan->child, .python = probe->executable, .tsan = true, .timeout = TIMEOUT, .signals = -1};
    int error = make_plan(names, &plan);
    if (!error)
        error = job_run(&plan, &settings, &outcome);
    if (!error)
        judge_child(tsan, &outcome, rows);
    outcome_clear(&outcome);
    plan_clear(&plan);
    return error;
}

static bool look_at_canary(struct tsan *tsan, struct doctor_row *rows)
{
    char error[640];
    if (tsan_prepare(tsan, NULL, error, sizeof error) < 0)
        return set_way(&rows[DOCTOR_TSAN_CANARY], "tsan canary", error, "");
    set(&rows[DOCTOR_TSAN_CANARY], "tsan canary", DOCTOR_OK,
        "ThreadSanitizer reports a planted race; %zu suppressions, adaptive delays %s", tsan->suppressions.n,
        tsan->delays ? "on" : "not in this version");
    return true;
}

size_t doctor_tsan(const struct probe *probe, const char *urls,
                   struct doctor_row rows[static DOCTOR_TSAN_ROWS])
{
    struct tsan tsan = {0};
    if (!tsan_is_set_up()) {
        set(&rows[0], "tsan", DOCTOR_SKIP,
            "not set up; scripts/setup.sh --with tsan makes what run --tsan needs");
        return 1;
    }
    if (!look_at_process(urls, rows))
        skip_rest(rows, DOCTOR_TSAN_CANARY, "what is named above");
    else if (!look_at_canary(&tsan, rows))
        skip_rest(rows, DOCTOR_TSAN_GIL, "the planted race");
    else if (!probe || !probe->free_threaded)
        skip_rest(rows, DOCTOR_TSAN_GIL, "a free-threaded interpreter");
    else if (look_at_child(&tsan, probe, rows) < 0)
        skip_rest(rows, DOCTOR_TSAN_GIL, "a child, and none could be started");
    tsan_clear(&tsan);
    return DOCTOR_TSAN_ROWS;
}
