/* Findings from reports of ThreadSanitizer: their owners, their names, and the statement of each stack.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "core/plan/detector_list.h"
#include "driver/judge/blame.h"
#include "driver/judge/judge.h"
#include "driver/judge/link.h"

#define PYTHON "/p/lib/libpython3.13t.so.1.0"
#define CHILD "/b/bin/ftstress-child-tsan"
#define NUMPY "/v/lib/python3.13t/site-packages/numpy/_core/_umath.so"

/* A frame each; what is below is the same everywhere. */
#define IN_NUMPY(name, line, offset) "    #0 " name " /src/" #line ".c:" #line " (" NUMPY "+0x" #offset ")\n"
#define IN_PYTHON(name, offset) "    #0 " name " /p/Objects/dict.c:5 (" PYTHON "+0x" #offset ")\n"
#define IN_RUNTIME(name) "    #0 " name " <null> (" CHILD "+0x1)\n"
#define IN_HARNESS(name) "    #0 " name " /f/harness/child/worker.c:9 (" CHILD "+0x2)\n"
#define STATEMENT(number)                                                                                    \
    "    #1 PyObject_Vectorcall /p/Objects/call.c:9 (" PYTHON "+0x9)\n"                                      \
    "    #2 statement_" #number " /f/harness/child/statement.c:18 (" CHILD "+0x3)\n"

#define NOW(what) "  " what " of size 8 at 0x10 by thread T3:\n"
#define BEFORE(what) "\n  Previous " what " of size 8 at 0x10 by thread T4 (mutexes: write M0):\n"
#define WORKER(thread, number)                                                                               \
    "\n  Thread T" #thread " 'worker " #number                                                               \
    "' (tid=1, running) created by main thread at:\n" IN_RUNTIME("pthread_create")
#define REST(location) "\n  Location is " location " of size 8 at 0x10\n" WORKER(3, 0) WORKER(4, 1)
#define RACE(now, before, location)                                                                          \
    "WARNING: ThreadSanitizer: data race (pid=1)\n" now before REST(                                         \
        location) "\nSUMMARY: x\n==================\n"

static char *steps[] = {"np.repeat(x, 2)", "x.sum()"};
static char *environment[] = {"numpy=2.2.2", "python=3.13.5 (main)"};

struct judged {
    struct plan plan;
    struct outcome outcome;
    struct run run;
    bool crashed;
};

/* Stands for the symboliser: addresses are numbers of these frames, beginning with 1. */
static struct symbol_frame known[64];
static size_t nknown;

static void name_frames(struct symbol_stack *stack)
{
    for (size_t i = 0; i < stack->nframes; i++) {
        struct symbol_frame *frame = &stack->frames[i];
        *frame = known[frame->address - 1];
        frame->function = strdup(frame->function);
        frame->file = frame->file ? strdup(frame->file) : NULL;
        frame->module = strdup(frame->module);
        if (i > 0 && frame[-1].offset == frame->offset && strcmp(frame[-1].module, frame->module) == 0)
            frame[-1].is_inline = true;
    }
}

static void take(void *context, struct tsan_report *report)
{
    for (size_t i = 0; i < report->nparts; i++)
        name_frames(&report->parts[i].stack);
    outcome_add_race(context, report);
}

/* "    #0 name file:line (module+0x12)". Returns the number of the frame. */
static size_t know(const char *line)
{
    char function[64], file[128], module[128];
    int number = 0;
    unsigned offset;
    if (sscanf(line, " #%*d %63s %127[^: (]:%d (%127[^+]+%x)", function, file, &number, module, &offset) != 5)
        assert_int_equal(sscanf(line, " #%*d %63s <null> (%127[^+]+%x)", function, module, &offset), 3);
    for (size_t i = 0; i < nknown; i++)
        if (strcmp(known[i].function, function) == 0 && known[i].offset == offset &&
            known[i].line == number && strcmp(known[i].module, module) == 0)
            return i + 1;
    assert_true(nknown < sizeof known / sizeof *known);
    known[nknown] = (struct symbol_frame){.address = nknown + 1,
                                          .function = strdup(function),
                                          .file = number ? strdup(file) : NULL,
                                          .line = number,
                                          .module = strdup(module),
                                          .offset = offset};
    return ++nknown;
}

/* As the runtime prints it: frames are addresses alone. */
static void feed(struct tsan_log *log, const char *text)
{
    for (const char *next; *text; text = next) {
        char line[512];
        next = text + strcspn(text, "\n");
        next += *next == '\n';
        if (strncmp(text, "    #", 5) == 0)
            snprintf(line, sizeof line, "    #0 %#zx\n", know(text));
        else
            snprintf(line, sizeof line, "%.*s", (int)(next - text), text);
        tsan_log_feed(log, line, strlen(line));
    }
    tsan_log_finish(log);
}

static void judge_text(struct judged *scene, const char *text)
{
    struct tsan_log log = {.take = take, .context = &scene->outcome};
    scene->plan.name = "t";
    scene->plan.detect = DETECTOR_BIT(DETECTOR_TSAN) | DETECTOR_BIT(DETECTOR_CRASH);
    scene->plan.threads = 2;
    scene->outcome.environment = environment;
    scene->outcome.nenvironment = 2;
    scene->outcome.finished = !scene->crashed;
    feed(&log, text);
    judge_outcome(&scene->run, &scene->plan, &scene->outcome, 1);
    link_prune(&scene->run);
    link_findings(&scene->run);
    blame_findings(&scene->run);
}

static void use_steps(struct judged *scene)
{
    struct statement *told = calloc(2, sizeof *told);
    *scene = (struct judged){.plan = {.steps = steps, .nsteps = 2, .share = RUNG_READONLY},
                             .outcome.statements = {told, 2}};
    for (int i = 0; told && i < 2; i++)
        told[i] = (struct statement){.number = i, .source = strdup(steps[i])};
}

static void judged_clear(struct judged *scene)
{
    scene->outcome.environment = NULL;
    scene->outcome.nenvironment = 0;
    outcome_clear(&scene->outcome);
    run_clear(&scene->run);
}

static const struct finding *only_finding(const struct judged *scene)
{
    assert_int_equal(scene->run.findings.n, 1);
    return scene->run.findings.items[0];
}

static void a_race_of_a_package_is_the_targets(void **state)
{
    (void)state;
    struct judged scene;
    use_steps(&scene);
    judge_text(&scene, RACE(NOW("Write") IN_NUMPY("store", 926, 1) STATEMENT(00),
                            BEFORE("read") IN_NUMPY("add_up", 7, 2) STATEMENT(01), "heap block"));
    const struct finding *finding = only_finding(&scene);
    assert_int_equal(finding->kind, FINDING_DATA_RACE);
    assert_int_equal(finding->blame, BLAME_TARGET);
    assert_int_equal(finding->detector, DETECTOR_TSAN);
    assert_string_equal(finding->function, "store");
    assert_string_equal(finding->package, "numpy 2.2.2");
    assert_string_equal(finding->signature, "data-race|add_up|store|numpy");
    assert_string_equal(finding->statement, "np.repeat(x, 2), while another thread runs x.sum()");
    assert_string_equal(finding->message,
                        "store (numpy 2.2.2) writes 8 bytes at 926.c:926 that add_up reads at 7.c:7 in "
                        "another thread; nothing orders the two");
    assert_int_equal(finding->nstacks, 2);
    assert_string_equal(finding->stacks[0].title, "write of 8 bytes by thread 0, in np.repeat(x, 2)");
    assert_string_equal(finding->stacks[1].title,
                        "earlier read of 8 bytes by thread 1, holding write M0, in x.sum()");
    assert_int_equal(finding->stacks[0].stack.frames[0].line, 926);
    judged_clear(&scene);
}

static void the_order_of_the_two_does_not_matter(void **state)
{
    (void)state;
    struct judged scene;
    use_steps(&scene);
    judge_text(&scene, RACE(NOW("Write") IN_NUMPY("f", 1, 1) STATEMENT(00),
                            BEFORE("read") IN_NUMPY("g", 2, 2) STATEMENT(01), "heap block")
                           RACE(NOW("Read") IN_NUMPY("g", 2, 2) STATEMENT(01),
                                BEFORE("write") IN_NUMPY("f", 1, 1) STATEMENT(00), "heap block")
                               RACE(NOW("Write") IN_NUMPY("f", 3, 3) STATEMENT(00),
                                    BEFORE("write") IN_NUMPY("g", 4, 4) STATEMENT(00), "heap block"));
    const struct finding *finding = only_finding(&scene);
    assert_string_equal(finding->function, "f");
    assert_true(finding->count == 3);
    assert_int_equal(finding->nstacks, 4);
    judged_clear(&scene);
}

static void roles_are_statements_too(void **state)
{
    (void)state;
    struct judged scene;
    use_steps(&scene);
    scene.plan = (struct plan){.roles = steps, .nroles = 2, .share = RUNG_READONLY};
    scene.outcome.statements.items[1].role = 1;
    judge_text(&scene, RACE(NOW("Write") IN_NUMPY("f", 1, 1) STATEMENT(01),
                            BEFORE("write") IN_NUMPY("f", 1, 1) STATEMENT(01), "heap block"));
    assert_string_equal(only_finding(&scene)->statement, "x.sum()");
    judged_clear(&scene);
}

/* What a header of others' or an accessor puts into a function is that function's; what the compiler itself put there
 * is the one that did it. */
static void the_innermost_function_of_the_packages_own_is_named(void **state)
{
    (void)state;
    struct judged scene;
    use_steps(&scene);
    judge_text(&scene, RACE("  Write of size 8 at 0x10 by main thread:\n"
                            "    #0 push_back /usr/include/c++/12/bits/stl_vector.h:1 (" NUMPY "+0x1)\n"
                            "    #1 decref /src/data.h:2 (" NUMPY "+0x1)\n"
                            "    #2 makecn /src/symbolics.h:3 (" NUMPY "+0x1)\n" STATEMENT(00),
                            "\n  Previous read of size 8 at 0x10 by thread T9:\n"
                            "    #0 PyArray_DIM /n/include/numpy/ndarraytypes.h:1 (" NUMPY "+0x2)\n"
                            "    #1 repeat /src/item.c:4 (" NUMPY "+0x2)\n" STATEMENT(01),
                            "heap block"));
    const struct finding *finding = only_finding(&scene);
    assert_string_equal(finding->signature, "data-race|decref|repeat|numpy");
    assert_string_equal(finding->stacks[0].title, "write of 8 bytes by the main thread, in np.repeat(x, 2)");
    assert_string_equal(finding->stacks[1].title,
                        "earlier read of 8 bytes by a thread of its own (without a name), in x.sum()");
    judged_clear(&scene);
}

static void blame(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum blame blame;
        const char *function;
    } rows[] = {
        {RACE(NOW("Write") IN_PYTHON("insert", 1) STATEMENT(00),
              BEFORE("read") IN_PYTHON("lookup", 2) STATEMENT(00), "heap block"),
         BLAME_INTERPRETER, "insert"},
        /* memcpy and free are the runtime's own functions. */
        {RACE(NOW("Write") IN_RUNTIME("memcpy") IN_NUMPY("fill", 1, 1) STATEMENT(00),
              BEFORE("read") IN_NUMPY("look", 2, 2) STATEMENT(00), "heap block"),
         BLAME_TARGET, "fill"},
        /* The interpreter on behalf of a package, twice: the owner is unknown. */
        {RACE(NOW("Write") IN_PYTHON("insert", 1) IN_NUMPY("caller", 1, 1) STATEMENT(00),
              BEFORE("write") IN_PYTHON("insert", 1) IN_NUMPY("caller", 1, 1) STATEMENT(00), "heap block"),
         BLAME_UNKNOWN, "caller"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct judged scene;
        use_steps(&scene);
        judge_text(&scene, rows[i].text);
        const struct finding *finding = only_finding(&scene);
        assert_int_equal(finding->blame, rows[i].blame);
        assert_string_equal(finding->function, rows[i].function);
        assert_null(strstr(finding->stacks[0].stack.frames[0].module, "ftstress-child"));
        judged_clear(&scene);
    }
}

/* Where the statements change an array that they share, a race in its data is what NumPy documents; one in a variable
 * of the package is not. */
static void user_error(void **state)
{
    (void)state;
    cleanup_free char *maps = NULL;
    assert_int_equal(fd_read_file("/proc/self/maps", &maps, NULL), 0);
    const uint64_t addresses[] = {16, (uintptr_t)&nknown};
    for (size_t i = 0; i < 2; i++) {
        char text[4096];
        struct judged scene;
        struct record changed;
        use_steps(&scene);
        record_begin(&changed, RECORD_INVARIANT, RECORD_MAIN);
        changed.values[INVARIANT_SERIAL] = 1;
        record_add_text(&changed, "x");
        record_add_text(&changed, "its bytes changed");
        record_add_text(&changed, "x.sort()");
        outcome_add(&scene.outcome, &changed);
        scene.outcome.maps = strdup(maps);
        snprintf(text, sizeof text,
                 "WARNING: ThreadSanitizer: data race (pid=1)\n"
                 "  Write of size 8 at %#" PRIx64 " by thread T3:\n" IN_NUMPY("f", 1, 1) STATEMENT(00)
                     BEFORE("write") IN_NUMPY("f", 1, 1) STATEMENT(00) WORKER(3, 0)
                         WORKER(4, 1) "\nSUMMARY: x\n",
                 addresses[i]);
        judge_text(&scene, text);
        assert_int_equal(only_finding(&scene)->blame, i == 0 ? BLAME_USER : BLAME_TARGET);
        judged_clear(&scene);
    }
}

static void other_races_are_notes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *note;
    } rows[] = {
        {RACE(NOW("Write") IN_HARNESS("worker_main"), BEFORE("read") IN_HARNESS("check_round"), "heap block"),
         "ThreadSanitizer reports a race of ftstress itself (worker_main with check_round); please report it with this "
         "command line"},
        {RACE(NOW("Write") IN_NUMPY("copy", 1, 1) STATEMENT(00), BEFORE("write") IN_HARNESS("drop"),
              "heap block"),
         "ThreadSanitizer reports that the target meets ftstress's own memory: copy with drop"},
        {RACE(NOW("Write") IN_PYTHON("new_threadstate", 1), BEFORE("read") IN_PYTHON("tstate_delete", 2),
              "heap block"),
         "ThreadSanitizer reports a race beside the statements: new_threadstate with tstate_delete"},
        {"WARNING: ThreadSanitizer: double lock of a mutex (pid=1)\n" IN_RUNTIME("pthread_mutex_lock")
             IN_NUMPY("take", 1, 1) "\nSUMMARY: x\n",
         "ThreadSanitizer also reports: double lock of a mutex in take"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct judged scene;
        use_steps(&scene);
        judge_text(&scene, rows[i].text);
        assert_int_equal(scene.run.findings.n, 0);
        assert_int_equal(scene.run.notes.n, 1);
        assert_string_equal(scene.run.notes.items[0], rows[i].note);
        judged_clear(&scene);
    }
}

static void a_suppressed_race_is_counted_and_no_finding(void **state)
{
    (void)state;
    struct judged scene;
    struct suppression rule = {.type = "race", .pattern = "^f$"};
    const struct suppression_list list = {&rule, 1};
    use_steps(&scene);
    scene.run.suppressions = &list;
    scene.outcome.dropped_races = 7;
    judge_text(&scene, RACE(NOW("Write") IN_NUMPY("f", 1, 1) STATEMENT(00),
                            BEFORE("read") IN_NUMPY("g", 2, 2) STATEMENT(01), "heap block"));
    assert_int_equal(scene.run.findings.n, 0);
    assert_int_equal(rule.hits, 1);
    assert_string_equal(scene.run.notes.items[0],
                        "a child reported more races than are kept: 7 reports are left out");
    judged_clear(&scene);
}

/* A race in one function explains the crash of the same run; races in two functions do not. */
static void a_race_explains_a_crash(void **state)
{
    (void)state;
    static const char *const more[] = {"",
                                       RACE(NOW("Write") IN_NUMPY("other", 8, 8) STATEMENT(00),
                                            BEFORE("read") IN_NUMPY("g", 2, 2) STATEMENT(01), "heap block")};
    for (size_t i = 0; i < 2; i++) {
        char text[8192];
        struct judged scene;
        use_steps(&scene);
        scene.crashed = true;
        snprintf(text, sizeof text, "%s%s%s",
                 RACE(NOW("Write") IN_NUMPY("f", 1, 1) STATEMENT(00),
                      BEFORE("read") IN_NUMPY("g", 2, 2) STATEMENT(01), "heap block"),
                 more[i],
                 "==1==ERROR: ThreadSanitizer: SEGV on unknown address 0x0 (pc 0x1)\n" IN_NUMPY(
                     "copy", 9, 9) "\nSUMMARY: x\n");
        judge_text(&scene, text);
        const struct finding *crash = NULL;
        for (size_t k = 0; k < scene.run.findings.n; k++)
            if (scene.run.findings.items[k]->kind == FINDING_CRASH)
                crash = scene.run.findings.items[k];
        assert_non_null(crash);
        assert_non_null(strstr(crash->message, "SEGV on unknown address 0x0"));
        if (i == 0)
            assert_string_equal(crash->cause, scene.run.findings.items[0]->id);
        else
            assert_null(crash->cause);
        judged_clear(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_race_of_a_package_is_the_targets),
        cmocka_unit_test(the_order_of_the_two_does_not_matter),
        cmocka_unit_test(roles_are_statements_too),
        cmocka_unit_test(the_innermost_function_of_the_packages_own_is_named),
        cmocka_unit_test(blame),
        cmocka_unit_test(user_error),
        cmocka_unit_test(other_races_are_notes),
        cmocka_unit_test(a_suppressed_race_is_counted_and_no_finding),
        cmocka_unit_test(a_race_explains_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
