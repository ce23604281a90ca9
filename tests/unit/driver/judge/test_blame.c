/* The blame stage: sets of evidence, and the decision and reason that follow from each. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "driver/finding/verification.h"
#include "driver/judge/blame.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define TEXT(text) ((char *)(text))
#define SUSPECT(way, whose, name, of)                                                                        \
    .by = EVIDENCE_##way, .blame = BLAME_##whose, .function = TEXT(name), .package = TEXT(of)

static const struct verification reproduced = {
    .again = {3, 3}, .share = RUNG_READONLY, .gil = {0, 3}, .alone = {0, 1}};
static const struct verification vanished = {.again = {0, 9}, .share = RUNG_READONLY};
static const struct verification vanished_without = {
    .again = {0, 9}, .share = RUNG_READONLY, .without = TEXT("g(x)")};
static const struct verification reproduced_without = {
    .again = {3, 3}, .share = RUNG_READONLY, .gil = {0, 3}, .alone = {0, 1}, .without = TEXT("g(x)")};
static const struct verification interpreter_alone = {
    .again = {3, 3}, .share = RUNG_READONLY, .plain = {1, 2}};
static const struct verification all_plain = {.again = {3, 3}, .share = RUNG_READONLY, .all_plain = true};
static const struct verification needs_a = {
    .again = {3, 3},
    .share = RUNG_READONLY,
    .nknock_outs = 2,
    .knock_outs = {
        {.call = TEXT("a.f"), .trials = {0, 3}, .package = TEXT("a 1"), .sources = TEXT("a.f(x)")},
        {.call = TEXT("b.g"), .trials = {1, 1}, .package = TEXT("b 2"), .sources = TEXT("b.g(x)")}}};
static const struct verification needs_dict = {
    .again = {3, 3},
    .share = RUNG_READONLY,
    .nknock_outs = 1,
    .knock_outs = {{.call = TEXT("dict"), .trials = {0, 3}, .plain = true}}};
static const struct verification without_writer = {
    .again = {3, 3}, .share = RUNG_ALL, .ladder = {{0, 3}, {1, 1}, {1, 1}}};
static const struct verification with_writer = {
    .again = {3, 3}, .share = RUNG_ALL, .ladder = {{0, 0}, {0, 3}, {1, 1}}};

/* A finding alone in its run, of Python 3.13.5. */
static const struct {
    const char *what;
    struct evidence evidence;
    enum finding_kind kind;
    bool serial;
    const char *statement; /* which the run knows; or NULL */
    const struct verification *found;
    enum blame blame;
    const char *function, *package, *reason;
} rows[] = {
    {"frames of a package",
     {SUSPECT(STACK, TARGET, "repeat", "numpy 2.2.2"), .stacks = 3, .agree = 3},
     .blame = BLAME_TARGET,
     .function = "repeat",
     .package = "numpy 2.2.2",
     .reason = "innermost frame of numpy in 3 of 3 stacks"},
    {"frames of a package, and trials",
     {SUSPECT(STACK, TARGET, "repeat", "numpy 2.2.2"), .stacks = 3, .agree = 3},
     .found = &reproduced,
     .blame = BLAME_TARGET,
     .function = "repeat",
     .package = "numpy 2.2.2",
     .reason =
         "innermost frame of numpy in 3 of 3 stacks; control run with the GIL on 0 of 3; with one thread 0 of 1"},
    {"frames of a package, and trials that show nothing",
     {SUSPECT(STACK, TARGET, "repeat", "numpy 2.2.2"), .stacks = 1, .agree = 1},
     .found = &vanished,
     .blame = BLAME_TARGET,
     .function = "repeat",
     .package = "numpy 2.2.2",
     .reason = "innermost frame of numpy in 1 of 1 stacks; seen in 0 of 9 trials"},
    {"trials without the statement of another finding that show nothing",
     {SUSPECT(STACK, TARGET, "repeat", "numpy 2.2.2"), .stacks = 1, .agree = 1},
     .found = &vanished_without,
     .blame = BLAME_TARGET,
     .function = "repeat",
     .package = "numpy 2.2.2",
     .reason = "innermost frame of numpy in 1 of 1 stacks; seen in 0 of 9 trials without g(x)"},
    {"trials without the statement of another finding",
     {SUSPECT(STACK, TARGET, "repeat", "numpy 2.2.2"), .stacks = 1, .agree = 1},
     .found = &reproduced_without,
     .blame = BLAME_TARGET,
     .function = "repeat",
     .package = "numpy 2.2.2",
     .reason = "innermost frame of numpy in 1 of 1 stacks; control run with the GIL on without g(x) 0 of 3; "
               "with one thread without g(x) 0 of 1"},
    {"frames of the interpreter",
     {SUSPECT(STACK, INTERPRETER, "dict_resize", "CPython 3.13.5"), .stacks = 2, .agree = 2},
     .blame = BLAME_INTERPRETER,
     .function = "dict_resize",
     .package = "CPython 3.13.5",
     .reason = "innermost frame of the interpreter in 2 of 2 stacks"},
    {"frames of the interpreter, where the statement calls a package",
     {SUSPECT(STACK, INTERPRETER, "dict_resize", "CPython 3.13.5"), .stacks = 2, .agree = 2,
      .call = TEXT("a.f"), .call_package = TEXT("a 1")},
     .blame = BLAME_UNKNOWN,
     .reason =
         "innermost frame of the interpreter, in a statement that calls a 1, which may have damaged what it meets"},
    {"the same on one thread",
     {SUSPECT(STACK, INTERPRETER, "dict_resize", "CPython 3.13.5"), .stacks = 2, .agree = 2,
      .call = TEXT("a.f"), .call_package = TEXT("a 1")},
     .serial = true,
     .blame = BLAME_TARGET,
     .function = "a.f",
     .package = "a 1",
     .reason =
         "innermost frame of the interpreter, in a statement that calls a 1; calls from one thread are enough"},
    {"no evidence",
     {.blame = BLAME_UNKNOWN},
     .blame = BLAME_UNKNOWN,
     .reason = "no stack and no allocation site points to a package"},
    {"no evidence, and no package",
     {.blame = BLAME_UNKNOWN, .alone = true},
     .blame = BLAME_INTERPRETER,
     .package = "CPython 3.13.5",
     .reason = "no package's code is loaded, and the statements cannot damage memory"},
    {"caught at the instruction",
     {SUSPECT(CAUGHT, TARGET, "fill", "a 1"), .stacks = 4, .agree = 3},
     .blame = BLAME_TARGET,
     .function = "fill",
     .package = "a 1",
     .reason = "caught in the act: innermost frame of a in 3 of 4 stacks"},
    {"the damaged block",
     {SUSPECT(BLOCK, TARGET, "make", "a 1")},
     .blame = BLAME_TARGET,
     .function = "make",
     .package = "a 1",
     .reason = "a allocated or freed the block; no stack shows the code that damaged it"},
    {"a loss",
     {SUSPECT(LOSS, TARGET, "make", "a 1")},
     .blame = BLAME_TARGET,
     .function = "make",
     .package = "a 1",
     .reason = "a allocated what is not freed"},
    {"a loss of Python code",
     {SUSPECT(LOSS, UNKNOWN, NULL, NULL)},
     .blame = BLAME_UNKNOWN,
     .reason = "no package allocated it: Python code or the interpreter did"},
    {"a race of a package",
     {SUSPECT(ACCESS, TARGET, "store", "numpy 2.2.2")},
     .blame = BLAME_TARGET,
     .function = "store",
     .package = "numpy 2.2.2",
     .reason = "innermost frame of numpy in a racing access"},
    {"a race of the interpreter",
     {SUSPECT(ACCESS, INTERPRETER, "insert", "CPython 3.13.5")},
     .blame = BLAME_INTERPRETER,
     .function = "insert",
     .package = "CPython 3.13.5",
     .reason = "innermost frame of the interpreter in a racing access"},
    {"a race of the interpreter for a package",
     {SUSPECT(ACCESS, UNKNOWN, "caller", "numpy 2.2.2")},
     .blame = BLAME_UNKNOWN,
     .function = "caller",
     .package = "numpy 2.2.2",
     .reason = "both accesses are in the interpreter, which a package may have called wrongly"},
    {"a lock of Python code",
     {SUSPECT(PYTHON, TARGET, "wait", NULL)},
     .blame = BLAME_TARGET,
     .function = "wait",
     .reason = "Python code of the target waits for a lock of Python code"},
    {"the only statement",
     {SUSPECT(STATEMENT, TARGET, "a.f", "a 1")},
     .blame = BLAME_TARGET,
     .function = "a.f",
     .package = "a 1",
     .reason = "the only statement calls a"},
    {"a type",
     {SUSPECT(NAME, TARGET, NULL, "a 1")},
     .blame = BLAME_TARGET,
     .package = "a 1",
     .reason = "a type or module of a is named"},
    {"inputs that are only read",
     {SUSPECT(SHARING, TARGET, NULL, NULL)},
     .blame = BLAME_TARGET,
     .reason = "the threads only read what they share, and one thread does not fail"},
    {"a wrong result of a call of a package",
     {SUSPECT(SHARING, TARGET, NULL, NULL), .call = TEXT("a.f"), .call_package = TEXT("a 1")},
     .kind = FINDING_WRONG_RESULT,
     .blame = BLAME_TARGET,
     .function = "a.f",
     .package = "a 1",
     .reason = "the threads only read what they share, and one thread does not fail"},
    {"a wrong result, and a knock-out of another call",
     {SUSPECT(SHARING, TARGET, NULL, NULL), .call = TEXT("b.g"), .call_package = TEXT("b 2")},
     .kind = FINDING_WRONG_RESULT,
     .found = &needs_a,
     .blame = BLAME_TARGET,
     .function = "a.f",
     .package = "a 1",
     .reason = "the threads only read what they share, and one thread does not fail; fails in 0 of 3 trials "
               "without a.f"},
    {"an exception, and only statements of the interpreter",
     {SUSPECT(SHARING, TARGET, NULL, NULL)},
     .kind = FINDING_EXCEPTION,
     .found = &all_plain,
     .blame = BLAME_TARGET,
     .reason = "the threads only read what they share, and one thread does not fail"},
    {"a changed input is not of the call that it was seen after",
     {SUSPECT(SHARING, TARGET, NULL, NULL), .call = TEXT("a.f"), .call_package = TEXT("a 1")},
     .kind = FINDING_INPUT_MUTATED,
     .blame = BLAME_TARGET,
     .reason = "the threads only read what they share, and one thread does not fail"},
    {"an abort by Python code",
     {SUSPECT(ABORT, TARGET, NULL, NULL)},
     .blame = BLAME_TARGET,
     .reason = "Python code of the target aborts: the interpreter printed no reason"},
    {"a limit that the target lowered",
     {SUSPECT(LIMIT, TARGET, NULL, NULL)},
     .blame = BLAME_TARGET,
     .reason = "the target lowered its own limit on memory"},
    {"a statement without a package",
     {SUSPECT(STATEMENT, UNKNOWN, "f", NULL)},
     .blame = BLAME_UNKNOWN,
     .function = "f",
     .reason = "the statement calls no package with an extension module"},
    {"inputs that a thread writes",
     {SUSPECT(SHARING, UNKNOWN, NULL, NULL)},
     .blame = BLAME_UNKNOWN,
     .reason = "at this sharing level a thread may change what the others read"},
    {"statements that change arrays",
     {SUSPECT(STACK, TARGET, "repeat", "numpy 2.2.2"), .stacks = 1, .agree = 1, .users = true},
     .blame = BLAME_USER,
     .function = "repeat",
     .package = "numpy 2.2.2",
     .reason = "the statements change arrays while other threads use them"},
    {"statements that change arrays, and a failure without a writer",
     {SUSPECT(STACK, TARGET, "f", "a 1"), .stacks = 1, .agree = 1, .users = true},
     .found = &without_writer,
     .blame = BLAME_TARGET,
     .function = "f",
     .package = "a 1",
     .reason = "innermost frame of a in 1 of 1 stacks; fails where no thread writes shared arrays, too"},
    {"statements that change arrays, and no failure without a writer",
     {SUSPECT(STACK, TARGET, "f", "a 1"), .stacks = 1, .agree = 1, .users = true},
     .found = &with_writer,
     .blame = BLAME_USER,
     .function = "f",
     .package = "a 1",
     .reason = "the statements change arrays while other threads use them"},
    {"no stack, and a knock-out",
     {.blame = BLAME_UNKNOWN},
     .found = &needs_a,
     .blame = BLAME_TARGET,
     .function = "a.f",
     .package = "a 1",
     .reason = "no stack and no allocation site points to a package; fails in 0 of 3 trials without a.f"},
    {"the interpreter's frames, and a knock-out",
     {SUSPECT(STACK, INTERPRETER, "malloc", "CPython 3.13.5"), .stacks = 1, .agree = 1},
     .found = &needs_a,
     .blame = BLAME_TARGET,
     .function = "a.f",
     .package = "a 1",
     .reason = "innermost frame of the interpreter in 1 of 1 stacks; fails in 0 of 3 trials without a.f"},
    {"frames of the package that is needed",
     {SUSPECT(STACK, TARGET, "inner", "a 1"), .stacks = 1, .agree = 1},
     .found = &needs_a,
     .blame = BLAME_TARGET,
     .function = "inner",
     .package = "a 1",
     .reason = "innermost frame of a in 1 of 1 stacks"},
    {"frames of a package that is not needed",
     {SUSPECT(STACK, TARGET, "g", "b 2"), .stacks = 1, .agree = 1},
     .found = &needs_a,
     .blame = BLAME_TARGET,
     .function = "a.f",
     .package = "a 1",
     .reason =
         "innermost frame of b in 1 of 1 stacks; still fails without b.g; fails in 0 of 3 trials without a.f"},
    {"a statement that is not needed",
     {SUSPECT(STACK, TARGET, "inner", "a 1"), .stacks = 1, .agree = 1},
     .statement = "b.g(x)",
     .found = &needs_a,
     .blame = BLAME_TARGET,
     .function = "a.f",
     .package = "a 1",
     .reason =
         "innermost frame of a in 1 of 1 stacks; still fails without b.g; fails in 0 of 3 trials without a.f"},
    {"a package, and a failure of the interpreter alone",
     {SUSPECT(STACK, TARGET, "g", "b 2"), .stacks = 1, .agree = 1},
     .found = &interpreter_alone,
     .blame = BLAME_INTERPRETER,
     .package = "CPython 3.13.5",
     .reason = "innermost frame of b in 1 of 1 stacks; fails with the interpreter's own statements alone"},
    {"only statements of the interpreter",
     {.blame = BLAME_UNKNOWN},
     .found = &all_plain,
     .blame = BLAME_INTERPRETER,
     .package = "CPython 3.13.5",
     .reason =
         "no stack and no allocation site points to a package; all statements are the interpreter's own"},
    {"a call of the interpreter is needed",
     {.blame = BLAME_UNKNOWN},
     .found = &needs_dict,
     .blame = BLAME_INTERPRETER,
     .package = "CPython 3.13.5",
     .reason = "no stack and no allocation site points to a package; fails in 0 of 3 trials without dict"},
    {"Python code that stays, and only statements of the interpreter",
     {SUSPECT(STAY, TARGET, NULL, NULL)},
     .kind = FINDING_HANG,
     .found = &all_plain,
     .blame = BLAME_TARGET,
     .reason = "Python code of the target blocks or loops, and waits for no lock"},
    {"Python code that stays, and a knock-out of a call of the interpreter",
     {SUSPECT(STAY, TARGET, NULL, NULL)},
     .kind = FINDING_HANG,
     .found = &needs_dict,
     .blame = BLAME_TARGET,
     .reason = "Python code of the target blocks or loops, and waits for no lock"},
    {"a signal that was sent, and only statements of the interpreter",
     {SUSPECT(SENT, UNKNOWN, NULL, NULL)},
     .kind = FINDING_CRASH,
     .found = &all_plain,
     .blame = BLAME_UNKNOWN,
     .reason = "a process sent the signal: this one, or another"},
    {"a hang without a stack, and only statements of the interpreter",
     {.blame = BLAME_UNKNOWN},
     .kind = FINDING_HANG,
     .found = &all_plain,
     .blame = BLAME_UNKNOWN,
     .reason = "no stack and no allocation site points to a package"},
    {"a hang in the interpreter, and only its statements",
     {SUSPECT(STACK, INTERPRETER, "mi_free", "CPython 3.13.5"), .stacks = 1, .agree = 1},
     .kind = FINDING_HANG,
     .found = &all_plain,
     .blame = BLAME_INTERPRETER,
     .function = "mi_free",
     .package = "CPython 3.13.5",
     .reason =
         "innermost frame of the interpreter in 1 of 1 stacks; all statements are the interpreter's own"},
    {"one thread is enough: trials decide nothing",
     {SUSPECT(STACK, INTERPRETER, "malloc", "CPython 3.13.5"), .stacks = 1, .agree = 1},
     .serial = true,
     .found = &needs_a,
     .blame = BLAME_INTERPRETER,
     .function = "malloc",
     .package = "CPython 3.13.5",
     .reason = "innermost frame of the interpreter in 1 of 1 stacks"},
};

static void assert_text(const char *what, const char *text, const char *expected)
{
    if (!expected ? text != NULL : !text || strcmp(text, expected) != 0)
        fail_msg("%s: \"%s\", not \"%s\"", what, text ? text : "(none)", expected ? expected : "(none)");
}

static void evidence_decides(void **state)
{
    (void)state;
    char *environment[] = {TEXT("python=3.13.5 (main)")};
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct statement statement = {.source = TEXT(rows[i].statement)};
        struct run run = {.environment = environment, .nenvironment = 1};
        struct finding finding = {.evidence = rows[i].evidence,
                                  .kind = rows[i].kind,
                                  .serial = rows[i].serial,
                                  .statement = TEXT(rows[i].statement),
                                  .verification = rows[i].found};
        struct blame_verdict verdict;
        if (rows[i].statement)
            run.statements = (struct statement_list){&statement, 1};
        blame_decide(&run, &finding, &verdict);
        if (verdict.suspect.blame != rows[i].blame)
            fail_msg("%s: blames %s", rows[i].what, blame_names[verdict.suspect.blame]);
        assert_text(rows[i].what, verdict.suspect.function, rows[i].function);
        assert_text(rows[i].what, verdict.suspect.package, rows[i].package);
        assert_text(rows[i].what, verdict.reason, rows[i].reason);
    }
}

static void sights_of_one_finding_are_counted(void **state)
{
    (void)state;
    struct evidence one = {SUSPECT(STACK, TARGET, "f", "a 1"), .stacks = 1, .agree = 1};
    const struct evidence other = {SUSPECT(STACK, TARGET, "f", "b 2"), .stacks = 1, .agree = 1};
    const struct evidence block = {SUSPECT(BLOCK, TARGET, "f", "a 1"), .stacks = 1, .agree = 1};
    evidence_merge(&one, &one);
    evidence_merge(&one, &other);
    evidence_merge(&one, &block);
    assert_int_equal(one.stacks, 3);
    assert_int_equal(one.agree, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_decides),
        cmocka_unit_test(sights_of_one_finding_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
