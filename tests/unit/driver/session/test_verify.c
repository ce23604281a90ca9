/* The trials of a run's findings. The children are made up here: job_run says which statements fail in a plan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "core/plan/perturb.h"
#include "driver/judge/link.h"
#include "driver/session/verify.h"

/* The statements, and which of them each one needs in order to fail on several threads without the GIL. */
struct world {
    const char *source[3], *needs[3];
    bool fails_with_gil;
    int gil;          /* what a child with the GIL reports */
    bool needs_guard; /* all fail only in children with the guard */
    bool
        needs_stall; /* all fail only where threads stall; one of the two findings was seen with other perturbations */
};

static const struct world *world;

static bool fails(const struct plan *plan, unsigned at)
{
    const char *needs = world->needs[at];
    return plan->threads > 1 && !statement_is_left_out(plan, world->source[at]) &&
           (!needs || !statement_is_left_out(plan, needs));
}

static void raise_in(struct outcome *outcome, const char *statement)
{
    struct record record;
    record_begin(&record, RECORD_EXCEPTION, 0);
    record.values[EXCEPTION_COUNT] = 1;
    record_add_text(&record, "ValueError");
    record_add_text(&record, "ValueError");
    record_add_text(&record, "");
    record_add_text(&record, statement);
    assert_int_equal(outcome_add(outcome, &record), 0);
}

int job_run(const struct plan *plan, const struct job_settings *settings, struct outcome *outcome)
{
    *outcome = (struct outcome){.finished = true, .phase = BOARD_RUN};
    outcome->facts.gil = settings->gil ? world->gil : GIL_OFF;
    for (unsigned i = 0; i < 3 && world->source[i]; i++)
        if (fails(plan, i) && (!settings->gil || world->fails_with_gil) &&
            (!world->needs_guard || plan->detect & DETECTOR_BIT(DETECTOR_GUARD)) &&
            (!world->needs_stall || plan->perturb & PERTURB_STALL))
            raise_in(outcome, world->source[i]);
    return 0;
}

static void see(struct run *run, const char *statement, enum detector_id detector, const char *signature)
{
    struct finding *finding = calloc(1, sizeof *finding);
    *finding = (struct finding){.kind = FINDING_EXCEPTION,
                                .severity = SEVERITY_EXCEPTION,
                                .detector = detector,
                                .message = strdup("m"),
                                .statement = strdup(statement),
                                .signature = strdup(signature),
                                .of = 2};
    finding_list_add(&run->findings, finding, 1)->hit = 2;
}

static void add_statement(struct run *run, unsigned role, const char *source)
{
    struct record record;
    record_begin(&record, RECORD_STATEMENT, RECORD_MAIN);
    record.values[STATEMENT_NUMBER] = role;
    record.values[STATEMENT_ROLE] = role;
    record_add_text(&record, source);
    record_add_text(&record, "");
    record_add_text(&record, "");
    assert_int_equal(statement_add(&run->statements, &record), 0);
}

/* Verifies one finding for each statement of the world, and one of the guard where a child needs that. */
static struct run verified(const struct world *of)
{
    struct plan plan;
    struct run run = {.share = RUNG_READONLY, .threads = 4};
    plan_init(&plan);
    plan.threads = 4;
    world = of;
    for (unsigned i = 0; i < 3 && of->source[i]; i++) {
        add_statement(&run, i, of->source[i]);
        see(&run, of->source[i], DETECTOR_EXCEPTION, of->source[i]);
    }
    if (of->needs_guard)
        see(&run, of->source[0], DETECTOR_GUARD, "guard");
    if (of->needs_stall) {
        see(&run, of->source[0], DETECTOR_DIVERGE, "other");
        run.findings.items[0]->perturb = PERTURB_STALL;
        run.findings.items[1]->perturb = PERTURB_DELAY;
        run.findings.items[1]->of = 12;
    }
    verify_run(&run, &plan, &(struct job_settings){0}, clock_now() + 60 * CLOCK_SECOND);
    link_findings(&run);
    plan_clear(&plan);
    return run;
}

static const struct trials *trials_without(const struct verification *found, const char *call)
{
    for (unsigned i = 0; i < found->nknock_outs; i++)
        if (strcmp(found->knock_outs[i].call, call) == 0)
            return &found->knock_outs[i].trials;
    fail_msg("no trial without %s", call);
    return NULL;
}

static void a_control_run_counts_where_its_child_reports_the_gil(void **state)
{
    (void)state;
    static const struct {
        int gil;
        bool fails;
        struct trials counted;
    } rows[] = {{GIL_ON, true, {1, 1}},
                {GIL_ON, false, {0, 3}},
                {GIL_OFF, true, {0, 0}},
                {GIL_UNKNOWN, true, {0, 0}}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct run run =
            verified(&(struct world){{"f()"}, .fails_with_gil = rows[i].fails, .gil = rows[i].gil});
        const struct verification *found = run.verification;
        char text[640];
        verification_say_guilty(found, text, sizeof text);
        assert_int_equal(found->again.hit, 3);
        assert_int_equal(found->gil.hit, rows[i].counted.hit);
        assert_int_equal(found->gil.of, rows[i].counted.of);
        assert_int_equal(strstr(text, "with the GIL on") != NULL, rows[i].counted.hit > 0);
        run_clear(&run);
    }
}

static void bugs_of_their_own_have_trials_apart(void **state)
{
    (void)state;
    struct run run = verified(&(struct world){{"a()", "b()"}, .gil = GIL_ON});
    const struct verification *first = run.verification, *second = first->next;
    assert_ptr_equal(run.findings.items[0]->verification, first);
    assert_ptr_equal(run.findings.items[1]->verification, second);
    assert_null(second->next);
    assert_string_equal(first->without, "b()");
    assert_int_equal(first->again.hit, 3);
    assert_string_equal(second->without, "a()");
    assert_int_equal(second->again.hit, 3);
    run_clear(&run);
}

/* Each of the two vanishes without the other one's statement. */
static void statements_that_race_with_each_other_are_one_bug(void **state)
{
    (void)state;
    struct run run = verified(&(struct world){{"a()", "b()"}, {"b()", "a()"}, .gil = GIL_ON});
    const struct verification *both = run.verification;
    char ids[32];
    snprintf(ids, sizeof ids, "%s %s", run.findings.items[0]->id, run.findings.items[1]->id);
    assert_string_equal(both->root, ids);
    assert_null(both->without);
    for (size_t i = 0; i < 2; i++) {
        assert_ptr_equal(run.findings.items[i]->verification, both);
        assert_null(run.findings.items[i]->cause);
    }
    assert_int_equal(both->again.hit, 3);
    assert_int_equal(both->gil.of, 3);
    assert_int_equal(both->alone.of, 1);
    assert_int_equal(both->ladder[RUNG_PRIVATE].hit, 1);
    assert_int_equal(trials_without(both, "a")->hit, 0);
    assert_int_equal(trials_without(both, "b")->hit, 0);
    /* What they showed apart stays in the report. */
    assert_string_equal(both->next->without, "b()");
    assert_int_equal(both->next->again.hit, 0);
    assert_string_equal(both->next->next->without, "a()");
    run_clear(&run);
}

/* `a()` fails alone, `b()` only beside it. */
static void a_finding_keeps_the_statement_that_it_needs(void **state)
{
    (void)state;
    struct run run = verified(&(struct world){{"a()", "b()"}, {NULL, "a()"}, .gil = GIL_ON});
    const struct finding *a = run.findings.items[0], *b = run.findings.items[1];
    assert_string_equal(run.verification->root, a->id);
    assert_string_equal(b->verification->root, b->id);
    assert_null(b->verification->without);
    assert_int_equal(b->verification->again.hit, 3);
    assert_int_equal(trials_without(b->verification, "a")->hit, 0);
    assert_int_equal(b->verification->apart->again.hit, 0);
    assert_string_equal(b->cause, a->id);
    run_clear(&run);
}

/* `c()` fails on its own in the trials of the other two, and counts in none of them. */
static void failures_of_others_are_no_hits(void **state)
{
    (void)state;
    struct run run = verified(&(struct world){{"a()", "b()", "c()"}, {"b()", "a()"}, .gil = GIL_ON});
    const struct verification *both = run.verification, *c = run.findings.items[2]->verification;
    assert_ptr_equal(run.findings.items[0]->verification, both);
    assert_ptr_equal(run.findings.items[1]->verification, both);
    assert_ptr_equal(both->next->next->next, c);
    assert_int_equal(both->again.hit, 3);
    assert_int_equal(trials_without(both, "a")->hit, 0);
    assert_int_equal(trials_without(both, "c")->hit, 1);
    assert_int_equal(c->again.hit, 3);
    assert_int_equal(trials_without(c, "c")->hit, 0);
    run_clear(&run);
}

/* A crash on an inaccessible page of the guard is none without the guard. */
static void trials_perturb_as_the_surest_finding_does(void **state)
{
    (void)state;
    struct run run = verified(&(struct world){{"a()"}, .gil = GIL_ON, .needs_stall = true});
    assert_int_equal(run.verification->again.hit, 3);
    assert_int_equal(run.verification->again.of, 3);
    run_clear(&run);
}

static void trials_have_the_detector_that_the_failure_needs(void **state)
{
    (void)state;
    struct run run = verified(&(struct world){{"a()"}, .gil = GIL_ON, .needs_guard = true});
    assert_int_equal(run.verification->again.hit, 3);
    assert_int_equal(run.verification->again.of, 3);
    assert_int_equal(trials_without(run.verification, "a")->hit, 0);
    run_clear(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_control_run_counts_where_its_child_reports_the_gil),
        cmocka_unit_test(bugs_of_their_own_have_trials_apart),
        cmocka_unit_test(statements_that_race_with_each_other_are_one_bug),
        cmocka_unit_test(a_finding_keeps_the_statement_that_it_needs),
        cmocka_unit_test(failures_of_others_are_no_hits),
        cmocka_unit_test(trials_perturb_as_the_surest_finding_does),
        cmocka_unit_test(trials_have_the_detector_that_the_failure_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
