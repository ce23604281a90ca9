/* Plan files: every key, and what is refused, by line. */
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
#include "plan_file.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

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
     "leave_out, private, writer, new, budget, release, audit, raises, threads, time, iterations, seed, draw, share, "
     "detect, guard, focus, under, perturb, members, stop_on_first"},
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
    {"raises: [ValueError, 'a b-c']\n", 1, "raises: 'b-c' is no class; write names of exceptions"},
    {"share: some\n", 1, "share: 'some' is not one of private, readonly, one-writer, all"},
    {"detect: crash,crsh\n", 1,
     "detect: unknown detector 'crsh'; the names are arena, crash, diverge, exception, growth, guard, hang, hint, "
     "invariant, log, memcheck, outcome, pyheap, refcount, shutdown, tripwire, tsan, watch, or all, none, default"},
    {"perturb: lockstep,banana\n", 1,
     "perturb: unknown perturbation 'banana'; the names are lockstep, fresh, collect, skew, delay, "
     "alloc, locks, starve, crowd, pin, pct, first, stall, or off"},
    {"perturb: lock\n", 1, "perturb: unknown perturbation 'lock'"},
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
    snprintf(wanted, sizeof wanted, "%s:%d: at most 64 inputs, 64 steps, roles, audits or raises", path,
             PLAN_STEPS_MAX + 2);
    assert_int_equal(strncmp(error, wanted, strlen(wanted)), 0);
    plan_clear(&plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(load_takes_every_key),
        cmocka_unit_test(load_keeps_keys_that_the_file_lacks),
        cmocka_unit_test(load_follows_aliases),
        cmocka_unit_test(load_refuses),
        cmocka_unit_test(load_names_a_file_that_it_cannot_read),
        cmocka_unit_test(load_cuts_its_sentence_to_the_room),
        cmocka_unit_test(load_takes_as_many_steps_as_there_may_be),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
