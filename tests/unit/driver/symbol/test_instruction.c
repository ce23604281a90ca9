/* Instructions of this program's own file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "driver/symbol/instruction.h"

static const char *self = "/proc/self/exe";

/* Functions of one instruction with an operand in memory, and a return. */
#define ONE(name, code)                                                                                      \
    void name(void);                                                                                         \
    __asm__(".text\n.globl " #name "\n.type " #name ", @function\n" #name ":\n.intel_syntax noprefix\n" code \
            "\n.att_syntax prefix\nret\n")
ONE(stores, "mov qword ptr [rdi+0x10], rax");
ONE(adds, "add dword ptr [rax], 1");
ONE(adds_locked, "lock add dword ptr [rax+rcx*4+8], 1");
ONE(exchanges, "xchg byte ptr [rbx], al");
ONE(loads, "movups xmm0, xmmword ptr [rsi]");
ONE(computes, "lea rax, [rdi+rdi*2]");
ONE(calls, "call qword ptr [rax+0x18]");

static int find_bias(struct dl_phdr_info *file, size_t size, void *bias)
{
    (void)size;
    *(uint64_t *)bias = file->dlpi_addr;
    return 1; /* the program is the first */
}

static uint64_t offset_of(void (*function)(void))
{
    uint64_t bias = 0;
    dl_iterate_phdr(find_bias, &bias);
    return (uint64_t)(uintptr_t)function - bias;
}

static void assert_described(void (*function)(void), const char *expected)
{
    struct instruction instruction, same;
    char text[160];
    assert_int_equal(instruction_read(self, offset_of(function), &instruction), 0);
    assert_string_equal(instruction_describe(&instruction, text, sizeof text), expected);
    uint64_t behind = instruction.offset + instruction.length;
    assert_int_equal(instruction_read_before(self, instruction.offset, behind, &same), 0);
    assert_memory_equal(&same, &instruction, sizeof same);
}

static void test_descriptions(void **state)
{
    (void)state;
    assert_described(stores, "plain 8-byte write `mov [rdi+0x10], rax`");
    assert_described(adds, "plain 4-byte read and write `add dword ptr [rax], 0x1`");
    assert_described(adds_locked, "locked 4-byte read and write `lock add dword ptr [rax+rcx*4+0x8], 0x1`");
    assert_described(exchanges, "locked 1-byte read and write `xchg [rbx], al`");
    assert_described(loads, "plain 16-byte read `movups xmm0, [rsi]`");
    assert_described(computes, "`lea rax, [rdi+rdi*2]`");
    assert_described(calls, "plain 8-byte read `call [rax+0x18]`");
}

static void test_second_instruction(void **state)
{
    (void)state;
    struct instruction first, second;
    assert_int_equal(instruction_read(self, offset_of(adds), &first), 0);
    assert_int_equal(instruction_read_before(self, first.offset, first.offset + first.length + 1, &second),
                     0);
    assert_string_equal(second.text, "ret");
    assert_int_equal(second.size, 0);
    assert_int_equal(instruction_read_before(self, first.offset, first.offset + 1, &second), -EILSEQ);
}

static void test_no_code(void **state)
{
    (void)state;
    struct instruction instruction;
    assert_int_equal(instruction_read("/nonexistent", 0, &instruction), -ENOENT);
    assert_int_equal(instruction_read(self, UINT64_MAX - 8, &instruction), -ENOENT);
    assert_int_equal(instruction_read("/etc/passwd", 0, &instruction), -ENOENT);
    assert_int_equal(instruction_read_before(self, 64, 64, &instruction), -EILSEQ);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptions),
        cmocka_unit_test(test_second_instruction),
        cmocka_unit_test(test_no_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
