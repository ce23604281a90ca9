/* The text form of a run, for a person. */
#include "core/plan/perturb.h"
#include "driver/report/report_run.h"

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

static void silence_has_a_rate_of_its_own_for_some_results(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    compared_add(&run.compared, &(struct compared){"f(x)", LOOKED_YES, LOOKED_YES, 100, "", ""});
    compared_add(&run.compared, &(struct compared){"f(x)", LOOKED_YES, LOOKED_YES, 200, "", ""});
    cleanup_free char *some = text_of(&run, false, false);
    assert_says(some,
                "the rate is below 0.077 % at 95 % confidence; 300 results were compared, the rate of wrong "
                "ones is below 0.99 %");
    compared_add(&run.compared, &(struct compared){"f(x)", LOOKED_YES, LOOKED_YES, 3600, "", ""});
    cleanup_free char *all = text_of(&run, false, false);
    assert_null(strstr(all, "results were compared"));
    compared_add(&run.compared, &(struct compared){"g(x)", LOOKED_YES, LOOKED_YES, 0, "", ""});
    cleanup_free char *none = text_of(&run, false, false);
    assert_says(none, "  g(x): results not compared: no child came to compare one\n");
    run_clear(&run);
}

static void silence_claims_nothing_of_growth_that_was_not_looked_for(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    run.hints = true;
    cleanup_free char *text = text_of(&run, false, false);
    assert_says(
        text,
        "nothing found, but growth of memory was not looked for: 0 in 3900 calls, overlap 31 %, the rate is below");
    run.hinted = true;
    cleanup_free char *looked = text_of(&run, false, false);
    assert_says(looked, "nothing found: 0 in 3900 calls");
    run_clear(&run);
}

static void silence_claims_nothing_of_what_was_not_compared(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    compared_add(&run.compared, &(struct compared){"f(x)", LOOKED_YES, LOOKED_YES, 3900, "", ""});
    cleanup_free char *all = text_of(&run, false, false);
    assert_says(all, "nothing found: 0 in 3900 calls, overlap 31 %, the rate is below");
    compared_add(&run.compared, &(struct compared){"g(x)", LOOKED_NOT, LOOKED_YES, 0, "why", ""});
    cleanup_free char *one = text_of(&run, false, false);
    assert_says(one, "  g(x): results not compared: why\n");
    assert_says(one,
                "nothing found, but the results of 1 of 2 statements were not compared: 0 in 3900 calls, "
                "overlap 31 %, the rate of other failures is below");
    compared_add(&run.compared, &(struct compared){"g(x)", LOOKED_ENDED, LOOKED_NOT, 0, "why", "why"});
    compared_add(&run.compared, &(struct compared){"f(x)", LOOKED_ENDED, LOOKED_YES, 0, "later", ""});
    cleanup_free char *none = text_of(&run, false, false);
    assert_says(none, "  f(x): results not compared: later\n");
    assert_says(none, "  g(x): results not compared: why\n");
    assert_says(none, "nothing found, but results were not compared: 0 in");
    for (int i = 0; i < 8; i++)
        compared_add(&run.compared,
                     &(struct compared){(char[]){(char)('a' + i), 0}, LOOKED_NOT, LOOKED_YES, 0, "why", ""});
    cleanup_free char *many = text_of(&run, false, false);
    assert_says(many, "  … and 2 more statements, all in the JSON report\n");
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

/* A leak in one of a thousand calls does not show in a mean over all calls. */
static void counted_calls_bound_no_rate(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    run.counted_calls = 3000;
    cleanup_free char *some = text_of(&run, false, false);
    assert_says(some, "nothing found: 0 in 900 calls, overlap 31 %, the rate is below 0.33 % at 95 %");
    run.counted_calls = run.calls;
    cleanup_free char *all = text_of(&run, false, false);
    assert_says(all, "nothing found: 3900 calls were counted\n");
    run_clear(&run);
}

static void one_thread_at_a_time_does_not_overlap(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    run.serialized = true;
    run.counted_calls = run.calls;
    cleanup_free char *text = text_of(&run, false, false);
    assert_null(strstr(text, "overlap"));
    run_clear(&run);
}

static void one_child_is_one_child(void **state)
{
    (void)state;
    struct run run;
    begin(&run);
    run_log_child(&run, &(struct child_entry){.member = "bare", .end = "finished"});
    run.serial_calls = 1;
    cleanup_free char *text = text_of(&run, false, false);
    assert_says(text, "3900 calls in 2.5 s, 1 child, and 1 serial one; ");
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
    run.processes = 811;
    run.processes_time = 4000 * UINT64_C(1000000);
    run.walks =
        (struct walks){.rounds = 46, .present = 59471, .blocks = 1234567891, .nanoseconds = 34567890123};
    struct finding *finding = add_finding(&run, "s");
    add_threads(finding);
    finding->behind = strdup("F0000000");
    assert_int_equal(finding_add_line(finding, strdup("the fault: a write to null")), 0);
    finding->perturb = PERTURB_LOCKSTEP;
    add_verification(&run);
    add_memcheck(&run);
    cleanup_free char *text = text_of(&run, false, false), *coloured = text_of(&run, true, true);
    assert_non_null(strstr(coloured, finding->id));
    assert_says(text, "repeat: 8 threads, sharing level readonly, seed 9223372036854775807\n"
                      "  CPython 3.13.5, GIL off, numpy 2.2.2\n"
                      "  3900 calls in 2.5 s, 0 children, and 100 serial ones; overlap 31 %\n"
                      "  first uses: 811 new processes, 203 per second\n"
                      "  heap checker: 46 rounds over up to 59471 blocks, 36 million blocks a second\n");
    assert_says(text, "    seen only when the statement of F0000000 was left out\n"
                      "    in: np.repeat(x, 2)\n"
                      "    the fault: a write to null\n"
                      "    in each child that showed it: all threads meet before each iteration\n");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_has_the_finding),
        cmocka_unit_test(colour_is_asked_for),
        cmocka_unit_test(silence_states_the_rate),
        cmocka_unit_test(silence_has_a_rate_of_its_own_for_some_results),
        cmocka_unit_test(silence_claims_nothing_of_growth_that_was_not_looked_for),
        cmocka_unit_test(silence_claims_nothing_of_what_was_not_compared),
        cmocka_unit_test(serial_calls_do_not_count_in_the_rate_of_races),
        cmocka_unit_test(counted_calls_bound_no_rate),
        cmocka_unit_test(one_thread_at_a_time_does_not_overlap),
        cmocka_unit_test(one_child_is_one_child),
        cmocka_unit_test(a_few_calls_state_no_impossible_rate),
        cmocka_unit_test(a_run_that_could_not_test_claims_nothing),
        cmocka_unit_test(quiet_prints_findings_only),
        cmocka_unit_test(a_consequence_is_short),
        cmocka_unit_test(a_user_error_blames_no_function),
        cmocka_unit_test(long_stacks_are_cut),
        cmocka_unit_test(notes_are_printed_once_up_to_a_limit),
        cmocka_unit_test(the_text_of_every_part_survives_a_reload),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
