/* Explanations of faulting addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>

#include "driver/finding/address.h"

static const char maps[] = "400000-401000 r-xp 00000000 08:01 11 /usr/bin/a name\n"
                           "600000-601000 r--p 00001000 08:01 12 /lib/libm.so.6\n"
                           "601000-602000 ---p 00000000 00:00 0 \n"
                           "700000-702000 rw-p 00000000 00:00 0 \n"
                           "7ffff000000-7ffff021000 rw-p 00000000 00:00 0                  [stack]\n";

/* A fault at an address, by default of a write; its stack pointer is in the stack. */
struct fault {
    struct address_facts facts;
    uint64_t registers[SCENE_REGISTERS];
    char text[640];
};

static void begin(struct fault *fault, uint64_t address)
{
    *fault = (struct fault){.facts = {.signal = SIGSEGV,
                                      .code = SEGV_MAPERR,
                                      .address = address,
                                      .error = SCENE_ERROR_WRITE,
                                      .maps = maps}};
    fault->registers[SCENE_RSP] = UINT64_C(0x7ffff020000);
    fault->registers[SCENE_RIP] = 0x400010;
}

static const char *explain(struct fault *fault)
{
    fault->facts.registers = fault->registers;
    address_explain(&fault->facts, fault->text, sizeof fault->text);
    return fault->text;
}

static void places_are_named(void **state)
{
    (void)state;
    static const struct {
        uint64_t address;
        const char *text;
    } rows[] = {
        {0, "a write to null"},
        {0x18, "a write to null + 0x18"},
        {0xffff, "a write to null + 0xffff"},
        {0x600010, "a write to a read-only mapping of /lib/libm.so.6"},
        {0x400020, "a write to a read-only mapping of /usr/bin/a name"},
        {0x601ff8, "a write to an inaccessible mapping of 4 KiB without a file"},
        {0x702008,
         "a write to 0x702008, which is in no mapping, 8 bytes past the end of a mapping of 8 KiB without a file"},
        {0x900000, "a write to 0x900000, which is in no mapping"},
        {0x700010, "a write to a mapping of 8 KiB without a file (rw-p)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct fault fault;
        begin(&fault, rows[i].address);
        assert_string_equal(explain(&fault), rows[i].text);
    }
}

static void the_access_is_named(void **state)
{
    (void)state;
    struct fault fault;
    begin(&fault, 8);
    fault.facts.error = 0;
    assert_string_equal(explain(&fault), "a read from null + 0x8");
    fault.registers[SCENE_RIP] = 8;
    assert_string_equal(explain(&fault), "a jump to null + 0x8");
    fault.facts.address = fault.registers[SCENE_RIP] = 0x700010;
    assert_string_equal(explain(&fault), "a jump to a mapping of 8 KiB without a file (rw-p)");
    address_explain(&(struct address_facts){.signal = SIGSEGV, .code = SEGV_MAPERR, .address = 8}, fault.text,
                    sizeof fault.text);
    assert_string_equal(fault.text, "an access to null + 0x8");
}

static void a_full_stack_is_no_wild_pointer(void **state)
{
    (void)state;
    struct fault fault;
    begin(&fault, UINT64_C(0x7fffeffffc0));
    fault.registers[SCENE_RSP] = UINT64_C(0x7fffeffffe0);
    assert_string_equal(explain(&fault),
                        "stack overflow: a write to 0x7fffeffffc0, beyond the thread's stack");
    fault.registers[SCENE_RSP] = UINT64_C(0x7ffff020000);
    assert_null(strstr(explain(&fault), "overflow"));
}

static void blocks_are_named(void **state)
{
    (void)state;
    static const struct {
        enum violation_kind kind;
        int64_t offset;
        const char *text;
    } rows[] = {
        {VIOLATION_READ_AFTER, 168,
         "a write to an address 8 bytes past the end of a block of 160 bytes, made by thread 1"},
        {VIOLATION_READ_AFTER, 160,
         "a write to an address 0 bytes past the end of a block of 160 bytes, made by thread 1"},
        {VIOLATION_READ_AFTER, -1,
         "a write to an address 1 byte before the start of a block of 160 bytes, made by thread 1"},
        {VIOLATION_READ_AFTER, 16,
         "a write to an address 16 bytes into a block of 160 bytes, made by thread 1"},
        {VIOLATION_FREED_READ, 16,
         "a write to an address 16 bytes into a freed block of 160 bytes, which was freed by thread 2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct violation block = {
            .kind = rows[i].kind, .size = 160, .offset = rows[i].offset, .worker = 1, .free_worker = 2};
        struct fault fault;
        begin(&fault, 0x700010);
        fault.facts.block = &block;
        assert_string_equal(explain(&fault), rows[i].text);
    }
}

static void a_refused_address_is_looked_for_in_the_registers(void **state)
{
    (void)state;
    struct fault fault;
    begin(&fault, 0);
    fault.facts.code = SI_KERNEL;
    fault.registers[SCENE_RAX] = UINT64_C(0xdbdba5b4ffc2a1f4);
    fault.registers[SCENE_RDI] = UINT64_C(0xdddddddddddddddd);
    fault.registers[SCENE_RSI] = UINT64_C(0xcdcdcdcdcdcdcdcd);
    fault.registers[SCENE_RDX] = UINT64_C(0xfdfdfdfdfdfdfdfd);
    fault.registers[SCENE_R8] = UINT64_C(0xffffffff81000000); /* the kernel's are addresses */
    assert_string_equal(
        explain(&fault),
        "most likely an access to an address that no memory can have; rax holds 0xdbdba5b4ffc2a1f4, the guard's "
        "fill of freed memory and of canaries; rdx holds 0xfdfdfdfdfdfdfdfd, Python's fill between blocks; rsi holds "
        "0xcdcdcdcdcdcdcdcd, Python's fill of new memory; rdi holds 0xdddddddddddddddd, Python's fill of freed "
        "memory");
    begin(&fault, 0);
    fault.facts.code = SI_KERNEL;
    assert_string_equal(explain(&fault), "the processor refused the instruction, and reports no address");
}

static void other_signals_have_no_address(void **state)
{
    (void)state;
    struct fault fault;
    begin(&fault, 0x1234);
    fault.facts.code = SI_TKILL;
    assert_string_equal(explain(&fault), "");
    fault.facts.signal = SIGFPE;
    fault.facts.code = FPE_INTDIV;
    assert_string_equal(explain(&fault), "an integer was divided by zero, or the result did not fit");
    begin(&fault, 0x600010);
    fault.facts.signal = SIGBUS;
    fault.facts.code = BUS_ADRERR;
    assert_string_equal(explain(&fault),
                        "a write to a page past the end of the file, in a mapping of /lib/libm.so.6");
}

/* A child that is corrupt may have sent anything. */
static void lines_without_a_map_are_skipped(void **state)
{
    (void)state;
    struct fault fault;
    begin(&fault, 0x600010);
    fault.facts.maps = "\n\nzzz\n600000-\n600000-601000\n600000-601000 r--p 0 0 0 /x";
    assert_string_equal(explain(&fault), "a write to a read-only mapping of /x");
    fault.facts.maps = NULL;
    assert_string_equal(explain(&fault), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_named),
        cmocka_unit_test(the_access_is_named),
        cmocka_unit_test(a_full_stack_is_no_wild_pointer),
        cmocka_unit_test(blocks_are_named),
        cmocka_unit_test(a_refused_address_is_looked_for_in_the_registers),
        cmocka_unit_test(other_signals_have_no_address),
        cmocka_unit_test(lines_without_a_map_are_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
