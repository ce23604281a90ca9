/* What a session reports of its children, and why a run without findings is not a clean one. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "core/plan/detector_list.h"
#include "core/plan/perturb.h"
#include "driver/session/session_inside.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define EXITED(status) ((status) << 8)

struct stage {
    struct request request;
    struct mode_run mode;
    struct plan plan;
    struct session session;
};

static void begin(struct stage *scene)
{
    *scene = (struct stage){.mode = {.row = &mode_plain}};
    request_init(&scene->request);
    scene->plan = (struct plan){.name = (char *)"t", .threads = 8, .detect = DETECTOR_DEFAULT};
    scene->session = (struct session){.request = &scene->request, .mode = &scene->mode};
    scene->session.settings.memory = UINT64_C(512) << 20;
    scene->session.run = (struct run){.threads = 8, .calls = 100, .overlapped = 50};
}

static void end(struct stage *scene)
{
    session_clear(&scene->session);
    request_clear(&scene->request);
}

static const char *conclude(struct stage *scene)
{
    assert_int_equal(session_run(&scene->session, NULL, 0), 0);
    return scene->session.run.reason;
}

static void a_run_with_calls_in_flight_is_clean(void **state)
{
    (void)state;
    struct stage scene;
    begin(&scene);
    assert_null(conclude(&scene));
    assert_int_equal(scene.session.run.status, STATUS_CLEAN);
    end(&scene);
}

static void assert_noted(const struct stage *scene, const char *note)
{
    const struct note_list *notes = &scene->session.run.notes;
    for (size_t i = 0; i < notes->n; i++)
        if (strcmp(notes->items[i], note) == 0)
            return;
    fail_msg("there is no note: %s", note);
}

static void an_audit_without_its_detector_is_noted(void **state)
{
    (void)state;
    for (int on = 0; on < 2; on++) {
        struct stage scene;
        begin(&scene);
        scene.request.plan.detect = on ? DETECTOR_BIT(DETECTOR_REFCOUNT) : DETECTOR_BIT(DETECTOR_CRASH);
        assert_int_equal(plan_add_text(&scene.request.plan.audit, &scene.request.plan.naudit, "x"), 0);
        conclude(&scene);
        if (on)
            assert_int_equal(scene.session.run.notes.n, 0);
        else
            assert_noted(
                &scene,
                "audit: no references were counted, because the detector refcount is off; add --detect refcount");
        end(&scene);
    }
}

static void a_run_without_a_test_has_its_reason(void **state)
{
    (void)state;
    static const struct {
        bool unjudged, wire_lost, interrupted;
        unsigned killed, threads;
        uint64_t calls, overlapped;
        const char *reason;
    } rows[] = {
        {.unjudged = true,
         .reason = "children died or hung, and --detect leaves out the detector for it; leave --detect out"},
        {.wire_lost = true,
         .reason =
             "records of a child were lost: the target closed or used their descriptor; leave that call out"},
        {.killed = 3,
         .reason =
             "every child was ended by signal 9 (Killed), which none of them sent itself; see the note"},
        {.interrupted = true, .reason = "interrupted before its end"},
        {.threads = 8, .reason = "no call was made by two threads; give it more --time"},
        {.threads = 8,
         .calls = 100,
         .reason = "no two calls were ever in flight together; give it more --time, or threads with -t"},
        {.threads = 1, .reason = "no call was made; give it more --time"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct stage scene;
        begin(&scene);
        struct session *session = &scene.session;
        session->unjudged = rows[i].unjudged;
        session->wire_lost = rows[i].wire_lost;
        session->interrupted = rows[i].interrupted;
        session->killed = session->run.children = rows[i].killed;
        if (rows[i].threads) {
            session->run.threads = rows[i].threads;
            session->run.calls = rows[i].calls;
            session->run.overlapped = rows[i].overlapped;
        }
        if (rows[i].killed)
            session->sightings = calloc(rows[i].killed, sizeof *session->sightings);
        assert_string_equal(conclude(&scene), rows[i].reason);
        assert_int_equal(session->run.status, STATUS_UNTESTED);
        end(&scene);
    }
}

static bool take(struct stage *scene, struct outcome *outcome)
{
    bool more = session_take(&scene->session, &scene->plan, "bare", outcome);
    outcome_clear(outcome);
    return more;
}

static struct finding *add_finding(struct stage *scene, const char *signature, bool serial)
{
    struct finding *finding = calloc(1, sizeof *finding);
    *finding = (struct finding){.detector = DETECTOR_TRIPWIRE,
                                .serial = serial,
                                .signature = strdup(signature),
                                .message = strdup("it writes to its input"),
                                .is_signed = true};
    return finding_list_add(&scene->session.run.findings, finding, 2);
}

/* Of two children with the tripwire, one stalls threads: it looks at the calls on one thread only. */
static void a_child_that_stalls_has_no_chance_of_the_tripwire_under_threads(void **state)
{
    (void)state;
    struct stage scene;
    begin(&scene);
    scene.plan.detect = DETECTOR_BIT(DETECTOR_TRIPWIRE);
    for (int stalls = 0; stalls < 2; stalls++) {
        struct outcome outcome = {
            .finished = true, .phase = BOARD_FINISH, .totals = {.calls = 10, .serial = 10}};
        scene.plan.perturb = stalls ? PERTURB_STALL : 0;
        take(&scene, &outcome);
    }
    assert_int_equal(scene.session.run.looks[DETECTOR_TRIPWIRE].all, 2);
    assert_int_equal(scene.session.run.looks[DETECTOR_TRIPWIRE].threads, 1);
    struct finding *threads = add_finding(&scene, "threads", false),
                   *alone = add_finding(&scene, "alone", true);
    conclude(&scene);
    assert_int_equal(threads->of, 1);
    assert_int_equal(alone->of, 2);
    end(&scene);
}

static void each_end_of_a_child_has_its_words(void **state)
{
    (void)state;
    static const struct {
        struct outcome outcome;
        const char *end;
    } rows[] = {
        {{.finished = true, .phase = BOARD_FINISH}, "finished"},
        {{.cannot = (char *)"numpy is missing", .cannot_status = STATUS_UNTESTED}, "could not run"},
        {{.hung = true, .phase = BOARD_RUN, .wait_status = SIGKILL}, "hung"},
        {{.stopped = true, .phase = BOARD_RUN, .wait_status = SIGKILL}, "was stopped"},
        {{.over_memory = true, .phase = BOARD_RUN, .wait_status = SIGKILL}, "reached the memory limit"},
        {{.phase = BOARD_RUN, .wait_status = SIGSEGV}, "Segmentation fault"},
        {{.phase = BOARD_RUN, .wait_status = EXITED(3)}, "exited early"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct stage scene;
        struct outcome outcome = rows[i].outcome;
        begin(&scene);
        outcome.cannot = outcome.cannot ? strdup(outcome.cannot) : NULL;
        take(&scene, &outcome);
        assert_string_equal(scene.session.run.log.items[0].end, rows[i].end);
        end(&scene);
    }
}

static void a_limit_of_memory_is_a_note_with_its_size(void **state)
{
    (void)state;
    struct stage scene;
    struct outcome outcome = {.over_memory = true, .phase = BOARD_RUN, .wait_status = SIGKILL};
    begin(&scene);
    assert_true(take(&scene, &outcome));
    assert_noted(&scene, "a child reached the memory limit of 512 MB and was ended; --memory raises it");
    end(&scene);
}

static void a_child_that_a_signal_stopped_is_a_note(void **state)
{
    (void)state;
    struct stage scene;
    struct outcome outcome = {.stopped = true, .phase = BOARD_RUN, .wait_status = SIGKILL};
    begin(&scene);
    assert_true(take(&scene, &outcome));
    assert_int_equal(scene.session.run.findings.n, 0);
    assert_noted(
        &scene,
        "a signal that the target did not send to itself stopped a child; it made no progress, and was "
        "ended without a finding");
    end(&scene);
}

static void a_setup_that_never_returns_tests_nothing(void **state)
{
    (void)state;
    struct stage scene;
    struct outcome first = {
        .overran = true, .phase = BOARD_SETUP, .wait_status = SIGKILL, .still = {.ran = 240.2}};
    struct outcome later = first;
    begin(&scene);
    assert_false(take(&scene, &first));
    assert_string_equal(scene.session.run.reason,
                        "the setup did not return after 240 s of processor time, and the child was "
                        "ended; a --timeout above 60s gives it more");
    take(&scene, &later);
    assert_noted(&scene, scene.session.run.reason);
    end(&scene);
}

static void what_the_target_takes_from_the_harness_is_a_note(void **state)
{
    (void)state;
    struct stage stage;
    struct outcome outcome = {.wire_lost = true, .limited = true, .phase = BOARD_FINISH};
    begin(&stage);
    take(&stage, &outcome);
    assert_noted(&stage,
                 "the target closed or used the descriptor of the harness's records in a child: what the "
                 "detectors saw there afterwards is lost, and its end is not judged");
    assert_noted(&stage,
                 "the target lowered its own limit on memory in a child, where the harness needs some of it, "
                 "too: a failure for lack of memory may not happen without the harness");
    assert_true(stage.session.wire_lost);
    end(&stage);
}

static void a_limit_that_the_target_lowered_is_part_of_the_reason(void **state)
{
    (void)state;
    struct stage stage;
    struct outcome outcome = {
        .cannot = strdup("no memory"), .cannot_status = STATUS_UNTESTED, .limited = true};
    begin(&stage);
    take(&stage, &outcome);
    assert_string_equal(stage.session.run.reason, "no memory; the target lowered its own limit on memory");
    end(&stage);
}

/* What this draws on standard error. */
static void draw(void (*print)(struct stage *stage), struct stage *stage, char *text, size_t size)
{
    int kept = dup(STDERR_FILENO), ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(stderr);
    dup2(ends[1], STDERR_FILENO);
    print(stage);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    ssize_t n = read(ends[0], text, size - 1);
    text[n < 0 ? 0 : n] = '\0';
    close(kept);
    close(ends[0]);
    close(ends[1]);
}

static void draw_progress(struct stage *stage)
{
    struct progress *progress = &stage->session.progress;
    progress_init(progress, true, "t", clock_now() + 90 * CLOCK_SECOND);
    progress->member = "bare";
    progress->findings = 2;
    progress_draw(progress, &(struct board_totals){.calls = 1500000, .sampled = 200, .overlapped = 50});
}

static void take_verbosely(struct stage *stage)
{
    struct outcome outcome = {.phase = BOARD_RUN, .wait_status = SIGSEGV, .seconds = 1.5, .totals.calls = 7};
    stage->request.verbose = true;
    take(stage, &outcome);
}

static void lines_on_the_terminal_have_the_counts(void **state)
{
    (void)state;
    struct stage stage;
    char text[512];
    begin(&stage);
    draw(draw_progress, &stage, text, sizeof text);
    assert_non_null(strstr(text, "t: 1.5 M calls  "));
    assert_non_null(strstr(text, "/s  overlap 25 %  2 findings  [bare]  90 s left"));
    draw(take_verbosely, &stage, text, sizeof text);
    assert_non_null(strstr(text, "child 1 (bare): Segmentation fault after 1.5 s, 7 calls, 0 records\n"));
    end(&stage);
}

static void an_end_without_its_detector_is_a_note(void **state)
{
    (void)state;
    struct stage scene;
    struct outcome died = {.phase = BOARD_RUN, .wait_status = EXITED(3)},
                   hung = {.phase = BOARD_RUN, .hung = true, .wait_status = SIGKILL};
    begin(&scene);
    scene.plan.detect = DETECTOR_BIT(DETECTOR_EXCEPTION);
    take(&scene, &died);
    assert_noted(&scene, "a child ended early (exited early); no finding, because --detect leaves out crash");
    take(&scene, &hung);
    assert_noted(&scene, "a child hung and was ended; no finding, because --detect leaves out hang");
    assert_true(scene.session.unjudged);
    assert_int_equal(scene.session.run.findings.n, 0);
    end(&scene);
}

static void only_the_first_child_makes_a_run_of_one_long_call_untested(void **state)
{
    (void)state;
    for (unsigned before = 0; before < 2; before++) {
        struct stage scene;
        struct outcome first = {.phase = BOARD_RUN, .finished = true},
                       outcome = {.overran = true, .phase = BOARD_SERIAL, .wait_status = SIGKILL};
        begin(&scene);
        if (before)
            take(&scene, &first);
        assert_int_equal(take(&scene, &outcome), before);
        if (before)
            assert_noted(&scene, "a child did not end when its time was over, and was ended");
        else
            assert_string_equal(scene.session.run.reason,
                                "one call on one thread did not return while the time lasted; give it more "
                                "--time, or leave it out");
        end(&scene);
    }
}

static void the_module_that_turned_the_gil_on_is_named(void **state)
{
    (void)state;
    struct stage scene;
    struct outcome outcome = {.cannot = strdup("the GIL is on"),
                              .cannot_status = STATUS_UNTESTED,
                              .cannot_reason = CANNOT_GIL,
                              .stderr_text =
                                  strdup("RuntimeWarning: The global interpreter lock (GIL) has been "
                                         "enabled to load module 'old.ext', which has not "
                                         "declared that it can run safely without the GIL.\n")};
    begin(&scene);
    assert_false(take(&scene, &outcome));
    assert_string_equal(
        scene.session.run.reason,
        "importing 'old.ext' turned the GIL back on, because it does not declare free threading; use "
        "a version that does, or set PYTHON_GIL=0 to run it without the GIL all the same");
    end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_with_calls_in_flight_is_clean),
        cmocka_unit_test(an_audit_without_its_detector_is_noted),
        cmocka_unit_test(a_run_without_a_test_has_its_reason),
        cmocka_unit_test(a_child_that_stalls_has_no_chance_of_the_tripwire_under_threads),
        cmocka_unit_test(each_end_of_a_child_has_its_words),
        cmocka_unit_test(a_limit_of_memory_is_a_note_with_its_size),
        cmocka_unit_test(a_child_that_a_signal_stopped_is_a_note),
        cmocka_unit_test(a_setup_that_never_returns_tests_nothing),
        cmocka_unit_test(what_the_target_takes_from_the_harness_is_a_note),
        cmocka_unit_test(a_limit_that_the_target_lowered_is_part_of_the_reason),
        cmocka_unit_test(lines_on_the_terminal_have_the_counts),
        cmocka_unit_test(an_end_without_its_detector_is_a_note),
        cmocka_unit_test(only_the_first_child_makes_a_run_of_one_long_call_untested),
        cmocka_unit_test(the_module_that_turned_the_gil_on_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
