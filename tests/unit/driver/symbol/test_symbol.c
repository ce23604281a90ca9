/* Addresses to names, on our own maps. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/fd.h"
#include "driver/symbol/symbol.h"
#include "forked.h"

#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

/* The frames under test. */

static NOINLINE uint64_t where(void)
{
    return (uint64_t)__builtin_return_address(0);
}

static inline __attribute__((always_inline)) uint64_t inlined_part(void)
{
    uint64_t here = where();
    KEEP_FRAME();
    return here;
}

static NOINLINE uint64_t whole_function(void)
{
    uint64_t here = inlined_part();
    KEEP_FRAME();
    return here;
}

static struct symbols *open_own(void)
{
    cleanup_free char *maps = NULL;
    struct symbols *symbols;
    assert_int_equal(fd_read_file("/proc/self/maps", &maps, NULL), 0);
    assert_int_equal(symbols_open(maps, &symbols), 0);
    return symbols;
}

/* One address, looked up in our own maps. */
static struct symbol_stack look_up(uint64_t address, bool exact)
{
    struct symbols *symbols = open_own();
    struct symbol_stack stack;
    assert_int_equal(symbols_stack(symbols, &address, 1, exact, &stack), 0);
    symbols_close(symbols);
    assert_true(stack.nframes > 0);
    assert_int_equal(stack.frames[0].address, address);
    return stack;
}

static void test_own_function(void **state)
{
    (void)state;
    struct symbol_stack stack = look_up((uint64_t)whole_function, true);
    const struct symbol_frame *frame = &stack.frames[stack.nframes - 1];
    assert_string_equal(frame->function, "whole_function");
    assert_non_null(strstr(frame->module, "test_symbol"));
    assert_non_null(strstr(frame->file, "test_symbol.c"));
    assert_true(frame->line > 0);
    assert_false(frame->is_inline);
    assert_int_equal(frame->offset, frame->address - _r_debug.r_map->l_addr);
    symbol_stack_free(&stack);
}

int one_of_many(int x);
NOINLINE __attribute__((weak)) int one_of_many(int x)
{
    return x + 1;
}

static void test_weak_function(void **state)
{
    (void)state;
    struct symbol_stack stack = look_up((uint64_t)one_of_many, true);
    assert_string_equal(stack.frames[0].function, "one_of_many");
    assert_true(stack.frames[0].is_weak);
    symbol_stack_free(&stack);
    stack = look_up((uint64_t)whole_function, true);
    assert_false(stack.frames[stack.nframes - 1].is_weak);
    symbol_stack_free(&stack);
}

static void test_inline_frame(void **state)
{
    (void)state;
    struct symbol_stack stack = look_up(whole_function(), false);
    assert_int_equal(stack.nframes, 2);
    assert_string_equal(stack.frames[0].function, "inlined_part");
    assert_true(stack.frames[0].is_inline);
    assert_string_equal(stack.frames[1].function, "whole_function");
    assert_false(stack.frames[1].is_inline);
    assert_true(stack.frames[0].line < stack.frames[1].line);
    assert_int_equal(stack.frames[0].address, stack.frames[1].address);
    symbol_stack_free(&stack);
}

static void test_libc_function(void **state)
{
    (void)state;
    struct symbol_stack stack = look_up((uint64_t)l64a, true);
    assert_string_equal(stack.frames[stack.nframes - 1].function, "l64a");
    assert_non_null(strstr(stack.frames[0].module, "libc"));
    symbol_stack_free(&stack);
}

/* The byte before a function belongs to another, or to none. */
static void test_return_address_is_moved_back(void **state)
{
    (void)state;
    struct symbol_stack stack = look_up((uint64_t)trap_at_start, false);
    const char *function = stack.frames[stack.nframes - 1].function;
    assert_true(!function || strcmp(function, "trap_at_start") != 0);
    symbol_stack_free(&stack);
}

static void test_bogus_addresses(void **state)
{
    (void)state;
    const uint64_t bogus[] = {0, 1, (uint64_t)&bogus, UINT64_MAX};
    for (size_t i = 0; i < 8; i++) {
        struct symbol_stack stack = look_up(bogus[i / 2], i % 2);
        assert_int_equal(stack.nframes, 1);
        assert_null(stack.frames[0].function);
        assert_null(stack.frames[0].module);
        assert_null(stack.frames[0].file);
        symbol_stack_free(&stack);
    }
}

static void test_vdso(void **state)
{
    (void)state;
    uint64_t start = getauxval(AT_SYSINFO_EHDR);
    if (!start)
        skip();
    struct symbol_stack stack = look_up(start, true);
    assert_string_equal(stack.frames[0].module, "[vdso]");
    assert_null(stack.frames[0].function);
    assert_int_equal(stack.frames[0].offset, 0);
    symbol_stack_free(&stack);
}

static void test_maps_of_a_process_that_is_gone(void **state)
{
    (void)state;
    char path[64];
    cleanup_free char *maps = NULL;
    struct symbols *symbols;
    struct symbol_stack stack;
    pid_t pid = start(child_churning, 1);
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    assert_int_equal(fd_read_file(path, &maps, NULL), 0);
    kill_and_check(pid);
    assert_int_equal(symbols_open(maps, &symbols), 0);
    const uint64_t addresses[] = {(uint64_t)trap_at_start, whole_function()};
    assert_int_equal(symbols_stack(symbols, addresses, 2, true, &stack), 0);
    assert_int_equal(stack.nframes, 3);
    assert_string_equal(stack.frames[0].function, "trap_at_start");
    assert_string_equal(stack.frames[2].function, "whole_function");
    symbol_stack_free(&stack);
    symbols_close(symbols);
}

static void test_odd_maps(void **state)
{
    (void)state;
    static const char deleted[] = "10000-20000 r-xp 00000000 fe:00 7 /no/such lib.so (deleted)\n"
                                  "30000-40000 r-xp 00000000 fe:00 8 /proc/version\n50000-6";
    struct symbols *symbols;
    struct symbol_stack stack;
    assert_int_equal(symbols_open(deleted, &symbols), 0);
    assert_int_equal(symbols_stack(symbols, (uint64_t[]){0x10008, 0x30008, 0x50008}, 3, true, &stack), 0);
    assert_int_equal(stack.nframes, 3);
    assert_string_equal(stack.frames[0].module, "/no/such lib.so (deleted)");
    assert_int_equal(stack.frames[0].offset, 8);
    assert_string_equal(stack.frames[1].module, "/proc/version");
    assert_null(stack.frames[0].function);
    assert_null(stack.frames[1].function);
    assert_null(stack.frames[2].module);
    symbol_stack_free(&stack);
    symbols_close(symbols);
    assert_int_equal(symbols_open("", &symbols), 0);
    symbols_close(symbols);
    assert_true(symbols_open("no maps at all\n", &symbols) < 0);
}

static void test_empty_stack(void **state)
{
    (void)state;
    struct symbols *symbols = open_own();
    struct symbol_stack stack;
    assert_int_equal(symbols_stack(symbols, NULL, 0, true, &stack), 0);
    assert_int_equal(stack.nframes, 0);
    symbol_stack_free(&stack);
    symbols_close(symbols);
}

static int planted_variable[4];

static void test_variables_by_address(void **state)
{
    (void)state;
    cleanup_free char *maps = NULL, *text = NULL, *inside = NULL, *other = NULL;
    struct symbols *symbols;
    int *on_heap = malloc(sizeof *on_heap);
    assert_int_equal(fd_read_file("/proc/self/maps", &maps, NULL), 0);
    assert_int_equal(symbols_open(maps, &symbols), 0);
    assert_int_equal(symbols_variable(symbols, (uint64_t)(uintptr_t)planted_variable, &text), 0);
    assert_string_equal(text, "planted_variable in test_symbol");
    assert_int_equal(symbols_variable(symbols, (uint64_t)(uintptr_t)&planted_variable[1], &inside), 0);
    assert_string_equal(inside, "planted_variable+0x4 in test_symbol");
    assert_int_equal(symbols_variable(symbols, (uint64_t)(uintptr_t)on_heap, &other), -ENOENT);
    assert_int_equal(symbols_variable(symbols, (uint64_t)(uintptr_t)&on_heap, &other), -ENOENT);
    symbols_close(symbols);
    free(on_heap);
}

static void test_debuginfod_is_never_asked(void **state)
{
    (void)state;
    cleanup_free char *maps = NULL;
    setenv("DEBUGINFOD_URLS", "http://192.0.2.1/", 1);
    struct symbols *symbols = open_own();
    struct symbol_stack stack;
    const uint64_t addresses[] = {(uint64_t)getenv, (uint64_t)test_debuginfod_is_never_asked};
    assert_int_equal(symbols_stack(symbols, addresses, 2, true, &stack), 0);
    symbol_stack_free(&stack);
    symbols_close(symbols);
    assert_int_equal(fd_read_file("/proc/self/maps", &maps, NULL), 0);
    assert_null(strstr(maps, "libdebuginfod"));
    assert_string_equal(getenv("DEBUGINFOD_URLS"), "http://192.0.2.1/");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_function),
        cmocka_unit_test(test_weak_function),
        cmocka_unit_test(test_inline_frame),
        cmocka_unit_test(test_libc_function),
        cmocka_unit_test(test_return_address_is_moved_back),
        cmocka_unit_test(test_bogus_addresses),
        cmocka_unit_test(test_vdso),
        cmocka_unit_test(test_maps_of_a_process_that_is_gone),
        cmocka_unit_test(test_odd_maps),
        cmocka_unit_test(test_empty_stack),
        cmocka_unit_test(test_variables_by_address),
        cmocka_unit_test(test_debuginfod_is_never_asked),
    };
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared == MAP_FAILED ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
