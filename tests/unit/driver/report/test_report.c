/* The document of a run, its text form, and what is kept on disk. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "driver/finding/run.h"
#include "driver/report/reporter.h"

#include "folder.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static char directory[] = "/tmp/ftstress-report-XXXXXX";

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return folder_remove(directory);
}

static void add_frame(struct symbol_stack *stack, const char *function, const char *module, const char *file)
{
    stack->frames = realloc(stack->frames, (stack->nframes + 1) * sizeof *stack->frames);
    assert_non_null(stack->frames);
    stack->frames[stack->nframes++] = (struct symbol_frame){
        .address = 0x7f0000001234,
        .offset = 0x1234,
        .function = function ? strdup(function) : NULL,
        .module = strdup(module),
        .file = file ? strdup(file) : NULL,
        .line = file ? 12 : 0,
    };
}

static struct finding *add_finding(struct run *run, const char *signature)
{
    struct finding *finding = calloc(1, sizeof *finding);
    struct symbol_stack stack = {0};
    finding->kind = FINDING_INPUT_MUTATED;
    finding->severity = SEVERITY_HIDDEN_MUTATION;
    finding->detector = DETECTOR_TRIPWIRE;
    finding->rung = RUNG_READONLY;
    finding->function = strdup("PyArray_Repeat");
    finding->package = strdup("numpy 2.2.2");
    finding->message = strdup("PyArray_Repeat (numpy 2.2.2) writes to the metadata of its input x");
    finding->statement = strdup("np.repeat(x, 2)");
    finding->input = strdup("x");
    finding->plan = strdup("name: repeat\n");
    finding->log_end = strdup("free(): invalid size\n");
    finding->signature = strdup(signature);
    finding->threads = 8;
    finding->count = 3;
    finding->of = 4;
    add_frame(&stack, "PyArray_Repeat", "/v/site-packages/numpy/_multiarray_umath.so", "item_selection.c");
    add_frame(&stack, NULL, "/v/lib/libpython3.13t.so.1.0", NULL);
    add_frame(&stack, "worker_main", "/build/bin/ftstress-child", "/src/harness/child/worker.c");
    add_frame(&stack, "hidden_below", "/lib/libc.so.6", NULL);
    assert_int_equal(finding_add_stack(finding, strdup("its shape became (40,)"), stack), 0);
    return finding_list_add(&run->findings, finding, 1);
}

static void add_environment(struct run *run, const char *entry)
{
    run->environment = realloc(run->environment, (run->nenvironment + 1) * sizeof *run->environment);
    assert_non_null(run->environment);
    run->environment[run->nenvironment++] = strdup(entry);
}

static void begin(struct run *run)
{
    *run = (struct run){
        .name = strdup("repeat"),
        .seed = INT64_MAX,
        .threads = 8,
        .share = RUNG_READONLY,
        .calls = 3900,
        .serial_calls = 100,
        .sampled = 200,
        .overlapped = 62,
        .seconds = 2.5,
        .children = 4,
    };
    add_environment(run, "python=3.13.5 experimental free-threading build");
    run->facts.gil = GIL_OFF;
    add_environment(run, "numpy=2.2.2");
    run->facts.writes = strdup("_hidden");
}

static char *render(const char *form, const struct report *report)
{
    char *text;
    assert_int_equal(reporter_render(reporter_find(form), report, &text), 0);
    return text;
}

/* The document as a later `ftstress report` reads it. */
static json_t *parse(const struct run *run)
{
    json_error_t error;
    json_t *document = report_document(run);
    cleanup_free char *text = render("json", &(struct report){.document = document});
    json_decref(document);
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        fail_msg("line %d: %s", error.line, error.text);
    return json;
}

static void assert_keys(const json_t *json, const char *const *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!json_object_get(json, keys[i]))
            fail_msg("there is no key \"%s\"", keys[i]);
}

static void assert_text(const json_t *json, const char *key, const char *text)
{
    assert_non_null(json_string_value(json_object_get(json, key)));
    assert_string_equal(json_string_value(json_object_get(json, key)), text);
}

static void json_has_the_stable_keys(void **state)
{
    (void)state;
    static const char *const keys[] = {"schema",  "seed",    "verdict",     "reason",  "calls",
                                       "seconds", "overlap", "environment", "findings"};
    static const char *const finding_keys[] = {"id",        "kind",   "severity",     "function", "message",
                                               "rung",      "blame",  "blame_reason", "count",    "runs",
                                               "signature", "stacks", "block",        "array",    "plan"};
    struct run run;
    begin(&run);
    add_finding(&run, "input-mutated|PyArray_Repeat|hidden");
    run.status = STATUS_FINDING;
    json_t *json = parse(&run), *finding = json_array_get(json_object_get(json, "findings"), 0);
    assert_keys(json, keys, COUNT(keys));
    assert_keys(finding, finding_keys, COUNT(finding_keys));
    assert_text(json, "schema", "ftstress-report/1");
    assert_text(json, "verdict", "finding");
    assert_true(json_is_null(json_object_get(json, "reason")));
    assert_true(json_integer_value(json_object_get(json, "seed")) == INT64_MAX);
    assert_true(json_integer_value(json_object_get(json, "calls")) == 3900);
    assert_float_equal(json_real_value(json_object_get(json, "overlap")), 0.31, 1e-6);
    assert_text(json_object_get(json, "environment"), "numpy", "2.2.2");
    json_decref(json);
    run_clear(&run);
}

static void json_has_the_finding(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    const struct finding *kept = add_finding(&run, "s");
    json_t *json = parse(&run), *finding = json_array_get(json_object_get(json, "findings"), 0);
    assert_text(finding, "id", kept->id);
    assert_text(finding, "kind", "input-mutated");
    assert_text(finding, "rung", "readonly");
    assert_text(finding, "blame", "target");
    assert_text(finding, "function", "PyArray_Repeat");
    assert_text(json_object_get(finding, "array"), "name", "x");
    assert_text(json_object_get(finding, "plan"), "yaml", "name: repeat\n");
    json_t *runs = json_object_get(finding, "runs"),
           *stack = json_array_get(json_object_get(finding, "stacks"), 0);
    assert_true(json_integer_value(json_object_get(runs, "hit")) == 1);
    assert_true(json_integer_value(json_object_get(runs, "of")) == 4);
    json_t *frames = json_object_get(stack, "frames"), *frame = json_array_get(frames, 0);
    assert_int_equal(json_array_size(frames), 4);
    assert_text(frame, "offset", "0x1234");
    assert_text(frame, "file", "item_selection.c");
    assert_true(json_is_null(json_object_get(json_array_get(frames, 1), "function")));
    json_decref(json);
    run_clear(&run);
}

static void json_of_an_empty_report_is_whole(void **state)
{
    (void)state;
    struct run run = {.status = STATUS_UNTESTED, .reason = strdup("numpy is missing")};
    json_t *json = parse(&run);
    assert_text(json, "verdict", "untested");
    assert_text(json, "reason", "numpy is missing");
    assert_int_equal(json_array_size(json_object_get(json, "findings")), 0);
    json_decref(json);
    run_clear(&run);
}

static void json_of_a_clean_run_is_clean(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    json_t *json = parse(&run);
    assert_text(json, "verdict", "clean");
    json_decref(json);
    run_clear(&run);
}

static void set(char **text, const char *value)
{
    free(*text);
    *text = strdup(value);
}

static void bytes_that_are_no_utf8_survive(void **state)
{
    (void)state;
    static const char bad[] = "caf\xe9 \xff\xfe \xc3 \x80 \xed\xa0\x80 tail";
    struct run run;
    begin(&run);
    struct finding *finding = add_finding(&run, "s");
    set(&finding->message, bad);
    set(&finding->log_end, bad);
    set(&finding->plan, bad);
    set(&finding->input, bad);
    set(&finding->function, bad);
    set(&finding->stacks[0].title, bad);
    set(&finding->stacks[0].stack.frames[0].function, bad);
    set(&finding->stacks[0].stack.frames[0].file, bad);
    set(&run.name, bad);
    add_environment(&run, "lib=\xff\xfe");
    note_add(&run.notes, "%s", bad);
    json_t *json = parse(&run);
    json_t *kept = json_array_get(json_object_get(json, "findings"), 0);
    assert_non_null(strstr(json_string_value(json_object_get(kept, "message")), "tail"));
    assert_non_null(strstr(json_string_value(json_object_get(kept, "evidence")), "tail"));
    assert_int_equal(json_array_size(json_object_get(kept, "stacks")), 1);
    assert_int_equal(json_array_size(json_object_get(json, "notes")), 1);
    assert_text(json_object_get(json, "environment"), "lib", "??");
    json_decref(json);
    run_clear(&run);
}

static void good_utf8_and_control_bytes_stay(void **state)
{
    (void)state;
    static const char text[] = "\xe6\x97\xa5 \"quoted\" \\ \x01\x1b[1m\ttab";
    struct run run;
    begin(&run);
    set(&add_finding(&run, "s")->message, text);
    json_t *json = parse(&run);
    assert_text(json_array_get(json_object_get(json, "findings"), 0), "message", text);
    json_decref(json);
    run_clear(&run);
}

/* For a person. */

/* The document of the run, and the same document read back, must give the same text. */
static char *text_of(const struct run *run, bool colour, bool quiet)
{
    json_t *document = report_document(run), *reloaded = parse(run);
    struct report live = {.document = document, .colour = colour, .quiet = quiet}, kept = live;
    kept.document = reloaded;
    char *text = render("text", &live);
    cleanup_free char *again = render("text", &kept);
    assert_string_equal(text, again);
    json_decref(document);
    json_decref(reloaded);
    return text;
}

static void assert_says(const char *text, const char *words)
{
    if (!strstr(text, words))
        fail_msg("the report does not say \"%s\":\n%s", words, text);
}

static void text_has_the_finding(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    const struct finding *finding = add_finding(&run, "s");
    run.status = STATUS_FINDING;
    cleanup_free char *text = text_of(&run, false, false);
    assert_says(text, "seed 9223372036854775807");
    assert_says(text, finding->id);
    assert_says(text, "input-mutated");
    assert_says(text, finding->message);
    assert_says(text, "in 1 of 4 children, 8 threads, sharing level readonly");
    assert_says(text, "blame: the target's fault: PyArray_Repeat in numpy 2.2.2");
    assert_says(text, "in: np.repeat(x, 2)");
    assert_says(text, "#0  PyArray_Repeat  _multiarray_umath.so+0x1234");
    assert_says(text, "#1  ??");
    assert_says(text, "numpy 2.2.2");
    assert_says(text, "overlap 31 %");
    assert_null(strstr(text, "_hidden"));
    assert_null(strstr(text, "worker_main"));
    assert_null(strstr(text, "hidden_below"));
    assert_null(strstr(text, "nothing found"));
    run_clear(&run);
}

static void colour_is_asked_for(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    add_finding(&run, "s");
    note_add(&run.notes, "a note");
    cleanup_free char *without = text_of(&run, false, false), *with = text_of(&run, true, false);
    assert_null(strchr(without, '\x1b'));
    assert_non_null(strchr(with, '\x1b'));
    run_clear(&run);
}

static void silence_states_the_rate(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    cleanup_free char *text = text_of(&run, false, false);
    assert_says(text, "nothing found: 0 in 3900 calls, overlap 31 %, the rate is below 0.077 % at 95 %");
    run.threads = 1;
    cleanup_free char *alone = text_of(&run, false, false);
    assert_says(alone, "nothing found: 0 in 4000 calls, the rate is below 0.075 % at 95 %");
    run_clear(&run);
}

/* 4056 serial calls show no race. */
static void serial_calls_do_not_count_in_the_rate_of_races(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    run.calls = 8;
    run.serial_calls = 4056;
    cleanup_free char *text = text_of(&run, false, false);
    assert_says(text, "nothing found: 0 in 8 calls, overlap 31 %, the rate is below 31 % at 95 %");
    run_clear(&run);
}

/* The well-known 3/n would say 300 % here. */
static void a_few_calls_state_no_impossible_rate(void **state)
{
    (void)state;
    static const char *const rates[] = {"below 95 %", "below 78 %", "below 63 %"};
    for (uint64_t calls = 1; calls <= COUNT(rates); calls++) {
        struct run run;
        begin(&run);
        run.calls = calls;
        run.serial_calls = 0;
        cleanup_free char *text = text_of(&run, false, false);
        assert_says(text, rates[calls - 1]);
        run_clear(&run);
    }
}

static void a_run_that_could_not_test_claims_nothing(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    run.status = STATUS_UNTESTED;
    run.reason = strdup("the GIL is on");
    cleanup_free char *text = text_of(&run, false, false);
    assert_says(text, "could not test: the GIL is on");
    assert_null(strstr(text, "nothing found"));
    run_clear(&run);
}

static void quiet_prints_findings_only(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    note_add(&run.notes, "a note");
    cleanup_free char *nothing = text_of(&run, false, true);
    assert_string_equal(nothing, "");
    const struct finding *finding = add_finding(&run, "s");
    cleanup_free char *text = text_of(&run, false, true);
    assert_says(text, finding->message);
    assert_null(strstr(text, "a note"));
    run_clear(&run);
}

static void a_consequence_is_short(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    struct finding *finding = add_finding(&run, "s");
    finding->cause = strdup("F0123456");
    assert_int_equal(finding_add_stack(finding, strdup("a second stack"), (struct symbol_stack){0}), 0);
    cleanup_free char *text = text_of(&run, false, false);
    assert_says(text, "(a consequence of F0123456)");
    assert_null(strstr(text, "a second stack"));
    run_clear(&run);
}

static void a_user_error_blames_no_function(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    add_finding(&run, "s")->blame = BLAME_USER;
    cleanup_free char *text = text_of(&run, false, false);
    assert_says(text, "blame: user error");
    assert_null(strstr(text, "unsafe: PyArray_Repeat"));
    run_clear(&run);
}

static void long_stacks_are_cut(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    struct finding *finding = add_finding(&run, "s");
    struct symbol_stack deep = {0};
    for (int i = 0; i < 40; i++)
        add_frame(&deep, "recursive", "/lib/x.so", NULL);
    assert_int_equal(finding_add_stack(finding, strdup("deep"), deep), 0);
    cleanup_free char *text = text_of(&run, false, false);
    assert_says(text, "more\n");
    run_clear(&run);
}

static void notes_are_printed_once_up_to_a_limit(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    for (int i = 0; i < 40; i++)
        assert_int_equal(note_add(&run.notes, "note %d", i / 2), 0);
    assert_int_equal(run.notes.n, 20);
    cleanup_free char *text = text_of(&run, false, false);
    assert_says(text, "note: note 0\n");
    assert_says(text, "12 more notes");
    run_clear(&run);
}

static void add_python(struct finding_stack *stack, const char *function, const char *file)
{
    stack->python = realloc(stack->python, (stack->npython + 1) * sizeof *stack->python);
    assert_non_null(stack->python);
    stack->python[stack->npython++] =
        (struct finding_python){strdup(function), file ? strdup(file) : NULL, file ? 3 : 0};
}

/* A crash of thread 0, which ran the statement; threads 1 and 2 stand at the same place, and thread 3 is idle. */
static void add_threads(struct finding *finding)
{
    static const size_t same_as[] = {0, 1, 1, 3};
    for (int i = 0; i < 4; i++) {
        struct symbol_stack frames = {0};
        add_frame(&frames, i ? "other" : "guilty", "/lib/x.so", NULL);
        assert_int_equal(
            finding_add_stack(finding, strdup(i ? "thread 1" : "thread 0, which crashed"), frames), 0);
        struct finding_stack *stack = &finding->stacks[finding->nstacks - 1];
        stack->tid = 100 + i;
        stack->worker = i;
        stack->same_as = same_as[i] + 1;
    }
    for (int i = 0; i < 3; i++)
        add_python(&finding->stacks[1], "again", "/p/x.py");
    add_python(&finding->stacks[1], "np.repeat(x, 2)", NULL);
    add_python(&finding->stacks[4], SCENE_BETWEEN, NULL);
    finding->stacks[1].more_python = 2;
}

static void add_verification(struct run *run)
{
    struct verification *found = run->verification = calloc(1, sizeof *found);
    assert_non_null(found);
    found->root = strdup(run->findings.items[0]->id);
    found->share = RUNG_ONE_WRITER;
    found->again = (struct trials){3, 7};
    found->ladder[RUNG_READONLY] = (struct trials){2, 3};
    found->ladder[RUNG_PRIVATE] = (struct trials){0, 6};
    found->gil = (struct trials){0, 5};
    found->knock_outs[found->nknock_outs++] =
        (struct knock_out){.call = strdup("numpy.repeat"), .trials = {0, 9}};
    found->inputs[found->ninputs++] = (struct knock_out){.call = strdup("x"), .trials = {1, 4}};
    found->first[found->nfirst].calls = 1022;
    found->first[found->nfirst++].seconds = 0.123456789;
}

static void add_memcheck(struct run *run)
{
    struct memcheck *memcheck = &run->memcheck;
    memcheck->on = memcheck->has_new = true;
    memcheck->n = 2;
    for (int64_t i = 0; i < 2; i++) {
        memcheck->lengths[i].calls[MEMCHECK_CALLS] = (uint64_t)(1000 * (i + 1));
        memcheck->lengths[i].sums[MEMCHECK_CALLS][MEMCHECK_DEFINITELY] =
            (struct memcheck_sum){96000 * (i + 1), 3000 * (i + 1)};
    }
}

/* `report` prints what `run` printed: text_of() compares the two. */
static void the_text_of_every_part_survives_a_reload(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    run.status = STATUS_FINDING;
    run.seconds = 2.4499999;
    run.walks =
        (struct walks){.rounds = 46, .present = 59471, .blocks = 1234567891, .nanoseconds = 34567890123};
    struct finding *finding = add_finding(&run, "s");
    add_threads(finding);
    finding->behind = strdup("F0000000");
    assert_int_equal(finding_add_line(finding, strdup("the fault: a write to null")), 0);
    add_verification(&run);
    add_memcheck(&run);
    cleanup_free char *text = text_of(&run, false, false), *coloured = text_of(&run, true, true);
    assert_non_null(strstr(coloured, finding->id));
    assert_says(text, "repeat: 8 threads, sharing level readonly, seed 9223372036854775807\n"
                      "  CPython 3.13.5, GIL off, numpy 2.2.2\n"
                      "  3900 calls in 2.5 s, 0 children, and 100 serial ones; overlap 31 %\n"
                      "  heap checker: 46 rounds over up to 59471 blocks, 36 million blocks a second\n");
    assert_says(text, "    seen only when the statement of F0000000 was left out\n"
                      "    in: np.repeat(x, 2)\n"
                      "    the fault: a write to null\n");
    assert_says(text, "    thread 0, which crashed:\n"
                      "      #0  guilty  x.so+0x1234\n"
                      "      py  again  x.py:3  (3 times)\n"
                      "      … and 2 more frames of Python\n"
                      "    thread 1; 1 more thread alike:\n"
                      "      #0  other  x.so+0x1234\n"
                      "    1 thread waited for the next round\n");
    assert_says(
        text, " run again: fails in 3 of 7 fresh children (16 to 75 % at 95 % confidence); first after 1022 "
              "calls, 0.12 s (median)\n"
              "  with inputs that are only read 2 of 3, with private inputs 0 of 6, with the GIL on 0 of 5\n"
              "  with a private x 1 of 4\n"
              "  without numpy.repeat 0 of 9\n"
              "  readonly: ");
    assert_says(text, "  left at the end "
                      "          1000 calls, 0 new          2000 calls, 0 new");
    assert_says(text, "  definitely      "
                      "     96000 B in 3000 blocks    192000 B in 6000 blocks");
    run_clear(&run);
}

/* On disk. */

static int keep(const struct run *run, const char *out)
{
    json_t *document = report_document(run);
    int error = report_keep(run, document, out);
    json_decref(document);
    return error;
}

static char *read_kept(const char *out, const struct finding *finding, const char *name)
{
    char path[256], *text;
    snprintf(path, sizeof path, "%s/%s/%s", out, finding->id, name);
    return fd_read_file(path, &text, NULL) == 0 ? text : NULL;
}

static void a_finding_is_kept_in_three_files(void **state)
{
    (void)state;
    struct run run;
    char out[64];
    begin(&run);
    snprintf(out, sizeof out, "%s/deep/er", directory);
    const struct finding *finding = add_finding(&run, "s");
    add_finding(&run, "t");
    for (int again = 0; again < 2; again++)
        assert_int_equal(keep(&run, out), 0);
    cleanup_free char *json = read_kept(out, finding, "finding.json"),
                      *plan = read_kept(out, finding, "plan.yaml");
    cleanup_free char *log = read_kept(out, finding, "stderr.txt");
    cleanup_free char *other = read_kept(out, run.findings.items[1], "finding.json");
    assert_string_equal(plan, "name: repeat\n");
    assert_string_equal(log, "free(): invalid size\n");
    assert_non_null(other);
    json_t *object = json_loads(json, 0, NULL);
    assert_text(object, "id", finding->id);
    json_decref(object);
    run_clear(&run);
}

static void missing_parts_are_not_written(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    struct finding *finding = add_finding(&run, "u");
    free(finding->log_end);
    finding->log_end = NULL;
    assert_int_equal(keep(&run, directory), 0);
    assert_null(read_kept(directory, finding, "stderr.txt"));
    run_clear(&run);
}

/* `ftstress report` reports the last run, with or without findings. */
static void a_run_without_findings_leaves_its_report(void **state)
{
    (void)state;
    struct run run;
    char out[64], path[96];
    begin(&run);
    snprintf(out, sizeof out, "%s/none", directory);
    snprintf(path, sizeof path, "%s/report.json", out);
    assert_int_equal(keep(&run, out), 0);
    json_t *json = json_load_file(path, 0, NULL);
    assert_text(json, "verdict", "clean");
    json_decref(json);
    assert_true(keep(&run, "/proc/self/nowhere") < 0); /* `report` would show the run before it */
    run_clear(&run);
}

static void a_folder_that_cannot_be_is_an_error(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    add_finding(&run, "s");
    assert_true(keep(&run, "/proc/self/nowhere") < 0);
    run_clear(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_the_stable_keys),
        cmocka_unit_test(json_has_the_finding),
        cmocka_unit_test(json_of_an_empty_report_is_whole),
        cmocka_unit_test(json_of_a_clean_run_is_clean),
        cmocka_unit_test(bytes_that_are_no_utf8_survive),
        cmocka_unit_test(good_utf8_and_control_bytes_stay),
        cmocka_unit_test(text_has_the_finding),
        cmocka_unit_test(colour_is_asked_for),
        cmocka_unit_test(silence_states_the_rate),
        cmocka_unit_test(serial_calls_do_not_count_in_the_rate_of_races),
        cmocka_unit_test(a_few_calls_state_no_impossible_rate),
        cmocka_unit_test(a_run_that_could_not_test_claims_nothing),
        cmocka_unit_test(quiet_prints_findings_only),
        cmocka_unit_test(a_consequence_is_short),
        cmocka_unit_test(a_user_error_blames_no_function),
        cmocka_unit_test(long_stacks_are_cut),
        cmocka_unit_test(notes_are_printed_once_up_to_a_limit),
        cmocka_unit_test(the_text_of_every_part_survives_a_reload),
        cmocka_unit_test(a_finding_is_kept_in_three_files),
        cmocka_unit_test(missing_parts_are_not_written),
        cmocka_unit_test(a_run_without_findings_leaves_its_report),
        cmocka_unit_test(a_folder_that_cannot_be_is_an_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
