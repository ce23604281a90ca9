/* Which mode a run has, what each leaves of a plan, and that a further mode needs no more than a row. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "core/plan/detector_list.h"
#include "core/plan/perturb.h"
#include "core/wire/status.h"
#include "driver/mode/mode.h"
#include "folder.h"

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)

static void each_row_has_what_every_run_needs(void **state)
{
    (void)state;
    for (size_t i = 0; i < mode_count; i++) {
        const struct mode *mode = modes[i];
        assert_non_null(mode->name);
        assert_non_null(mode->is_selected);
        assert_non_null(mode->find_child);
        assert_non_null(mode->members);
        assert_non_null(mode->members->fallback);
        assert_int_equal(mode->members->n > 0, mode->members->members != NULL);
        assert_true(!mode->has_suppressions || mode->option);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(mode->name, modes[k]->name);
    }
    assert_ptr_equal(modes[mode_count - 1], &mode_plain);
}

/* Choosing */

static const struct mode *choose(const char *line, struct plan *plans, size_t n, struct sentence *error)
{
    char text[256], *argv[16], *rest = text;
    int argc = 0;
    struct request request;
    snprintf(text, sizeof text, "%s", line);
    while ((argv[argc] = strsep(&rest, " ")))
        argc += *argv[argc] != '\0';
    request_init(&request);
    assert_int_equal(option_parse(OPTION_RUN, argc, argv, &request, error->what, sizeof error->what), 0);
    for (size_t i = 0; i < n; i++)
        if (REQUEST_GAVE(&request, plan.detect))
            plans[i].detect = request.plan.detect;
    const struct mode *mode = mode_choose(&request, plans, n, error);
    request_clear(&request);
    return mode;
}

static void assert_chosen(const char *line, const char *under, const struct mode *wanted, uint32_t detect)
{
    struct sentence error;
    struct plan plan = {.threads = 8, .detect = DETECTOR_DEFAULT, .under = (char *)under};
    assert_ptr_equal(choose(line, &plan, 1, &error), wanted);
    assert_int_equal(plan.detect, detect);
    assert_int_equal(plan.threads, 8);
}

static void options_and_plans_choose_the_mode(void **state)
{
    (void)state;
    assert_chosen("", NULL, &mode_plain, DETECTOR_DEFAULT);
    assert_chosen("--tsan", NULL, &mode_tsan, DETECTOR_DEFAULT | BIT(TSAN));
    assert_chosen("--detect=tsan", NULL, &mode_tsan, BIT(TSAN));
    assert_chosen("--detect=tsan,crash", NULL, &mode_plain, BIT(TSAN) | BIT(CRASH));
    assert_chosen("", "valgrind", &mode_valgrind, BIT(MEMCHECK) | BIT(CRASH) | BIT(HANG) | BIT(LOG));
    assert_chosen("--detect=growth", "valgrind", &mode_valgrind, BIT(MEMCHECK));
    assert_chosen("--suppressions=known", "valgrind", &mode_valgrind,
                  BIT(MEMCHECK) | BIT(CRASH) | BIT(HANG) | BIT(LOG));
}

static void assert_contradiction(const char *line, const char *under, size_t n, const char *what,
                                 const char *remedy)
{
    struct sentence error = {.what = ""};
    struct plan plans[] = {{.detect = DETECTOR_DEFAULT, .under = (char *)under},
                           {.detect = DETECTOR_DEFAULT}};
    assert_null(choose(line, plans, n, &error));
    assert_string_equal(error.what, what);
    assert_string_equal(error.remedy, remedy);
}

static void what_is_left_out_of_perturb_is_noted(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        uint32_t perturb;
        const char *note;
    } rows[] = {
        {"--tsan", PERTURB_ALLOC | PERTURB_PCT | PERTURB_SKEW,
         "perturb: alloc,pct left out, because ThreadSanitizer has its own malloc and locks"},
        {"--tsan", PERTURB_FIRST,
         "perturb: first left out, because a child in this mode (tsan) forks no processes"},
        {"--tsan", PERTURB_DELAY, NULL},
        {"--tsan", PERTURB_OFF, NULL},
        {"", PERTURB_FIRST | PERTURB_LOCKS, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sentence error;
        struct note_list notes = {0};
        struct plan plan = {.threads = 8, .detect = DETECTOR_DEFAULT, .perturb = rows[i].perturb};
        mode_note_perturb(choose(rows[i].line, &plan, 1, &error), &notes);
        assert_int_equal(notes.n, rows[i].note != NULL);
        if (rows[i].note)
            assert_string_equal(notes.items[0], rows[i].note);
        for (size_t k = 0; k < notes.n; k++)
            free(notes.items[k]);
        free(notes.items);
    }
}

static void contradictions_are_refused(void **state)
{
    (void)state;
    assert_contradiction("--tsan", "valgrind", 1,
                         "--tsan and --under valgrind do not go together: each needs a child of its own",
                         "keep one");
    assert_contradiction("--suppressions=known", NULL, 1, "--suppressions is for --tsan and --under valgrind",
                         "give one of them, too");
    assert_contradiction("", "valgrind", 2, "a run under valgrind is of one plan", "name one");
}

/* With the GIL */

static const struct probe with_gil = {.version = "3.11.2", .abi = "3.11"};

static int narrow_to_gil(struct plan *plan, struct sentence *error)
{
    struct mode_run run = {.row = &mode_gil, .probe = with_gil};
    return mode_gil.prepare(&run, plan, 1, error);
}

static void with_the_gil_leaks_are_found_on_one_thread(void **state)
{
    (void)state;
    struct plan plan = {.threads = 8, .detect = DETECTOR_ALL};
    struct sentence error;
    assert_int_equal(narrow_to_gil(&plan, &error), 0);
    assert_int_equal(plan.threads, 1);
    struct note_list notes = {0};
    mode_gil_note(&with_gil, &notes);
    assert_string_equal(notes.items[0],
                        "CPython 3.11.2 has the GIL: this run is about leaks and shutdown, on one "
                        "thread, not about races");
    free(notes.items[0]);
    free(notes.items);
    assert_true(plan.detect & BIT(GROWTH));
    assert_true(plan.detect & BIT(CRASH));
    assert_false(plan.detect & BIT(TRIPWIRE));
    assert_false(plan.detect & BIT(DIVERGE));
}

static void with_the_gil_races_cannot_be_found(void **state)
{
    (void)state;
    struct plan plan = {.threads = 8, .detect = DETECTOR_DEFAULT};
    struct sentence error;
    assert_int_equal(narrow_to_gil(&plan, &error), STATUS_UNTESTED);
    assert_string_equal(error.what, "CPython 3.11.2 has the GIL, so no race can show");
    assert_non_null(strstr(error.remedy, "look for leaks (--detect growth,refcount,shutdown)"));
    assert_int_equal(plan.threads, 8);
}

static void the_gil_is_known_from_the_interpreter(void **state)
{
    (void)state;
    struct request request = {.allow_gil = false};
    struct mode_query query = {.request = &request};
    assert_false(mode_gil.is_selected(&query));
    query.probe = &with_gil;
    assert_true(mode_gil.is_selected(&query));
    request.allow_gil = true;
    assert_false(mode_gil.is_selected(&query));
}

/* The programs of the modes: none lies beside this test. */

static void a_child_that_is_missing_is_named(void **state)
{
    (void)state;
    struct mode_run run = {.row = &mode_plain};
    struct sentence error;
    assert_int_equal(mode_plain.find_child(&run, &error), STATUS_HARNESS);
    assert_string_equal(error.what, "ftstress-child is not beside this program");
    assert_string_equal(error.remedy, "build it with scripts/setup.sh");
}

/* A further mode */

static char folder[64];
static unsigned cleared;

static void write_script(const char *name, const char *text, char **ret_path)
{
    assert_true(asprintf(ret_path, "%s/%s", folder, name) > 0);
    assert_int_equal(fd_write_file(*ret_path, text, strlen(text)), 0);
    assert_int_equal(chmod(*ret_path, 0755), 0);
}

static bool is_selected(const struct mode_query *query)
{
    return query->request->tsan;
}

/* The child answers as its environment says. */
static int find_child(struct mode_run *run, struct sentence *error)
{
    static const char *const environment[] = {"FAKE_ABI=3.13t", NULL};
    (void)error;
    write_script("child", "#!/bin/sh\necho $FAKE_ABI /nowhere/python\n", &run->child);
    run->launch.environment = environment;
    run->own = strdup("its own");
    return 0;
}

static int prepare(struct mode_run *run, struct plan *plans, size_t n, struct sentence *error)
{
    if (strcmp(run->own, "its own") != 0)
        return sentence_fail(STATUS_UNTESTED, error, "", "no data");
    for (size_t i = 0; i < n; i++)
        plans[i].threads = 2;
    return 0;
}

static void clear(struct mode_run *run)
{
    free(run->own);
    cleared++;
}

static const struct mode fake = {
    .name = "fake",
    .option = "--fake",
    .members = &mode_plain_members,
    .is_selected = is_selected,
    .find_child = find_child,
    .prepare = prepare,
    .clear = clear,
};

static const char answer[] =
    "#!/bin/sh\nprintf 'ftstress\\timplementation\\tcpython\\nftstress\\texecutable\\t/bin/python\\n"
    "ftstress\\tprefix\\t/\\nftstress\\tlibrary\\t/lib\\nftstress\\tversion\\t3.13.5\\nftstress\\tabi\\t%s\\n"
    "ftstress\\tfree\\t1\\nftstress\\tgil\\t0\\n' $FAKE_ABI\n";

static void a_further_mode_is_one_row(void **state)
{
    (void)state;
    char *python;
    struct sentence error;
    struct plan plan = {.threads = 8};
    write_script("python", answer, &python);
    struct request request = {.python = python};
    struct mode_run run = {.row = &fake, .request = &request};
    assert_int_equal(mode_open(&run, &plan, 1, &error), 0);
    assert_ptr_equal(run.row, &fake);
    assert_string_equal(run.probe.abi, "3.13t");
    assert_int_equal(plan.threads, 2);
    assert_null(getenv("FAKE_ABI"));
    mode_close(&run);
    assert_int_equal(cleared, 1);
    assert_null(run.child);
    free(python);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/test_mode.XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_has_what_every_run_needs),
        cmocka_unit_test(options_and_plans_choose_the_mode),
        cmocka_unit_test(what_is_left_out_of_perturb_is_noted),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(with_the_gil_leaks_are_found_on_one_thread),
        cmocka_unit_test(with_the_gil_races_cannot_be_found),
        cmocka_unit_test(the_gil_is_known_from_the_interpreter),
        cmocka_unit_test(a_child_that_is_missing_is_named),
        cmocka_unit_test_setup_teardown(a_further_mode_is_one_row, make_folder, remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
