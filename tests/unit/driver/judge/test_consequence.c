/* The blame of findings that follow from another one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "driver/finding/verification.h"
#include "driver/judge/blame.h"
#include "driver/judge/link.h"

static const struct verification reproduced = {
    .again = {3, 3}, .share = RUNG_READONLY, .gil = {0, 3}, .alone = {0, 1}};

static struct finding *add(struct run *run, enum finding_kind kind, enum severity severity,
                           enum detector_id detector)
{
    struct finding *finding = calloc(1, sizeof *finding);
    *finding = (struct finding){.kind = kind, .severity = severity, .detector = detector};
    finding->message = strdup("m");
    finding->signature = strdup(finding_severity_names[severity]);
    finding->evidence.blame = BLAME_UNKNOWN;
    return finding_list_add(&run->findings, finding, 1);
}

static void a_consequence_has_the_blame_of_its_cause(void **state)
{
    (void)state;
    struct run run = {0};
    struct finding *mutation = add(&run, FINDING_INPUT_MUTATED, SEVERITY_HIDDEN_MUTATION, DETECTOR_TRIPWIRE);
    struct finding *crash = add(&run, FINDING_CRASH, SEVERITY_CRASH, DETECTOR_CRASH);
    evidence_set(&mutation->evidence, EVIDENCE_CAUGHT, BLAME_TARGET, strdup("repeat"), strdup("numpy 2.2.2"));
    evidence_set(&crash->evidence, EVIDENCE_STACK, BLAME_INTERPRETER, strdup("malloc"), NULL);
    crash->verification = &reproduced;
    link_findings(&run);
    blame_findings(&run);
    assert_string_equal(crash->cause, mutation->id);
    assert_int_equal(crash->blame, BLAME_TARGET);
    assert_string_equal(crash->function, "repeat");
    assert_string_equal(crash->package, "numpy 2.2.2");
    assert_memory_equal(crash->reason, "a consequence of F", strlen("a consequence of F"));
    assert_non_null(strstr(crash->reason, "; control run with the GIL on 0 of 3"));
    assert_null(mutation->cause);
    run_clear(&run);
}

/* Damage that the guard saw explains a crash; who crashed is decided by its own stack. */
static void a_crash_after_damage_has_a_blame_of_its_own(void **state)
{
    (void)state;
    struct run run = {0};
    struct finding *damage = add(&run, FINDING_HEAP_CORRUPTION, SEVERITY_CRASH, DETECTOR_GUARD);
    struct finding *crash = add(&run, FINDING_CRASH, SEVERITY_HANG, DETECTOR_CRASH);
    damage->block = calloc(1, sizeof *damage->block);
    evidence_set(&damage->evidence, EVIDENCE_BLOCK, BLAME_TARGET, strdup("make"), strdup("a 1"));
    evidence_set(&crash->evidence, EVIDENCE_STACK, BLAME_TARGET, strdup("g"), strdup("b 2"));
    link_findings(&run);
    blame_findings(&run);
    assert_string_equal(crash->cause, damage->id);
    assert_string_equal(crash->package, "b 2");
    assert_string_equal(damage->package, "a 1");
    run_clear(&run);
}

/* The interpreter's allocator meets what a package broke. */
static void the_interpreter_meets_damage_without_a_fault_of_its_own(void **state)
{
    (void)state;
    static const enum finding_kind causes[] = {FINDING_USE_AFTER_FREE, FINDING_REFCOUNT_UNDERFLOW};
    for (size_t i = 0; i < 2; i++) {
        struct run run = {0};
        struct finding *damage = add(&run, causes[i], SEVERITY_WRONG_RESULT, DETECTOR_GUARD);
        struct finding *crash = add(&run, FINDING_CRASH, SEVERITY_CRASH, DETECTOR_CRASH);
        if (causes[i] == FINDING_USE_AFTER_FREE)
            damage->block = calloc(1, sizeof *damage->block);
        evidence_set(&damage->evidence, EVIDENCE_BLOCK, BLAME_TARGET, strdup("make"), strdup("a 1"));
        evidence_set(&crash->evidence, EVIDENCE_STACK, BLAME_INTERPRETER, strdup("_PyMem_MiMalloc"), NULL);
        link_findings(&run);
        blame_findings(&run);
        assert_string_equal(crash->cause, damage->id);
        assert_int_equal(crash->blame, BLAME_TARGET);
        assert_string_equal(crash->function, "make");
        assert_memory_equal(crash->reason, "a consequence of F", strlen("a consequence of F"));
        run_clear(&run);
    }
}

static void an_error_of_the_user_is_no_consequence(void **state)
{
    (void)state;
    struct run run = {0};
    add(&run, FINDING_INPUT_MUTATED, SEVERITY_HIDDEN_MUTATION, DETECTOR_TRIPWIRE);
    struct finding *crash = add(&run, FINDING_CRASH, SEVERITY_CRASH, DETECTOR_CRASH);
    crash->evidence.users = true;
    link_findings(&run);
    blame_findings(&run);
    assert_null(crash->cause);
    assert_int_equal(crash->blame, BLAME_USER);
    assert_int_equal(crash->severity, SEVERITY_USER_ERROR);
    run_clear(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_consequence_has_the_blame_of_its_cause),
        cmocka_unit_test(a_crash_after_damage_has_a_blame_of_its_own),
        cmocka_unit_test(the_interpreter_meets_damage_without_a_fault_of_its_own),
        cmocka_unit_test(an_error_of_the_user_is_no_consequence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
