#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "core/plan/detector_list.h"
#include "core/plan/plan.h"
#include "core/plan/value.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define MS (CLOCK_SECOND / 1000)

static char directory[] = "/tmp/ftstress-plan-XXXXXX";
static char path[64];

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/somersd.yaml", directory);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static int load(const char *yaml, struct plan *plan, char error[static 1024])
{
    error[0] = '\0';
    assert_int_equal(fd_write_file(path, yaml, strlen(yaml)), 0);
    return plan_load(path, plan, error, 1024);
}

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

static void load_takes_every_key(void **state)
{
    (void)state;
    struct plan plan;
    char error[1024];
    plan_init(&plan);
    assert_int_equal(load("about: >\n  two words\n"
                          "thread_setup: b = a.copy()\n"
                          "inputs: [{name: a, recipe: 'f8[20]@out'}]\n"
                          "roles: [x = 1, \"y = 2\"]\n"
                          "threads: 256\ntime: 2h\niterations: 0x10\nseed: 7\nshare: all\n"
                          "detect: none\nstop_on_first: True\n",
                          &plan, error),
                     0);
    assert_string_equal(plan.name, "somersd"); /* after the file */
    assert_string_equal(plan.about, "two words");
    assert_string_equal(plan.thread_setup, "b = a.copy()");
    assert_string_equal(plan.inputs[0].recipe, "f8[20]@out");
    assert_int_equal(plan.nroles, 2);
    assert_string_equal(plan.roles[0], "x = 1");
    assert_int_equal(plan.threads, 256);
    assert_true(plan.time == 7200 * CLOCK_SECOND && plan.iterations == 16 && plan.seed == 7);
    assert_int_equal(plan.share, RUNG_ALL);
    assert_int_equal(plan.detect, 0);
    assert_true(plan.stop_on_first);
    plan_clear(&plan);
}

static void load_keeps_keys_that_the_file_lacks(void **state)
{
    (void)state;
    struct plan plan;
    char error[1024];
    plan_init(&plan);
    plan.name = strdup("mine");
    plan.setup = strdup("gone");
    plan.seed = 5;
    plan_add_input(&plan, "a", "f8[1]");
    plan_add_text(&plan.steps, &plan.nsteps, "one");
    plan_add_text(&plan.steps, &plan.nsteps, "two");
    assert_int_equal(load("setup:\nsteps:\n- three\nthreads: 3\n", &plan, error), 0);
    assert_string_equal(plan.name, "mine");
    assert_null(plan.setup);
    assert_true(plan.seed == 5 && plan.threads == 3 && plan.time == 10 * CLOCK_SECOND);
    assert_int_equal(plan.ninputs, 1);
    assert_int_equal(plan.nsteps, 1);
    assert_string_equal(plan.steps[0], "three");
    plan_clear(&plan);
}

static void load_follows_aliases(void **state)
{
    (void)state;
    struct plan plan;
    char error[1024];
    plan_init(&plan);
    assert_int_equal(load("inputs:\n- {name: a, recipe: &r 'f8[2]'}\n- {name: b, recipe: *r}\n"
                          "steps: [&s a + b, *s]\n",
                          &plan, error),
                     0);
    assert_string_equal(plan.inputs[1].recipe, "f8[2]");
    assert_string_equal(plan.steps[1], "a + b");
    plan_clear(&plan);
}

/* What the file says, the line that must be named (0 for none), and a part of the sentence. */
static const struct refusal {
    const char *yaml;
    size_t line;
    const char *sentence;
} refusals[] = {
    /* keys */
    {"name: a\nsteps: [x]\nthraeds: 3\n", 3,
     "unknown key 'thraeds'; the keys are name, about, native, setup, thread_setup, inputs, steps, roles, "
     "leave_out, private, writer, new, budget, release, audit, threads, time, iterations, seed, share, detect, guard, "
     "focus, under, stop_on_first"},
    {"setup: |\n  a\n  b\n  c\nthraeds: 3\n", 5, "unknown key 'thraeds'"},
    {"thraeds: 3\n", 1, "unknown key 'thraeds'"},
    {"inputs:\n- {name: a, recipe: 'f8[1]'}\n- name: b\n  rcipe: f8[1]\n", 4,
     "unknown key 'rcipe' in an input; the keys are name, recipe"},
    {"inputs:\n- {name: a, recipe: 'f8[1]'}\nrecipe: x\n", 3,
     "unknown key 'recipe'; the keys are name, about"},
    {"inputs:\n- threads: 3\n", 2, "unknown key 'threads' in an input"},
    {"setup: &a x\nsteps:\n- *a\n- y\nfoo: 3\n", 5, "unknown key 'foo'"},
    {"<<: {a: b}\n", 1, "unknown key '<<'"},
    {"threads: 1\nseed: 2\nthreads: 1\n", 3, "threads is given twice"},
    {"inputs:\n- name: a\n  name: b\n", 3, "name is given twice"},
    {"name: a\n[a, b]: 3\n", 2, "a key must be a word"},
    {"name: a\n? {a: b}\n: 3\n", 2, "a key must be a word"},
    /* types */
    {"abc\n", 1, "a plan is a mapping, not a single value"},
    {"# comment\n- a\n- b\n", 2, "a plan is a mapping, not a list"},
    {"name: a\nsteps: x\n", 2, "steps must be a list, not a single value"},
    {"name: a\nsteps:\n  a: b\n", 3, "steps must be a list, not a mapping"},
    {"roles:\nsteps: [x]\n", 1, "roles must be a list, not a single value"},
    {"inputs: f8[20]\n", 1, "inputs must be a list, not a single value"},
    {"steps:\n- x\n- d = {'a': 1}\n", 3, "an entry of steps must be text, not a mapping: put it in quotes"},
    {"roles:\n- x\n- [a, b]\n", 3, "an entry of roles must be text, not a list"},
    {"threads:\n- 3\n", 2, "threads must be a single value, not a list"},
    {"setup:\n  a: b\n", 2, "setup must be a single value, not a mapping"},
    {"detect: [crash]\n", 1, "detect must be a single value, not a list"},
    {"inputs:\n- a\n", 2, "an input must be a mapping, not a single value"},
    {"inputs:\n- name: a\n  recipe:\n  - b\n", 4, "recipe must be a single value, not a list"},
    /* values */
    {"seed: 1\nthreads: 0\n", 2, "threads must be from 1 to 256, not 0"},
    {"threads: 257\n", 1, "threads must be from 1 to 256, not 257"},
    {"threads: 99999999999\n", 1, "threads: '99999999999' is not a whole number from 1 to 256"},
    {"threads: 8x\n", 1, "threads: '8x' is not"},
    {"threads: -1\n", 1, "threads: '-1' is not"},
    {"threads:\nsteps: [x]\n", 1, "threads: '' is not"},
    {"iterations: 1.5\n", 1, "iterations: '1.5' is not a whole number"},
    {"seed: 9223372036854775808\n", 1,
     "seed: '9223372036854775808' is not a whole number from 0 to 9223372036854775807"},
    {"setup: x\nsteps:\n- \"unfinished\nseed: 3\n", 3, "not YAML"},
    {"setup: x\nsteps: [a,\n b\n", 2, "not YAML"},
    {"name: a\n\ntime: ten\n", 3, "time: 'ten' is not a time: write it as 10s"},
    {"time:\n  |\n  1\n  2\n", 2, "time: '1 2 ' is not a time"},
    {"budget: much\n", 1, "budget: 'much' is not a size"},
    {"share: some\n", 1, "share: 'some' is not one of private, readonly, one-writer, all"},
    {"detect: crash,crsh\n", 1,
     "detect: unknown detector 'crsh'; the names are arena, crash, diverge, exception, growth, guard, hang, "
     "invariant, log, memcheck, pyheap, refcount, shutdown, tripwire, tsan, or all, none, default"},
    {"under: banana\n", 1, "under: there is no tool 'banana'; write valgrind"},
    {"stop_on_first: banana\n", 1, "stop_on_first: 'banana' is not true or false"},
    {"name: |\n  a\n  b\n", 1, "name must be one line"},
    {"seed: 1\nabout: \"a\\nb\"\n", 2, "about must be one line"},
    /* inputs */
    {"inputs:\n- name: a\n  recipe: f8[2\n", 3, "input 'a': recipe 'f8[2': "},
    {"inputs:\n- name: a\n", 2, "input 'a': recipe '': "},
    {"inputs:\n- recipe: f8[2]\n", 2, "an input has no name: give it one"},
    {"inputs:\n- recipe: f8[2]\n  name: for\n", 3, "input name 'for' is a Python keyword"},
    {"inputs:\n- recipe: f8[2]\n  name: 2a\n", 3, "input name '2a' is not an identifier"},
    {"inputs:\n- {name: a, recipe: 'f8[1]'}\n- {name: a, recipe: 'f8[2]'}\n", 3, "two inputs are named 'a'"},
    /* something to run, an end */
    {"", 0, "nothing to run: give one of native, steps and roles"},
    {"# nothing\n", 0, "nothing to run"},
    {"{}\n", 0, "nothing to run"},
    {"threads: 3\nsteps: []\n", 0, "nothing to run"},
    {"native: a\nsteps:\n- x\n", 3, "native and steps cannot go together"},
    {"roles: [x]\nsteps: [x]\n", 2, "steps and roles cannot go together"},
    {"native: a\nnew: x\n", 2, "native and new cannot go together"},
    {"steps: [x]\nnative: a\n", 2, "native and steps cannot go together"},
    {"steps:\n- x\n- '  '\n", 3, "entry 2 of steps is empty"},
    {"roles:\n- ''\n", 2, "entry 1 of roles is empty"},
    {"steps: [x]\ntime: 0\n", 0, "nothing ends the run: give time or iterations"},
    /* YAML */
    {"name: a\nsteps:\n- @x\n", 3, "not YAML: found character that cannot start any token"},
    {"name: a\nsteps: [x\n\nthreads: 3\n", 4, "not YAML: did not find expected ',' or ']'"},
    {"name: a\nabout: \"x\n\n", 2, "while scanning a quoted scalar, line 2"},
    {"name: a\n\tthreads: 3\n", 2, "not YAML: "},
    {"inputs:\n- name: a\n  recipe: >c16[5,1]+8\n", 3, "put Python and recipes in quotes"},
    {"name: a\nsteps: [*x]\n", 2, "not YAML: found undefined alias"},
    {"name: a\nsteps: &a\n- x\n- y\n- *a\n", 2, "this holds itself: take the alias out"},
    {"name: a\nabout: \xff\n", 2, "not text: invalid leading UTF-8 octet"},
    {"name: a\nabout: \x01\n", 2, "not text: control characters are not allowed"},
    {"name: a\nsteps:\n- \"x\\0y\"\n", 3, "must not hold a NUL"},
    {"steps: [x]\n---\nsteps: [y]\n", 2, "a second plan"},
};

static void load_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refusals); i++) {
        const struct refusal *refusal = &refusals[i];
        struct plan plan;
        char error[1024], where[96];
        plan_init(&plan);
        int status = load(refusal->yaml, &plan, error);
        if (refusal->line > 0)
            snprintf(where, sizeof where, "%s:%zu: ", path, refusal->line);
        else
            snprintf(where, sizeof where, "%s: ", path);
        if (status != -EINVAL || strncmp(error, where, strlen(where)) != 0 ||
            !strstr(error, refusal->sentence) || strchr(error, '\n'))
            fail_msg("%s\ngave %d, '%s'\nwanted line %zu, '%s'", refusal->yaml, status, error, refusal->line,
                     refusal->sentence);
        plan_clear(&plan);
    }
}

static void load_names_a_file_that_it_cannot_read(void **state)
{
    (void)state;
    struct plan plan;
    char error[1024];
    plan_init(&plan);
    assert_int_equal(plan_load("x.yaml", &plan, error, sizeof error), -ENOENT);
    assert_string_equal(error, "cannot read plan 'x.yaml': No such file or directory");
    assert_int_equal(plan_load(directory, &plan, error, sizeof error), -EISDIR);
    plan_clear(&plan);
}

static void load_cuts_its_sentence_to_the_room(void **state)
{
    (void)state;
    struct plan plan;
    char error[16] = "................";
    plan_init(&plan);
    assert_int_equal(fd_write_file(path, "a: b\n", 5), 0);
    assert_int_equal(plan_load(path, &plan, error, 8), -EINVAL);
    assert_int_equal(strlen(error), 7);
    assert_int_equal(error[8], '.');
    plan_clear(&plan);
}

static void load_takes_as_many_steps_as_there_may_be(void **state)
{
    (void)state;
    char yaml[1024], error[1024], wanted[128];
    int used = snprintf(yaml, sizeof yaml, "steps:\n");
    for (int i = 0; i < PLAN_STEPS_MAX; i++)
        used += snprintf(yaml + used, sizeof yaml - (size_t)used, "- x%d\n", i);
    struct plan plan;
    plan_init(&plan);
    assert_int_equal(load(yaml, &plan, error), 0);
    assert_int_equal(plan.nsteps, PLAN_STEPS_MAX);
    snprintf(yaml + used, sizeof yaml - (size_t)used, "- y\n");
    assert_int_equal(load(yaml, &plan, error), -EINVAL);
    snprintf(wanted, sizeof wanted, "%s:%d: at most 32 inputs, 64 steps, roles or audits", path,
             PLAN_STEPS_MAX + 2);
    assert_int_equal(strncmp(error, wanted, strlen(wanted)), 0);
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

static void times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t nanoseconds; /* UINT64_MAX: refused */
        const char *printed;
    } rows[] = {
        {"10", 10 * CLOCK_SECOND, "10s"},
        {"10s", 10 * CLOCK_SECOND, "10s"},
        {"500ms", 500 * MS, "500ms"},
        {"1500ms", 1500 * MS, "1500ms"},
        {"2m", 120 * CLOCK_SECOND, "2m"},
        {"60s", 60 * CLOCK_SECOND, "1m"},
        {"90s", 90 * CLOCK_SECOND, "90s"},
        {"2h", 7200 * CLOCK_SECOND, "2h"},
        {"0", 0, "0s"},
        {"0h", 0, "0s"},
        {"7us", 7000, "7us"},
        {"1ns", 1, "1ns"},
        {"5124095h", UINT64_C(5124095) * 3600 * CLOCK_SECOND, "5124095h"},
        {"5124096h", UINT64_MAX, NULL},
        {"99999999999999999999", UINT64_MAX, NULL},
        {"", UINT64_MAX, NULL},
        {"s", UINT64_MAX, NULL},
        {" 1", UINT64_MAX, NULL},
        {"-1", UINT64_MAX, NULL},
        {"+1", UINT64_MAX, NULL},
        {"1 s", UINT64_MAX, NULL},
        {"1.5s", 1500000000u, "1500ms"},
        {"1.", UINT64_MAX, NULL},
        {"1.s", UINT64_MAX, NULL},
        {"1d", UINT64_MAX, NULL},
        {"1S", UINT64_MAX, NULL},
        {"0x10", UINT64_MAX, NULL},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t nanoseconds = UINT64_MAX;
        char text[32];
        assert_int_equal(value_time(rows[i].text, &nanoseconds), rows[i].printed ? 0 : -EINVAL);
        assert_true(nanoseconds == rows[i].nanoseconds);
        value_print_time(nanoseconds, text);
        if (rows[i].printed)
            assert_string_equal(text, rows[i].printed);
    }
}

static void detectors(void **state)
{
    (void)state;
    static const uint32_t crash = DETECTOR_BIT(DETECTOR_CRASH), tripwire = DETECTOR_BIT(DETECTOR_TRIPWIRE);
    const struct {
        const char *text;
        int status;
        uint32_t bits;
        const char *printed; /* or a part of the sentence */
    } rows[] = {
        {"all", 0, DETECTOR_ALL, "all"},
        {"none", 0, 0, "none"},
        {"default", 0, DETECTOR_DEFAULT, "default"},
        {"crash", 0, crash, "crash"},
        {"tripwire,crash", 0, crash | tripwire, "crash,tripwire"},
        {" crash , tripwire ", 0, crash | tripwire, "crash,tripwire"},
        {"default,crash,crash", 0, DETECTOR_DEFAULT, "default"},
        {"none,crash", -EINVAL, 0, "none stands alone"},
        {"all,none", -EINVAL, 0, "none stands alone"},
        {"", -EINVAL, 0, "unknown detector ''"},
        {"crash,", -EINVAL, 0, "unknown detector ''"},
        {"Crash", -EINVAL, 0,
         "unknown detector 'Crash'; the names are arena, crash, diverge, exception, growth, guard, "},
        {"crash tripwire", -EINVAL, 0, "unknown detector 'crash tripwire'"},
        {"crashes", -EINVAL, 0, "unknown detector 'crashes'"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint32_t bits = 0;
        char text[256] = "";
        assert_int_equal(detector_parse(rows[i].text, &bits, text, sizeof text), rows[i].status);
        assert_int_equal(bits, rows[i].bits);
        if (rows[i].status == 0)
            detector_print(bits, text, sizeof text);
        assert_non_null(strstr(text, rows[i].printed));
    }
}

static void sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes; /* 0: refused */
    } rows[] = {
        {"1", 1},
        {"64K", 65536},
        {"512M", UINT64_C(512) << 20},
        {"4G", UINT64_C(4) << 30},
        {"2T", UINT64_C(2) << 40},
        {"0", 0},
        {"", 0},
        {"K", 0},
        {"4GB", 0},
        {"-1", 0},
        {"1.5M", 0},
        {"4g", 0},
        {"99999999999999999999", 0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint64_t bytes = 0;
        assert_int_equal(value_size(rows[i].text, &bytes), rows[i].bytes ? 0 : -EINVAL);
        assert_int_equal(bytes, rows[i].bytes);
    }
}

static void every_detector_has_a_row(void **state)
{
    (void)state;
    for (int id = 0; id < DETECTOR_COUNT; id++) {
        assert_non_null(detector_rows[id].name);
        assert_non_null(detector_rows[id].about);
        assert_null(strchr(detector_rows[id].about, '\n'));
        assert_true(id == 0 || strcmp(detector_rows[id - 1].name, detector_rows[id].name) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_text_survives_everywhere),
        cmocka_unit_test(every_number_survives),
        cmocka_unit_test(print_is_readable),
        cmocka_unit_test(print_refuses_bytes_that_are_not_text),
        cmocka_unit_test(load_takes_every_key),
        cmocka_unit_test(load_keeps_keys_that_the_file_lacks),
        cmocka_unit_test(load_follows_aliases),
        cmocka_unit_test(load_refuses),
        cmocka_unit_test(load_names_a_file_that_it_cannot_read),
        cmocka_unit_test(load_cuts_its_sentence_to_the_room),
        cmocka_unit_test(load_takes_as_many_steps_as_there_may_be),
        cmocka_unit_test(lists_have_limits),
        cmocka_unit_test(check_judges_input_names),
        cmocka_unit_test(check_passes_on_errors_of_recipe_parse),
        cmocka_unit_test(check_wants_a_name),
        cmocka_unit_test(times),
        cmocka_unit_test(detectors),
        cmocka_unit_test(sizes),
        cmocka_unit_test(every_detector_has_a_row),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
