/* Findings: their list, their order and the names of their kinds. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "driver/finding/finding.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct finding *make(const char *signature, enum severity severity)
{
    struct finding *finding = calloc(1, sizeof *finding);
    finding->kind = FINDING_CRASH;
    finding->severity = severity;
    finding->detector = DETECTOR_CRASH;
    finding->message = strdup(signature);
    finding->signature = strdup(signature);
    finding->count = 1;
    return finding;
}

static void the_same_signature_is_one_finding(void **state)
{
    (void)state;
    struct finding_list list = {0};
    struct finding *first = finding_list_add(&list, make("crash|f", SEVERITY_CRASH), 1),
                   *second = make("crash|f", SEVERITY_CRASH);
    free(second->message);
    second->message = strdup("another text");
    second->count = 4;
    second->serial = true;
    assert_ptr_equal(finding_list_add(&list, second, 3), first);
    assert_ptr_equal(finding_list_add(&list, make("crash|f", SEVERITY_CRASH), 3), first);
    assert_ptr_not_equal(finding_list_add(&list, make("crash|g", SEVERITY_CRASH), 3), first);
    assert_int_equal(list.n, 2);
    assert_true(first->count == 6);
    assert_int_equal(first->hit, 2);
    assert_true(first->serial);
    assert_string_equal(first->message, "crash|f");
    finding_list_clear(&list);
    assert_int_equal(list.n, 0);
}

static void the_plan_that_perturbs_less_stays(void **state)
{
    (void)state;
    static const struct {
        uint32_t perturb, kept;
        const char *plan;
    } rows[] = {{3, 3, "0"}, {3, 3, "0"}, {7, 3, "0"}, {1, 1, "3"}, {2, 0, "4"}, {0, 0, "4"}};
    struct finding_list list = {0};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct finding *finding = make("crash|f", SEVERITY_CRASH);
        char plan[] = {(char)('0' + i), '\0'};
        finding->perturb = rows[i].perturb;
        finding->plan = strdup(plan);
        finding = finding_list_add(&list, finding, 1);
        assert_int_equal(finding->perturb, rows[i].kept);
        assert_string_equal(finding->plan, rows[i].plan);
    }
    finding_list_clear(&list);
}

/* A finding without a guilty function; NULL is what the evidence does not name. */
static struct finding *make_of(const char *call, const char *package, const char *statement)
{
    struct finding *finding = make("diverge|", SEVERITY_CRASH);
    finding->kind = FINDING_WRONG_RESULT;
    finding->evidence.blame = BLAME_UNKNOWN;
    finding->evidence.call = call ? strdup(call) : NULL;
    finding->evidence.call_package = package ? strdup(package) : NULL;
    finding->statement = statement ? strdup(statement) : NULL;
    return finding;
}

static void packages_with_one_message_have_two_ids(void **state)
{
    (void)state;
    struct finding_list list = {0}, next = {0};
    const struct finding *a = finding_list_add(&list, make_of("a.f", "a 1", "a.f(x)"), 1),
                         *b = finding_list_add(&list, make_of("b.f", "b 1", "b.f(x)"), 1),
                         *f = finding_list_add(&list, make_of(NULL, NULL, "f(x)"), 1),
                         *g = finding_list_add(&list, make_of(NULL, NULL, "g(x)"), 1),
                         *later = finding_list_add(&next, make_of("a.f", "a 2", "a.f(x)"), 1);
    assert_int_equal(list.n, 4);
    assert_string_equal(a->signature, "diverge||a.f|a");
    assert_string_equal(b->signature, "diverge||b.f|b");
    assert_string_equal(f->signature, "diverge||f(x)");
    assert_string_not_equal(a->id, b->id);
    assert_string_not_equal(f->id, g->id);
    assert_string_equal(later->id, a->id);
    finding_list_clear(&list);
    finding_list_clear(&next);
}

/* One function of the interpreter, where two packages call it. */
static void the_guilty_package_is_signed(void **state)
{
    (void)state;
    struct finding_list list = {0};
    static const char *const packages[] = {"a 1", "b 2", NULL};
    static const char *const signatures[] = {"diverge||resize|a", "diverge||resize|b",
                                             "diverge||resize|CPython"};
    for (size_t i = 0; i < COUNT(packages); i++) {
        struct finding *finding = make_of("f", packages[i], "f(x)");
        evidence_set(&finding->evidence, EVIDENCE_STACK, BLAME_INTERPRETER, strdup("resize"),
                     strdup("CPython 3.13.5"));
        assert_string_equal(finding_list_add(&list, finding, 1)->signature, signatures[i]);
    }
    struct finding *own = make_of("g", "b 2", "g(x)");
    evidence_set(&own->evidence, EVIDENCE_STACK, BLAME_TARGET, strdup("fill"), strdup("a 1"));
    assert_string_equal(finding_list_add(&list, own, 1)->signature, "diverge||fill|a");
    finding_list_clear(&list);
}

/* Which statement meets broken memory is chance. */
static void damage_is_not_signed_by_the_statement_that_met_it(void **state)
{
    (void)state;
    struct finding *finding = make_of("a.f", "a 1", "a.f(x)");
    finding->kind = FINDING_HEAP_CORRUPTION;
    assert_false(finding_sign(finding));
    assert_string_equal(finding->signature, "diverge|");
    finding_free(finding);
}

/* The 28 bits that an id takes of the two hashes are equal. */
static void two_findings_never_share_an_id(void **state)
{
    (void)state;
    struct finding_list list = {0};
    finding_list_add(&list, make("s5694", SEVERITY_CRASH), 1);
    finding_list_add(&list, make("s20208", SEVERITY_CRASH), 1);
    assert_int_equal(list.n, 2);
    assert_string_not_equal(list.items[0]->id, list.items[1]->id);
    finding_list_clear(&list);
}

/* What an earlier run kept stays: the same signature has the same id, another one gets another, equal in each run. */
static void a_kept_id_is_not_taken_by_another_signature(void **state)
{
    (void)state;
    struct finding_list first = {0}, second = {0}, third = {0};
    const struct finding *kept = finding_list_add(&first, make("s5694", SEVERITY_CRASH), 1);
    for (int i = 0; i < 2; i++) {
        struct finding_list *list = i ? &third : &second;
        strings_add(&list->kept, &list->nkept, kept->id);
        strings_add(&list->kept, &list->nkept, kept->signature);
        finding_list_add(list, make("s20208", SEVERITY_CRASH), 1);
        finding_list_add(list, make("s5694", SEVERITY_CRASH), 1);
        assert_string_not_equal(list->items[0]->id, kept->id);
        assert_string_equal(list->items[1]->id, kept->id);
        if (i == 0) {
            strings_add(&third.kept, &third.nkept, list->items[0]->id);
            strings_add(&third.kept, &third.nkept, list->items[0]->signature);
        }
    }
    assert_string_equal(second.items[0]->id, third.items[0]->id);
    finding_list_clear(&first);
    finding_list_clear(&second);
    finding_list_clear(&third);
}

static void ids_are_stable_and_short(void **state)
{
    (void)state;
    struct finding_list a = {0}, b = {0};
    finding_list_add(&b, make("other", SEVERITY_CRASH), 1);
    const struct finding *x =
        finding_list_add(&a, make("input-mutated|PyArray_Repeat|hidden", SEVERITY_CRASH), 1);
    const struct finding *y =
        finding_list_add(&b, make("input-mutated|PyArray_Repeat|hidden", SEVERITY_HANG), 7);
    assert_string_equal(x->id, y->id);
    assert_string_not_equal(x->id, b.items[0]->id);
    assert_int_equal(strlen(x->id), 8);
    assert_int_equal(strspn(x->id + 1, "0123456789abcdef"), 7);
    assert_int_equal(x->id[0], 'F');
    finding_list_clear(&a);
    finding_list_clear(&b);
}

static void a_finding_without_a_text_is_no_finding(void **state)
{
    (void)state;
    struct finding_list list = {0};
    struct finding *finding = make("x", SEVERITY_CRASH);
    free(finding->message);
    finding->message = NULL;
    assert_null(finding_list_add(&list, finding, 1));
    assert_int_equal(list.n, 0);
    finding_list_clear(&list);
}

static void findings_can_be_removed(void **state)
{
    (void)state;
    struct finding_list list = {0};
    static const char *const names[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++)
        finding_list_add(&list, make(names[i], SEVERITY_CRASH), 1);
    finding_list_remove(&list, 1);
    assert_string_equal(list.items[1]->signature, "c");
    finding_list_remove(&list, 1);
    finding_list_remove(&list, 0);
    assert_int_equal(list.n, 0);
    finding_list_clear(&list);
}

static void causes_come_first_then_the_worst(void **state)
{
    (void)state;
    static const char *const names[SEVERITIES] = {"hidden-mutation", "data-race", "crash", "hang",
                                                  "wrong-result",    "exception", "leak",  "user-error"};
    struct finding_list list = {0};
    finding_list_sort(&list);
    for (int i = SEVERITIES - 1; i >= 0; i--)
        finding_list_add(&list, make(finding_severity_names[i], (enum severity)i), 1);
    struct finding *caused = finding_list_add(&list, make("caused", SEVERITY_CRASH), 1);
    caused->cause = strdup("F0000000");
    finding_list_sort(&list);
    for (int i = 0; i < SEVERITIES; i++)
        assert_string_equal(finding_severity_names[list.items[i]->severity], names[i]);
    assert_ptr_equal(list.items[SEVERITIES], caused);
    finding_list_clear(&list);
}

static void equals_stay_in_order_of_sight(void **state)
{
    (void)state;
    struct finding_list list = {0};
    char name[16];
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "%03d", i);
        finding_list_add(&list, make(name, SEVERITY_EXCEPTION), 1);
    }
    finding_list_sort(&list);
    for (size_t i = 1; i < list.n; i++)
        assert_true(strcmp(list.items[i - 1]->signature, list.items[i]->signature) < 0);
    finding_list_clear(&list);
}

static void every_kind_and_blame_has_a_name(void **state)
{
    (void)state;
    static const char *const kinds[] = {
        "heap-corruption",
        "use-after-free",
        "double-free",
        "crash",
        "hang",
        "input-mutated",
        "wrong-result",
        "exception",
        "refcount-underflow",
        "reference-leak",
        "memory-growth",
        "shutdown-leak",
        "data-race",
        "interpreter-fault",
    };
    assert_int_equal(COUNT(kinds), FINDING_KINDS);
    for (size_t i = 0; i < COUNT(kinds); i++)
        assert_string_equal(finding_kind_names[i], kinds[i]);
    assert_string_equal(blame_names[BLAME_TARGET], "target");
    assert_string_equal(blame_names[BLAME_UNKNOWN], "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_signature_is_one_finding),
        cmocka_unit_test(the_plan_that_perturbs_less_stays),
        cmocka_unit_test(packages_with_one_message_have_two_ids),
        cmocka_unit_test(the_guilty_package_is_signed),
        cmocka_unit_test(damage_is_not_signed_by_the_statement_that_met_it),
        cmocka_unit_test(two_findings_never_share_an_id),
        cmocka_unit_test(a_kept_id_is_not_taken_by_another_signature),
        cmocka_unit_test(ids_are_stable_and_short),
        cmocka_unit_test(a_finding_without_a_text_is_no_finding),
        cmocka_unit_test(findings_can_be_removed),
        cmocka_unit_test(causes_come_first_then_the_worst),
        cmocka_unit_test(equals_stay_in_order_of_sight),
        cmocka_unit_test(every_kind_and_blame_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
