/* Plans: what is printed is read back, and what a plan may hold. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "core/plan/detector_list.h"
#include "plan_file.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MS (CLOCK_SECOND / 1000)

static void assert_text(const char *a, const char *b)
{
    if (a && b)
        assert_string_equal(a, b);
    else
        assert_true((!a || !*a) && (!b || !*b));
}

static void assert_texts(char *const *a, unsigned na, char *const *b, unsigned nb)
{
    assert_int_equal(na, nb);
    for (unsigned i = 0; i < na; i++)
        assert_string_equal(a[i], b[i]);
}

static void assert_plan(const struct plan *a, const struct plan *b)
{
    assert_text(a->name, b->name);
    assert_text(a->about, b->about);
    assert_text(a->native, b->native);
    assert_text(a->setup, b->setup);
    assert_text(a->thread_setup, b->thread_setup);
    assert_int_equal(a->ninputs, b->ninputs);
    for (unsigned i = 0; i < a->ninputs; i++) {
        assert_string_equal(a->inputs[i].name, b->inputs[i].name);
        assert_string_equal(a->inputs[i].recipe, b->inputs[i].recipe);
    }
    assert_texts(a->steps, a->nsteps, b->steps, b->nsteps);
    assert_texts(a->roles, a->nroles, b->roles, b->nroles);
    assert_int_equal(a->threads, b->threads);
    assert_true(a->time == b->time && a->iterations == b->iterations && a->seed == b->seed);
    assert_int_equal(a->share, b->share);
    assert_int_equal(a->detect, b->detect);
    assert_text(a->under, b->under);
    assert_int_equal(a->stop_on_first, b->stop_on_first);
}

/* Prints the plan, reads that back, and clears both. */
static void round_trip(struct plan *plan)
{
    struct plan back;
    char error[1024], *text cleanup_free = NULL;
    plan_init(&back);
    assert_int_equal(plan_check(plan, error, sizeof error), 0);
    assert_int_equal(plan_print(plan, &text), 0);
    if (load(text, &back, error) < 0)
        fail_msg("%s\n%s", error, text);
    assert_plan(plan, &back);
    plan_clear(&back);
    plan_clear(plan);
}

static const char *const hard_texts[] = {
    "x",
    "np.repeat(a, 2)",
    "d = {'k': 1}",
    "d = {\"k\": 'v'}  # a comment: not YAML's",
    "  leading",
    "trailing  ",
    "\ttab",
    "if x:\n\ty = 1\n",
    "import numpy as np\n",
    "import numpy as np\n\n\n",
    "\n\nimport numpy as np",
    "  indented first\nthen not\n",
    "def f(x):\n    if x:\n        return {'a': x}\n\n    return None",
    "text with trailing blanks  \nhere",
    "caf\xc3\xa9 = '\xe6\x97\xa5\xe6\x9c\xac'\nprint(caf\xc3\xa9)",
    "'\xf0\x9f\x98\x80'",
    "nel \xc2\x85 line separator \xe2\x80\xa8 byte order mark \xef\xbb\xbf",
    "carriage\r\nreturn",
    "control \x01 \x1b \x7f",
    "backslash \\n \\\\ \\0",
    "null",
    "~",
    "true",
    "0x10",
    "1e3",
    "*alias",
    "&anchor",
    "!tag",
    "@decorator",
    "%magic",
    "`tick`",
    "- dash",
    "? question",
    "| pipe",
    "> fold",
    "[a, b]",
    "{a: b}",
    "---",
    "...",
    "a\n---\nb",
    "a\n...\nb\n",
    "ends with colon:",
    "a:b",
    "it's \"both\"",
    "a line of far more than eighty columns, which libyaml would fold at a blank if it could",
};

static void every_text_survives_everywhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(hard_texts); i++) {
        const char *text = hard_texts[i];
        struct plan plan;
        plan_init(&plan);
        plan.name = strdup(strpbrk(text, "\r\n") ? "lines" : text);
        plan.about = strdup(plan.name);
        plan.setup = strdup(text);
        plan.thread_setup = strdup(text);
        char ***texts = i % 2 ? &plan.steps : &plan.roles;
        unsigned *n = i % 2 ? &plan.nsteps : &plan.nroles;
        plan_add_text(texts, n, text);
        plan_add_text(texts, n, "plain");
        round_trip(&plan);
    }
}

static void every_number_survives(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 1, 999, MS, 90 * CLOCK_SECOND, INT64_MAX - 1, INT64_MAX};
    for (size_t i = 0; i < COUNT(numbers); i++) {
        struct plan plan;
        plan_init(&plan);
        plan.name = strdup("n");
        plan.native = strdup("null");
        plan.threads = i % 2 ? PLAN_THREADS_MAX : 1;
        plan.time = numbers[i] == INT64_MAX ? UINT64_MAX : numbers[i];
        plan.iterations = numbers[COUNT(numbers) - 1 - i];
        plan.seed = numbers[i];
        plan.share = (enum rung)(i % RUNG_COUNT);
        plan.detect = (uint32_t)(i * 11) & DETECTOR_ALL;
        plan.stop_on_first = i % 2;
        plan_add_input(&plan, "a", "f8[20]");
        plan_add_input(&plan, "_b2", ">c16[5,1]+8");
        plan_add_input(&plan, "C", "f8[8]~bcast(4,8)");
        plan_add_input(&plan, "match", "f8[20][::-1]@ro");
        round_trip(&plan);
    }
}

static void print_is_readable(void **state)
{
    (void)state;
    static const char yaml[] = "name: somersd\n"
                               "about: 'the seed: np.repeat writes to its input'\n"
                               "setup: |\n"
                               "  import numpy as np\n"
                               "  if True:\n"
                               "      x = \"a: b # c\"\n"
                               "inputs:\n"
                               "- {name: a, recipe: 'f8[20]'}\n"
                               "- {name: b, recipe: '>c16[5,1]+8'}\n"
                               "steps:\n"
                               "- np.repeat(a, 2)\n"
                               "new: f(iteration_index)\n"
                               "budget: 65536\n"
                               "release: f.cache_clear()\n"
                               "audit:\n"
                               "- a\n"
                               "- holder.model\n"
                               "raises:\n"
                               "- ValueError, zlib.error\n"
                               "threads: 4\n"
                               "time: 1500ms\n"
                               "seed: 9223372036854775807\n"
                               "share: one-writer\n"
                               "detect: crash,tripwire\n"
                               "under: valgrind\n"
                               "stop_on_first: true\n";
    struct plan plan;
    char error[1024], *text cleanup_free = NULL;
    plan_init(&plan);
    assert_int_equal(load(yaml, &plan, error), 0);
    assert_int_equal(plan_print(&plan, &text), 0);
    assert_string_equal(text, yaml);
    plan_clear(&plan);
}

static void a_declared_class_has_a_module_or_none(void **state)
{
    (void)state;
    static const struct {
        const char *declared, *class;
        bool is_declared;
    } rows[] = {
        {"ValueError", "ValueError", true},
        {"KeyError, ValueError", "ValueError", true},
        {"KeyError,ValueErro,alueError,ValueErrors", "ValueError", false},
        {"error", "zlib.error", true},
        {"zlib.error", "zlib.error", true},
        {"bz2.error", "zlib.error", false},
        {"zli.error,zlibs.error", "zlib.error", false},
        {"json.JSONDecodeError", "json.decoder.JSONDecodeError", true},
        {"builtins.ValueError", "ValueError", true},
        {"json.ValueError", "ValueError", false},
        {"z", "zlib.z", true},
        {"", "ValueError", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct plan plan;
        plan_init(&plan);
        assert_int_equal(plan_add_text(&plan.raises, &plan.nraises, "OSError"), 0);
        assert_int_equal(plan_add_text(&plan.raises, &plan.nraises, rows[i].declared), 0);
        if (plan_declares(&plan, rows[i].class) != rows[i].is_declared)
            fail_msg("%s declares %s: %d is wanted", rows[i].declared, rows[i].class, rows[i].is_declared);
        plan_clear(&plan);
    }
}

static void print_refuses_bytes_that_are_not_text(void **state)
{
    (void)state;
    struct plan plan;
    char *text = NULL;
    plan_init(&plan);
    plan_add_text(&plan.steps, &plan.nsteps, "x = '\xff'");
    assert_int_equal(plan_print(&plan, &text), -EILSEQ);
    assert_null(text);
    plan_clear(&plan);
}

static void lists_have_limits(void **state)
{
    (void)state;
    struct plan plan;
    char name[16];
    plan_init(&plan);
    for (int i = 0; i < PLAN_INPUTS_MAX; i++) {
        snprintf(name, sizeof name, "a%d", i);
        assert_int_equal(plan_add_input(&plan, name, "f8[1]"), 0);
    }
    for (int i = 0; i < PLAN_STEPS_MAX; i++) {
        assert_int_equal(plan_add_text(&plan.steps, &plan.nsteps, "x"), 0);
        assert_int_equal(plan_add_text(&plan.roles, &plan.nroles, "x"), 0);
    }
    assert_int_equal(plan_add_input(&plan, "b", "f8[1]"), -E2BIG);
    assert_int_equal(plan_add_text(&plan.steps, &plan.nsteps, "x"), -E2BIG);
    assert_int_equal(plan_add_text(&plan.roles, &plan.nroles, "x"), -E2BIG);
    assert_int_equal(plan.ninputs, PLAN_INPUTS_MAX);
    assert_int_equal(plan.nsteps, PLAN_STEPS_MAX);
    plan_clear(&plan);
    plan_clear(&plan);
}

static void check_judges_input_names(void **state)
{
    (void)state;
    static const struct {
        const char *name, *sentence;
    } names[] = {
        {"a", NULL},
        {"_", NULL},
        {"a1_B", NULL},
        {"match", NULL},
        {"none", NULL},
        {"", "an input has no name: give it one"},
        {"1a", "not an identifier"},
        {"a b", "not an identifier"},
        {"a.b", "not an identifier"},
        {"caf\xc3\xa9", "not an identifier"},
        {"None", "a Python keyword"},
        {"lambda", "a Python keyword"},
        {"async", "a Python keyword"},
        {"thread_index", "set by ftstress itself"},
        {"iteration_index", "set by ftstress itself"},
    };
    for (size_t i = 0; i < COUNT(names); i++) {
        struct plan plan;
        char error[512] = "";
        plan_init(&plan);
        plan.name = strdup("n");
        plan_add_text(&plan.steps, &plan.nsteps, "x");
        plan_add_input(&plan, names[i].name, "f8[1]");
        assert_int_equal(plan_check(&plan, error, sizeof error), names[i].sentence ? -EINVAL : 0);
        assert_true(!names[i].sentence || strstr(error, names[i].sentence));
        plan_clear(&plan);
    }
}

static void check_passes_on_errors_of_recipe_parse(void **state)
{
    (void)state;
    struct plan plan;
    struct recipe recipe;
    char error[512], sentence[256];
    plan_init(&plan);
    plan.name = strdup("n");
    plan_add_text(&plan.steps, &plan.nsteps, "x");
    plan_add_input(&plan, "a", "f8[99999999999999]");
    int status = recipe_parse("f8[99999999999999]", &recipe, sentence, sizeof sentence);
    assert_int_equal(status, -EOVERFLOW);
    assert_int_equal(plan_check(&plan, error, sizeof error), status);
    assert_non_null(strstr(error, sentence));
    plan_clear(&plan);
}

static void check_wants_a_name(void **state)
{
    (void)state;
    struct plan plan;
    char error[512];
    plan_init(&plan);
    plan_add_text(&plan.steps, &plan.nsteps, "x");
    assert_int_equal(plan_check(&plan, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "no name"));
    plan_clear(&plan);
}

/* A call alone gets the bytes that it got among other calls with other inputs. */
static void an_input_has_bytes_of_its_own(void **state)
{
    (void)state;
    struct plan alone, among;
    plan_init(&alone);
    plan_init(&among);
    assert_int_equal(plan_add_input(&alone, "x", "f8[4]"), 0);
    assert_int_equal(plan_add_input(&among, "y", "f8[4]"), 0);
    assert_int_equal(plan_add_input(&among, "x", "f8[4]"), 0);
    assert_true(plan_input_stream(&alone, 0) == plan_input_stream(&among, 1));
    assert_true(plan_input_stream(&alone, 0) != plan_input_stream(&among, 0));
    plan_clear(&alone);
    plan_clear(&among);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_survives_everywhere),
        cmocka_unit_test(every_number_survives),
        cmocka_unit_test(print_is_readable),
        cmocka_unit_test(a_declared_class_has_a_module_or_none),
        cmocka_unit_test(print_refuses_bytes_that_are_not_text),
        cmocka_unit_test(lists_have_limits),
        cmocka_unit_test(check_judges_input_names),
        cmocka_unit_test(check_passes_on_errors_of_recipe_parse),
        cmocka_unit_test(check_wants_a_name),
        cmocka_unit_test(an_input_has_bytes_of_its_own),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
