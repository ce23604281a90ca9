/* Sentences of the C library, of CPython and of its debug hooks in the log. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/finding/log_rule.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

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
    {"Fatal Python error: PyThreadState_Get: the function must be called with an active thread state",
     FINDING_INTERPRETER_FAULT},
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
    const struct log_rule *rule =
        log_rule_find("free(): invalid size\nFatal Python error: none_dealloc: deallocating None\n", &line);
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
        /* faulthandler, at a crash */
        "Fatal Python error: Segmentation fault\n\nCurrent thread 0x00007f0000 (most recent call first):",
        "Fatal Python error: Fatal Python error: Bus errorFloating-point exception\n\n\nCurrent thread 0x00007f0000:",
        "Fatal Python error: \n\nIllegal instruction",
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

static void output_of_the_debug_hooks_becomes_a_sentence(void **state)
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
    assert_true(log_rule_find(dump, &line)->by_hooks);
    free(line);
    assert_false(log_rule_find("free(): invalid size\n", &line)->by_hooks);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sentence_is_known_in_any_line),
        cmocka_unit_test(the_first_line_decides),
        cmocka_unit_test(other_texts_are_not_findings),
        cmocka_unit_test(output_of_the_debug_hooks_becomes_a_sentence),
        cmocka_unit_test(only_sentences_of_the_debug_hooks_are_pyheaps),
        cmocka_unit_test(the_module_that_wants_the_gil_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
