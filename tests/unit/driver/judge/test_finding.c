/* Findings: the list, sentences of the log, the owner of the code, and the judge on outcomes made by hand. Stacks are
 * functions of this program under its own memory map; it stands for the extension module. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/plan/detector_list.h"
#include "driver/finding/finding.h"
#include "driver/judge/judge.h"
#include "driver/finding/log_rule.h"
#include "driver/outcome/package.h"

#define NOINLINE __attribute__((noinline, used))
#define EXITED(status) ((status) << 8)
#define COUNT(array) (sizeof(array) / sizeof *(array))

static NOINLINE int guilty(int x)
{
    return x + 1;
}

/* Its name is what a wait is known by. */
static NOINLINE int pthread_mutex_planted(int x)
{
    return x * 7;
}

static NOINLINE int accomplice(int x)
{
    return x + 2;
}

static NOINLINE int worker_main(int x)
{
    return x + 3;
}

/* The list. */

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

/* The log. */

static const struct {
    const char *line;
    enum finding_kind kind;
} log_lines[] = {
    {"free(): double free detected in tcache 2", FINDING_DOUBLE_FREE},
    {"double free or corruption (!prev)", FINDING_HEAP_CORRUPTION},
    {"free(): invalid size", FINDING_HEAP_CORRUPTION},
    {"free(): invalid next size (fast)", FINDING_HEAP_CORRUPTION},
    {"malloc(): corrupted top size", FINDING_HEAP_CORRUPTION},
    {"malloc_consolidate(): unaligned fastbin chunk detected", FINDING_HEAP_CORRUPTION},
    {"realloc(): invalid next size", FINDING_HEAP_CORRUPTION},
    {"munmap_chunk(): invalid pointer", FINDING_HEAP_CORRUPTION},
    {"mremap_chunk(): invalid pointer", FINDING_HEAP_CORRUPTION},
    {"corrupted size vs. prev_size while consolidating", FINDING_HEAP_CORRUPTION},
    {"corrupted double-linked list (not small)", FINDING_HEAP_CORRUPTION},
    {"break adjusted to free malloc space", FINDING_HEAP_CORRUPTION},
    {"python: malloc.c:2379: sysmalloc: Assertion `(old_top == initial_top (av))' failed.",
     FINDING_HEAP_CORRUPTION},
    {"Fatal glibc error: malloc assertion failure in sysmalloc: (old_top == initial_top (av))",
     FINDING_HEAP_CORRUPTION},
    {"Fatal glibc error: malloc.c:2599 (sysmalloc): assertion failed: (old_top == initial_top (av))",
     FINDING_HEAP_CORRUPTION},
    {"mimalloc: error: double free detected of block 0x7f0000 with size 32", FINDING_DOUBLE_FREE},
    {"mimalloc: error: corrupted free list entry of size 32b at 0x7f0000", FINDING_HEAP_CORRUPTION},
    {"Debug memory block at address p=0x7f0000: API 'o'", FINDING_HEAP_CORRUPTION},
    {"Debug memory block at address p=0x7f0000: API '\xdd'", FINDING_DOUBLE_FREE},
    {"Fatal Python error: _PyMem_DebugMalloc: Python memory allocator called without holding the GIL",
     FINDING_CRASH},
    {"*** stack smashing detected ***: terminated", FINDING_CRASH},
    {"*** buffer overflow detected ***: terminated", FINDING_CRASH},
    {"terminate called after throwing an instance of 'std::bad_alloc'", FINDING_CRASH},
    {"pure virtual method called", FINDING_CRASH},
    {"Fatal Python error: Segmentation fault", FINDING_INTERPRETER_FAULT},
    {"Objects/object.c:1: _Py_NegativeRefcount: Assertion failed: object has negative ref count",
     FINDING_REFCOUNT_UNDERFLOW},
};

static void every_sentence_is_known_in_any_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(log_lines); i++) {
        char text[256], *line = NULL;
        snprintf(text, sizeof text, "a warning\n\n%s\nAborted", log_lines[i].line);
        const struct log_rule *rule = log_rule_find(text, &line);
        if (!rule)
            fail_msg("no rule knows \"%s\"", log_lines[i].line);
        assert_int_equal(rule->kind, log_lines[i].kind);
        assert_non_null(strstr(line, rule->sentence));
        assert_string_equal(line, log_lines[i].line);
        free(line);
    }
}

static void the_first_line_decides(void **state)
{
    (void)state;
    char *line;
    const struct log_rule *rule = log_rule_find("free(): invalid size\nFatal Python error: Aborted\n", &line);
    assert_int_equal(rule->kind, FINDING_HEAP_CORRUPTION);
    assert_string_equal(line, "free(): invalid size");
    free(line);
}

static void other_texts_are_not_findings(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\n\n",
        "x",
        "RuntimeWarning: overflow encountered in multiply",
        "malloc is a function, free() another",
        "Traceback (most recent call last):\n  File \"x.py\", line 1\nValueError: double\nfree",
        "free():\ninvalid size",
    };
    char *line;
    assert_null(log_rule_find(NULL, &line));
    for (size_t i = 0; i < COUNT(texts); i++)
        assert_null(log_rule_find(texts[i], &line));
}

static const char dump[] = "noise\n"
                           "Debug memory block at address p=0x4498e030c70: API 'o'\n"
                           "    69 bytes originally requested\n"
                           "    The 7 pad bytes at p-7 are FORBIDDENBYTE, as expected.\n"
                           "    The 8 pad bytes at tail=0x4498e030cb5 are not all FORBIDDENBYTE (0xfd):\n"
                           "        at tail+0: 0x41 *** OUCH\n"
                           "        at tail+1: 0xfd\n"
                           "        at tail+2: 0x42 *** OUCH\n"
                           "    Data at p: c0 b6 dd 48\n\n"
                           "Fatal Python error: _PyMem_DebugRawFree: bad trailing pad byte\n"
                           "        at tail+3: 0x41 *** OUCH\n";

static void what_the_debug_hooks_print_becomes_a_sentence(void **state)
{
    (void)state;
    char *sentence = log_rule_hooks_sentence(dump);
    assert_string_equal(
        sentence,
        "CPython's debug hooks: bad trailing pad byte (69 bytes originally requested): tail+0 0x41, tail+2 0x42");
    free(sentence);
    sentence = log_rule_hooks_sentence("Debug memory block at address p=0x7f0000: API '\xdd'\n");
    assert_string_equal(sentence,
                        "CPython's debug hooks: a block was released that had been released before");
    free(sentence);
    assert_null(log_rule_hooks_sentence("Fatal Python error: Aborted\n"));
    assert_null(log_rule_hooks_sentence("Debug memory block at address p=0x7f0000: API 'o'\n    6"));
    assert_null(log_rule_hooks_sentence(NULL));
}

static void only_sentences_of_the_debug_hooks_are_pyheaps(void **state)
{
    (void)state;
    char *line;
    assert_true(log_rule_is_hooks(log_rule_find(dump, &line)));
    free(line);
    assert_false(log_rule_is_hooks(log_rule_find("free(): invalid size\n", &line)));
    free(line);
}

static void the_module_that_wants_the_gil_is_named(void **state)
{
    (void)state;
    char *name = log_rule_gil_module(
        "<frozen importlib._bootstrap>:488: RuntimeWarning: The global interpreter lock (GIL) has been enabled to load "
        "module 'pkg._ext', which has not declared that it can run safely without the GIL.\n");
    assert_string_equal(name, "pkg._ext");
    free(name);
    assert_null(log_rule_gil_module(NULL));
    assert_null(log_rule_gil_module("to load module 'x'"));
    assert_null(log_rule_gil_module("The global interpreter lock (GIL) has been enabled by hand\n"));
}

/* Owners. */

static const struct {
    const char *path;
    enum owner owner;
    const char *name;
} owners[] = {
    {"/v/lib/python3.13t/site-packages/numpy/_core/_multiarray_umath.cpython-313t-x86_64-linux-gnu.so",
     OWNER_PACKAGE, "numpy"},
    {"/v/lib/python3.13t/site-packages/numpy.libs/libscipy_openblas64_-ff651d7f.so", OWNER_PACKAGE, "numpy"},
    {"/v/lib/python3.13t/site-packages/_cffi_backend.cpython-313t-x86_64-linux-gnu.so", OWNER_PACKAGE,
     "_cffi_backend"},
    {"/usr/lib/python3/dist-packages/scipy/stats/_stats.so", OWNER_PACKAGE, "scipy"},
    {"/v/lib/python3.13t/lib-dynload/_ctypes.cpython-313t-x86_64-linux-gnu.so", OWNER_INTERPRETER, NULL},
    {"/v/lib/libpython3.13t.so.1.0", OWNER_INTERPRETER, NULL},
    {"/v/bin/python3.13t", OWNER_INTERPRETER, NULL},
    {"/build/bin/ftstress-child", OWNER_HARNESS, NULL},
    {"/home/me/work/mine.cpython-313t-x86_64-linux-gnu.so", OWNER_PACKAGE, "pkg"},
    {"/home/me/work/other.so", OWNER_SYSTEM, NULL},
    {"/usr/lib/x86_64-linux-gnu/libc.so.6", OWNER_SYSTEM, NULL},
    {"[vdso]", OWNER_SYSTEM, NULL},
    {NULL, OWNER_UNKNOWN, NULL},
};

static void every_file_has_its_owner(void **state)
{
    (void)state;
    char *packages[] = {(char *)"/elsewhere/x.so", (char *)"x",
                        (char *)"/home/me/work/mine.cpython-313t-x86_64-linux-gnu.so", (char *)"pkg.mine"};
    struct outcome outcome = {.packages = packages, .npackages = COUNT(packages)};
    for (size_t i = 0; i < COUNT(owners); i++) {
        char name[64] = "";
        assert_int_equal(package_owner(&outcome, owners[i].path, name, sizeof name), owners[i].owner);
        assert_string_equal(name, owners[i].name ? owners[i].name : "");
    }
}

static struct symbol_frame frame_in(const char *module, const char *function)
{
    return (struct symbol_frame){.module = (char *)module, .function = (char *)function};
}

static void the_innermost_frame_of_a_package_is_taken(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    char name[64];
    struct symbol_frame frames[] = {frame_in("/lib/libc.so.6", "memcpy"),
                                    frame_in("/v/site-packages/numpy/a.so", "inner"),
                                    frame_in("/v/site-packages/scipy/b.so", "outer"),
                                    frame_in("/v/lib/libpython3.13t.so.1.0", "_PyEval_EvalFrameDefault")};
    struct symbol_stack stack = {COUNT(frames), frames};
    assert_ptr_equal(package_frame(&outcome, &stack, name, sizeof name), &frames[1]);
    assert_string_equal(name, "numpy");
    assert_null(package_interpreter_frame(&outcome, &stack));
}

/* With a static libpython the child's file holds the interpreter too; the source file decides. */
static void a_static_interpreter_is_no_harness(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        enum owner owner;
    } rows[] = {{"/src/ftstress/harness/child/worker.c", OWNER_HARNESS},
                {"/src/ftstress/scenarios/strided.c", OWNER_HARNESS},
                {NULL, OWNER_HARNESS},
                {"/src/cpython/Objects/dictobject.c", OWNER_INTERPRETER}};
    struct outcome outcome = {0};
    char name[64];
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct symbol_frame frame = frame_in("/build/bin/ftstress-child", "f");
        frame.file = (char *)rows[i].file;
        assert_int_equal(package_frame_owner(&outcome, &frame, name, sizeof name), rows[i].owner);
    }
}

static void the_interpreter_counts_without_a_package_inside(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    char name[64];
    struct symbol_frame frames[] = {frame_in("/lib/libc.so.6", "abort"),
                                    frame_in("/v/lib/libpython3.13t.so.1.0", NULL),
                                    frame_in("/v/lib/libpython3.13t.so.1.0", "dict_resize"),
                                    frame_in("/v/site-packages/numpy/a.so", "outer")};
    struct symbol_stack inside = {3, frames}, none = {1, frames};
    assert_ptr_equal(package_interpreter_frame(&outcome, &inside), &frames[2]);
    assert_null(package_frame(&outcome, &inside, name, sizeof name));
    assert_null(package_interpreter_frame(&outcome, &none));
    assert_null(package_interpreter_frame(&outcome, &(struct symbol_stack){0}));
}

/* The judge: a plan, a report, and one outcome to fill with records. */

struct trial {
    struct plan plan;
    struct run run;
    struct outcome outcome;
};

static void add_record(struct trial *trial, const struct record *record)
{
    assert_int_equal(outcome_add(&trial->outcome, record), 0);
}

static void add_text(struct trial *trial, enum record_type type, const char *a, const char *b)
{
    struct record record;
    record_begin(&record, type, RECORD_MAIN);
    record_add_text(&record, a);
    if (b)
        record_add_text(&record, b);
    add_record(trial, &record);
}

static void open_outcome(struct trial *trial)
{
    char self[256];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(n > 0);
    self[n] = '\0';
    trial->outcome = (struct outcome){.phase = BOARD_RUN, .finished = true};
    assert_int_equal(fd_read_file("/proc/self/maps", &trial->outcome.maps, NULL), 0);
    add_text(trial, RECORD_ENVIRONMENT, "python=3.13.5 experimental free-threading build", NULL);
    add_text(trial, RECORD_ENVIRONMENT, "planted=1.2", NULL);
    add_text(trial, RECORD_PACKAGE, self, "planted.ext");
}

static void begin(struct trial *trial)
{
    *trial = (struct trial){.outcome = {0}};
    plan_init(&trial->plan);
    trial->plan.name = strdup("trial");
    assert_int_equal(plan_add_step(&trial->plan, "f(x)"), 0);
    open_outcome(trial);
}

static unsigned judge(struct trial *trial, unsigned child)
{
    return judge_outcome(&trial->run, &trial->plan, &trial->outcome, child);
}

static void next_outcome(struct trial *trial)
{
    outcome_clear(&trial->outcome);
    open_outcome(trial);
}

static void end(struct trial *trial)
{
    outcome_clear(&trial->outcome);
    run_clear(&trial->run);
    plan_clear(&trial->plan);
}

static void assert_silent(struct trial *trial)
{
    assert_int_equal(judge(trial, 1), 0);
    assert_int_equal(trial->run.findings.n, 0);
    assert_null(trial->run.harness_fault);
}

static struct finding *only(struct trial *trial)
{
    assert_int_equal(trial->run.findings.n, 1);
    return trial->run.findings.items[0];
}

static void assert_noted(const struct trial *trial, const char *word)
{
    for (size_t i = 0; i < trial->run.notes.n; i++)
        if (strstr(trial->run.notes.items[i], word))
            return;
    fail_msg("no note says \"%s\"", word);
}

enum write { HIDDEN = 0, KEPT = 1, SAME = 2, SERIAL = 4, METADATA = 8 };

static void add_write(struct trial *trial, int (*function)(int), int how)
{
    struct record record;
    record_begin(&record, RECORD_WRITE, 0);
    record.values[WRITE_SIZE] = 8;
    record.values[WRITE_COUNT] = 2;
    record.values[WRITE_KEPT] = how & KEPT ? 1 : 0;
    record.values[WRITE_SAME] = how & SAME ? 1 : 0;
    record.values[WRITE_SERIAL] = how & SERIAL ? 1 : 0;
    record.values[WRITE_METADATA] = how & METADATA ? 1 : 0;
    record_add_text(&record, "x");
    record_add_text(&record, "f(x)");
    record_add_text(&record, "its shape became (40,), was (20,)");
    if (function)
        record_add_frames(&record, (uint64_t[]){(uint64_t)function}, 1);
    add_record(trial, &record);
}

static void add_exception(struct trial *trial, bool is_mutable, bool serial)
{
    struct record record;
    record_begin(&record, RECORD_EXCEPTION, 0);
    record.values[EXCEPTION_COUNT] = 5;
    record.values[EXCEPTION_MUTABLE] = is_mutable;
    record.values[EXCEPTION_SERIAL] = serial;
    record_add_text(&record, "ValueError: Rankings must be of equal length.");
    record_add_text(&record, "ValueError at _stats.py:12");
    record_add_text(&record, "somersd(x)");
    add_record(trial, &record);
}

static void add_invariant(struct trial *trial, const char *input, const char *sentence, bool serial)
{
    struct record record;
    record_begin(&record, RECORD_INVARIANT, 0);
    record.values[INVARIANT_COUNT] = 1;
    record.values[INVARIANT_SERIAL] = serial;
    record_add_text(&record, input);
    record_add_text(&record, sentence);
    record_add_text(&record, "f(x)");
    add_record(trial, &record);
}

/* What the crash handler sends; the process has not come to its end. */
static void add_crash(struct trial *trial, int number, int (*function)(int))
{
    struct record record;
    record_begin(&record, RECORD_CRASH, 0);
    record.values[CRASH_SIGNAL] = number;
    record.values[CRASH_CODE] = number == SIGABRT ? -6 : SEGV_MAPERR;
    record.values[CRASH_ADDRESS] = 0xdead;
    record.values[CRASH_TID] = 4242;
    record_add_text(&record, "f(x)");
    if (function)
        record_add_frames(&record, (uint64_t[]){(uint64_t)function}, 1);
    add_record(trial, &record);
    trial->outcome.wait_status = number;
    trial->outcome.finished = false;
}

static void print(struct trial *trial, const char *text)
{
    free(trial->outcome.stderr_text);
    trial->outcome.stderr_text = strdup(text);
}

static void a_clean_child_shows_nothing(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    print(&trial, "RuntimeWarning: divide by zero\n");
    assert_silent(&trial);
    assert_int_equal(trial.run.notes.n, 0);
    end(&trial);
}

static void notes_are_passed_on(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_text(&trial, RECORD_NOTE, "perf is forbidden: 100%", NULL);
    add_text(&trial, RECORD_NOTE, "perf is forbidden: 100%", NULL);
    assert_silent(&trial);
    assert_int_equal(trial.run.notes.n, 1);
    assert_string_equal(trial.run.notes.items[0], "perf is forbidden: 100%");
    end(&trial);
}

static void a_hidden_write_is_the_targets_bug(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, HIDDEN | METADATA | SERIAL);
    assert_int_equal(judge(&trial, 1), 1);
    const struct finding *finding = only(&trial);
    assert_int_equal(finding->kind, FINDING_INPUT_MUTATED);
    assert_int_equal(finding->severity, SEVERITY_HIDDEN_MUTATION);
    assert_int_equal(finding->detector, DETECTOR_TRIPWIRE);
    assert_int_equal(finding->blame, BLAME_TARGET);
    assert_int_equal(finding->rung, RUNG_READONLY);
    assert_true(finding->serial && finding->count == 2);
    assert_string_equal(finding->function, "guilty");
    assert_string_equal(finding->package, "planted 1.2");
    assert_string_equal(finding->input, "x");
    assert_string_equal(finding->statement, "f(x)");
    assert_non_null(strstr(finding->message, "metadata"));
    assert_non_null(strstr(finding->plan, "- f(x)"));
    assert_int_equal(finding->nstacks, 1);
    assert_string_equal(finding->stacks[0].title, "its shape became (40,), was (20,)");
    end(&trial);
}

static void writes_of_one_function_are_one_finding(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, HIDDEN);
    add_write(&trial, guilty, HIDDEN);
    add_write(&trial, accomplice, HIDDEN);
    assert_int_equal(judge(&trial, 1), 2);
    next_outcome(&trial);
    add_write(&trial, guilty, HIDDEN | SERIAL);
    assert_int_equal(judge(&trial, 2), 0);
    const struct finding *finding = trial.run.findings.items[0];
    assert_true(finding->count == 6 && finding->serial);
    assert_int_equal(finding->hit, 2);
    assert_int_equal(finding->nstacks, 1);
    end(&trial);
}

static void a_write_without_a_stack_is_still_told(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, NULL, HIDDEN);
    judge(&trial, 1);
    assert_int_equal(only(&trial)->blame, BLAME_UNKNOWN);
    assert_null(only(&trial)->function);
    assert_int_equal(only(&trial)->nstacks, 0);
    end(&trial);
}

static void the_same_value_is_a_note(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, SAME);
    add_write(&trial, NULL, SAME | SERIAL);
    assert_silent(&trial);
    assert_noted(&trial, "value-benign: guilty (planted) writes to its input x");
    assert_noted(&trial, "value-benign: a function without a name (unknown package)");
    assert_int_equal(trial.run.in_place.n, 0);
    end(&trial);
}

static void a_kept_serial_write_is_a_note(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, KEPT | SERIAL);
    assert_silent(&trial);
    assert_noted(&trial, "in-place API");
    assert_int_equal(trial.run.in_place.n, 1);
    assert_string_equal(trial.run.in_place.items[0], "guilty");
    end(&trial);
}

static void a_write_kept_under_threads_is_a_note(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, KEPT);
    assert_silent(&trial);
    assert_noted(&trial, "only while other threads ran");
    assert_int_equal(trial.run.in_place.n, 0);
    end(&trial);
}

static void only_an_exception_of_threads_counts(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_exception(&trial, false, true);
    assert_silent(&trial);
    assert_int_equal(trial.run.notes.n, 0);
    add_exception(&trial, true, false);
    assert_silent(&trial);
    assert_noted(&trial, "change what they share");
    add_exception(&trial, false, false);
    assert_int_equal(judge(&trial, 1), 1);
    assert_int_equal(only(&trial)->kind, FINDING_EXCEPTION);
    assert_int_equal(only(&trial)->blame, BLAME_TARGET);
    assert_true(only(&trial)->count == 5);
    assert_non_null(strstr(only(&trial)->message, "Rankings must be of equal length"));
    end(&trial);
}

static void above_readonly_nobody_is_blamed_for_an_exception(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    trial.plan.share = RUNG_ONE_WRITER;
    add_exception(&trial, false, false);
    judge(&trial, 1);
    assert_int_equal(only(&trial)->blame, BLAME_UNKNOWN);
    assert_int_equal(only(&trial)->rung, RUNG_ONE_WRITER);
    end(&trial);
}

static void a_changed_input_is_found_once_for_all_values(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_invariant(&trial, "x", "its shape became (40,), was (20,)", false);
    add_invariant(&trial, "x", "its shape became (80,), was (40,)", false);
    assert_int_equal(judge(&trial, 1), 1);
    assert_int_equal(only(&trial)->kind, FINDING_INPUT_MUTATED);
    assert_int_equal(only(&trial)->severity, SEVERITY_WRONG_RESULT);
    assert_string_equal(only(&trial)->input, "x");
    assert_true(only(&trial)->count == 2);
    end(&trial);
}

static void a_wrong_result_is_one(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_invariant(&trial, "the result", "lies 8 bytes outside its buffer", false);
    judge(&trial, 1);
    assert_int_equal(only(&trial)->kind, FINDING_WRONG_RESULT);
    end(&trial);
    begin(&trial);
    add_invariant(&trial, "the result", "lies 8 bytes outside its buffer", true);
    assert_silent(&trial);
    assert_noted(&trial, "on one thread too");
    end(&trial);
}

/* An array that the statements change for good, on one thread already: what follows is documented user error. */
static void in_place_statements_make_user_errors(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_invariant(&trial, "x", "its bytes changed", true);
    add_exception(&trial, false, false);
    judge(&trial, 1);
    assert_noted(&trial, "declare the input @out");
    assert_int_equal(only(&trial)->blame, BLAME_USER);
    assert_int_equal(only(&trial)->severity, SEVERITY_USER_ERROR);
    assert_int_equal(only(&trial)->rung, RUNG_ALL);
    end(&trial);
    begin(&trial);
    trial.plan.share = RUNG_PRIVATE;
    add_invariant(&trial, "x", "its bytes changed", true);
    add_exception(&trial, false, false);
    judge(&trial, 1);
    assert_int_equal(only(&trial)->blame, BLAME_TARGET);
    end(&trial);
}

static void an_allocator_sentence_names_the_crash(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_crash(&trial, SIGABRT, guilty);
    print(&trial, "a warning\nfree(): invalid size\n");
    assert_int_equal(judge(&trial, 1), 1);
    const struct finding *finding = only(&trial);
    assert_int_equal(finding->kind, FINDING_HEAP_CORRUPTION);
    assert_int_equal(finding->detector, DETECTOR_LOG);
    assert_string_equal(finding->message, "free(): invalid size in f(x)");
    assert_string_equal(finding->evidence, "a warning\nfree(): invalid size\n");
    /* The heap was corrupt long before: the stack is shown, without blame. */
    assert_int_equal(finding->blame, BLAME_UNKNOWN);
    assert_null(finding->function);
    assert_int_equal(finding->nstacks, 1);
    assert_string_equal(finding->stacks[0].title, "thread 4242, which crashed");
    end(&trial);
}

static void a_signal_blames_the_interrupted_code(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_crash(&trial, SIGSEGV, guilty);
    judge(&trial, 1);
    const struct finding *finding = only(&trial);
    assert_int_equal(finding->kind, FINDING_CRASH);
    assert_int_equal(finding->blame, BLAME_TARGET);
    assert_string_equal(finding->function, "guilty");
    assert_non_null(strstr(finding->message, "at address 0xdead in f(x)"));
    assert_false(finding->serial);
    end(&trial);
}

static void a_crash_on_one_thread_says_so(void **state)
{
    (void)state;
    static const struct {
        enum board_phase phase;
        const char *words;
        bool serial;
    } rows[] = {
        {BOARD_SETUP, "during setup", true},
        {BOARD_SERIAL, "already on one thread", true},
        {BOARD_RUN, "signal 9", false},
        {BOARD_FINISH, "shutting down", false},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct trial trial;
        begin(&trial);
        trial.outcome.phase = rows[i].phase;
        trial.outcome.finished = rows[i].phase == BOARD_FINISH;
        trial.outcome.wait_status = SIGKILL;
        judge(&trial, 1);
        assert_non_null(strstr(only(&trial)->message, rows[i].words));
        assert_int_equal(only(&trial)->serial, rows[i].serial);
        end(&trial);
    }
}

static void an_exit_in_the_middle_is_a_crash(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    trial.outcome.finished = false;
    trial.outcome.wait_status = EXITED(7);
    assert_int_equal(judge(&trial, 1), 1);
    assert_int_equal(only(&trial)->kind, FINDING_CRASH);
    assert_non_null(strstr(only(&trial)->message, "exited with status 7 in the middle"));
    end(&trial);
}

static void our_own_doing_is_no_crash(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    trial.outcome.finished = false;
    trial.outcome.wait_status = SIGKILL;
    trial.outcome.over_memory = true;
    assert_silent(&trial);
    trial.outcome.over_memory = false;
    trial.outcome.interrupted = true;
    assert_silent(&trial);
    trial.outcome.interrupted = false;
    add_text(&trial, RECORD_CANNOT, "numpy is missing", NULL);
    assert_silent(&trial);
    end(&trial);
}

static void detectors_that_are_off_say_nothing(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    trial.plan.detect = 0;
    add_crash(&trial, SIGSEGV, guilty);
    print(&trial, "free(): invalid size\n");
    assert_silent(&trial);
    trial.outcome.hung = true;
    assert_silent(&trial);
    next_outcome(&trial);
    print(&trial, "free(): invalid size\n");
    assert_silent(&trial);
    end(&trial);
}

static void log_and_crash_are_told_apart(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    trial.plan.detect = DETECTOR_BIT(DETECTOR_CRASH);
    add_crash(&trial, SIGABRT, guilty);
    print(&trial, "free(): invalid size\n");
    judge(&trial, 1);
    assert_int_equal(only(&trial)->kind, FINDING_CRASH);
    assert_int_equal(only(&trial)->detector, DETECTOR_CRASH);
    end(&trial);
    begin(&trial);
    trial.plan.detect = DETECTOR_BIT(DETECTOR_LOG);
    add_crash(&trial, SIGSEGV, guilty);
    assert_silent(&trial);
    print(&trial, "free(): invalid size\n");
    judge(&trial, 1);
    assert_int_equal(only(&trial)->kind, FINDING_HEAP_CORRUPTION);
    end(&trial);
}

static void a_sentence_of_a_child_that_lived_counts(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    print(&trial, "x\nmimalloc: error: buffer overflow in heap block\ny\n");
    judge(&trial, 1);
    assert_int_equal(only(&trial)->kind, FINDING_HEAP_CORRUPTION);
    assert_string_equal(only(&trial)->message, "mimalloc: error: buffer overflow in heap block");
    end(&trial);
}

/* A thread of the child as ptrace saw it. */
static void add_thread(struct trial *trial, pid_t tid, int (*inner)(int))
{
    struct symbols *symbols;
    struct symbol_thread thread = {.tid = tid};
    const uint64_t addresses[] = {(uint64_t)inner, (uint64_t)worker_main + 1};
    assert_int_equal(symbols_open(trial->outcome.maps, &symbols), 0);
    assert_int_equal(symbols_stack(symbols, addresses, 2, true, &thread.stack), 0);
    symbols_close(symbols);
    trial->outcome.threads = realloc(trial->outcome.threads, (trial->outcome.nthreads + 1) * sizeof thread);
    trial->outcome.threads[trial->outcome.nthreads++] = thread;
}

static void begin_hang(struct trial *trial)
{
    begin(trial);
    trial->outcome.finished = false;
    trial->outcome.hung = true;
    trial->outcome.wait_status = SIGKILL;
}

static void a_hang_shows_what_the_threads_do(void **state)
{
    (void)state;
    struct trial trial;
    begin_hang(&trial);
    add_thread(&trial, 11, guilty);
    add_thread(&trial, 12, accomplice);
    judge(&trial, 1);
    assert_int_equal(only(&trial)->kind, FINDING_HANG);
    assert_string_equal(only(&trial)->function, "guilty");
    assert_int_equal(only(&trial)->nstacks, 2);
    end(&trial);
}

static void a_crash_shows_the_other_threads(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_crash(&trial, SIGSEGV, guilty);
    add_thread(&trial, 4242, guilty);
    add_thread(&trial, 12, accomplice);
    judge(&trial, 1);
    assert_int_equal(only(&trial)->nstacks, 2);
    assert_string_equal(only(&trial)->stacks[1].title, "thread 12, at the same time");
    end(&trial);
}

/* What a worker wrote of itself: one frame of Python, and its statement. */
static void add_page(struct trial *trial, pid_t tid, uint16_t worker)
{
    struct outcome *outcome = &trial->outcome;
    outcome->pages = realloc(outcome->pages, (outcome->npages + 1) * sizeof *outcome->pages);
    assert_non_null(outcome->pages);
    struct scene_page *page = &outcome->pages[outcome->npages++];
    *page = (struct scene_page){.tid = tid, .worker = worker, .is_worker = 1, .npython = 2};
    strcpy(page->python[0].function, "spin");
    strcpy(page->python[0].file, "/p/x.py");
    page->python[0].line = 3;
    strcpy(page->python[1].function, "x.spin()");
}

static void threads_tell_of_themselves(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_crash(&trial, SIGSEGV, guilty);
    add_thread(&trial, 4242, guilty);
    add_page(&trial, 4242, 5);
    for (uint16_t i = 0; i < 20; i++) {
        add_thread(&trial, 12 + i, i == 7 ? guilty : accomplice);
        add_page(&trial, 12 + i, i == 7 ? 40 : i);
    }
    trial.outcome.pages[0].registers[SCENE_RIP] = 0x1234;
    judge(&trial, 1);
    const struct finding *crash = only(&trial);
    assert_int_equal(crash->nstacks, 21);
    assert_string_equal(crash->stacks[0].title, "thread 5, which crashed");
    assert_string_equal(crash->stacks[1].title, "thread 0, at the same time");
    assert_string_equal(crash->stacks[20].title, "thread 40, at the same time");
    assert_int_equal(crash->stacks[0].npython, 2);
    assert_string_equal(crash->stacks[0].python[0].file, "/p/x.py");
    assert_null(crash->stacks[0].python[1].file);
    assert_int_equal(crash->stacks[1].same_as, 1);
    assert_int_equal(crash->stacks[19].same_as, 1);
    assert_int_equal(crash->stacks[20].same_as, 0);
    assert_true(crash->registers[SCENE_RIP] == 0x1234);
    end(&trial);
}

static void add_sleeper(struct trial *trial, pid_t tid, uint64_t mutex, pid_t owner)
{
    struct outcome *outcome = &trial->outcome;
    outcome->sleepers = realloc(outcome->sleepers, (outcome->nsleepers + 1) * sizeof *outcome->sleepers);
    assert_non_null(outcome->sleepers);
    outcome->sleepers[outcome->nsleepers++] =
        (struct outcome_sleeper){.tid = tid, .futex = mutex, .words = {2, 0, owner}};
    add_thread(trial, tid, pthread_mutex_planted);
    add_page(trial, tid, (uint16_t)(tid - 10));
}

static void a_deadlock_says_who_waits_for_whom(void **state)
{
    (void)state;
    struct trial trial;
    begin_hang(&trial);
    add_sleeper(&trial, 11, 0x100, 13);
    add_sleeper(&trial, 12, 0x200, 13);
    add_sleeper(&trial, 13, 0x300, 12);
    judge(&trial, 1);
    const struct finding *hang = only(&trial);
    assert_non_null(strstr(hang->message,
                           "a deadlock: thread 2 holds the pthread mutex at 0x300 and waits for the "
                           "pthread mutex at 0x200; thread 3 holds the pthread mutex at 0x200 and "
                           "waits for the pthread mutex at 0x300"));
    assert_string_equal(hang->stacks[0].title, "thread 2, which waits for the pthread mutex at 0x200");
    assert_int_equal(hang->stacks[2].tid, 11);
    assert_int_equal(hang->stacks[2].same_as, 2); /* at another lock */
    assert_int_equal(hang->nwaits, 3);
    assert_int_equal(hang->nlines, 3);
    end(&trial);
}

/* Which explains which. */

static void one_cause_explains_the_rest(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_exception(&trial, false, false);
    add_write(&trial, guilty, HIDDEN | SERIAL);
    add_invariant(&trial, "x", "its shape became (40,), was (20,)", false);
    add_crash(&trial, SIGABRT, NULL);
    print(&trial, "free(): invalid size\n");
    assert_int_equal(judge(&trial, 1), 4);
    judge_link(&trial.run);
    struct finding **items = trial.run.findings.items;
    assert_string_equal(items[0]->function, "guilty");
    assert_null(items[0]->cause);
    for (size_t i = 1; i < 4; i++) {
        assert_string_equal(items[i]->cause, items[0]->id);
        assert_string_equal(items[i]->function, "guilty");
        assert_string_equal(items[i]->package, "planted 1.2");
        assert_int_equal(items[i]->blame, BLAME_TARGET);
    }
    end(&trial);
}

static void two_causes_explain_nothing(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, HIDDEN);
    add_write(&trial, accomplice, HIDDEN);
    add_exception(&trial, false, false);
    judge(&trial, 1);
    judge_link(&trial.run);
    assert_int_equal(trial.run.findings.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_null(trial.run.findings.items[i]->cause);
    end(&trial);
}

static void a_hang_and_a_user_error_have_no_such_cause(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, HIDDEN);
    trial.outcome.hung = true;
    judge(&trial, 1);
    next_outcome(&trial);
    add_invariant(&trial, "y", "its bytes changed", true);
    add_exception(&trial, false, false);
    judge(&trial, 2);
    judge_link(&trial.run);
    assert_int_equal(trial.run.findings.n, 3);
    for (size_t i = 0; i < 3; i++)
        assert_null(trial.run.findings.items[i]->cause);
    end(&trial);
}

static void in_place_functions_are_dropped(void **state)
{
    (void)state;
    struct trial trial;
    begin(&trial);
    add_write(&trial, guilty, HIDDEN);
    add_write(&trial, accomplice, HIDDEN);
    judge(&trial, 1);
    next_outcome(&trial);
    add_write(&trial, guilty, KEPT | SERIAL);
    judge(&trial, 2);
    judge_link(&trial.run);
    assert_string_equal(only(&trial)->function, "accomplice");
    end(&trial);
}

static void linking_nothing_is_fine(void **state)
{
    (void)state;
    struct run run = {0};
    judge_link(&run);
    assert_int_equal(run.findings.n, 0);
    run_clear(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_signature_is_one_finding),
        cmocka_unit_test(ids_are_stable_and_short),
        cmocka_unit_test(a_finding_without_a_text_is_no_finding),
        cmocka_unit_test(findings_can_be_removed),
        cmocka_unit_test(causes_come_first_then_the_worst),
        cmocka_unit_test(equals_stay_in_order_of_sight),
        cmocka_unit_test(every_kind_and_blame_has_a_name),
        cmocka_unit_test(every_sentence_is_known_in_any_line),
        cmocka_unit_test(the_first_line_decides),
        cmocka_unit_test(other_texts_are_not_findings),
        cmocka_unit_test(what_the_debug_hooks_print_becomes_a_sentence),
        cmocka_unit_test(only_sentences_of_the_debug_hooks_are_pyheaps),
        cmocka_unit_test(the_module_that_wants_the_gil_is_named),
        cmocka_unit_test(every_file_has_its_owner),
        cmocka_unit_test(the_innermost_frame_of_a_package_is_taken),
        cmocka_unit_test(a_static_interpreter_is_no_harness),
        cmocka_unit_test(the_interpreter_counts_without_a_package_inside),
        cmocka_unit_test(a_clean_child_shows_nothing),
        cmocka_unit_test(notes_are_passed_on),
        cmocka_unit_test(a_hidden_write_is_the_targets_bug),
        cmocka_unit_test(writes_of_one_function_are_one_finding),
        cmocka_unit_test(a_write_without_a_stack_is_still_told),
        cmocka_unit_test(the_same_value_is_a_note),
        cmocka_unit_test(a_kept_serial_write_is_a_note),
        cmocka_unit_test(a_write_kept_under_threads_is_a_note),
        cmocka_unit_test(only_an_exception_of_threads_counts),
        cmocka_unit_test(above_readonly_nobody_is_blamed_for_an_exception),
        cmocka_unit_test(a_changed_input_is_found_once_for_all_values),
        cmocka_unit_test(a_wrong_result_is_one),
        cmocka_unit_test(in_place_statements_make_user_errors),
        cmocka_unit_test(an_allocator_sentence_names_the_crash),
        cmocka_unit_test(a_signal_blames_the_interrupted_code),
        cmocka_unit_test(a_crash_on_one_thread_says_so),
        cmocka_unit_test(an_exit_in_the_middle_is_a_crash),
        cmocka_unit_test(our_own_doing_is_no_crash),
        cmocka_unit_test(detectors_that_are_off_say_nothing),
        cmocka_unit_test(log_and_crash_are_told_apart),
        cmocka_unit_test(a_sentence_of_a_child_that_lived_counts),
        cmocka_unit_test(a_hang_shows_what_the_threads_do),
        cmocka_unit_test(a_crash_shows_the_other_threads),
        cmocka_unit_test(threads_tell_of_themselves),
        cmocka_unit_test(a_deadlock_says_who_waits_for_whom),
        cmocka_unit_test(one_cause_explains_the_rest),
        cmocka_unit_test(two_causes_explain_nothing),
        cmocka_unit_test(a_hang_and_a_user_error_have_no_such_cause),
        cmocka_unit_test(in_place_functions_are_dropped),
        cmocka_unit_test(linking_nothing_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
