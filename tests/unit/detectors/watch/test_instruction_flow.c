/* How a store depends on a load: the first instruction of a function loads, and a label names the store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "detectors/common/release.h"
#include "detectors/watch/instruction.h"

/* The word is at [rdi]; `code` ends with its store, behind the label, and `rest` comes after that. */
#define FLOW(name, code, store, rest)                                                                        \
    extern const char name[], name##_store[];                                                                \
    __asm__(".text\n.globl " #name "\n" #name ":\n.intel_syntax noprefix\n" code "\n" #name "_store: " store \
            "\n" rest "\nret\n.att_syntax prefix\n")
#define LOAD "mov rax, [rdi]\n"
#define HEAD "mov [rdi], rsi"

FLOW(adds, LOAD "add rax, 1", "mov [rdi], rax", "");
FLOW(stores_another, LOAD "test rax, rax", HEAD, "");
FLOW(links, LOAD "mov [rsi], rax", HEAD, "");
FLOW(links_a_copy, LOAD "mov [rsi+8], rax\nmov rcx, rsi", "mov [rdi], rcx", "");
FLOW(links_through_a_slot, LOAD "mov [rsi+8], rax\nmov [rsp-8], rsi\nmov rcx, [rsp-8]", "mov [rdi], rcx", "");
FLOW(links_late, LOAD, HEAD, "xor edx, edx\nmov [rsi], rax");
FLOW(links_another, LOAD "mov [rdx], rax", HEAD, "");
FLOW(links_before_it_changes, LOAD "mov [rsi], rax\nlea rsi, [rip]", HEAD, "");
FLOW(links_on_one_way, LOAD "test rax, rax\nje 1f\nmov [rsi], rax\n1:", HEAD, "");
FLOW(links_on_both_ways, LOAD "test rdx, rdx\nje 1f\nmov [rsi], rax\njmp 2f\n1: mov [rsi+8], rax\n2:", HEAD,
     "");
FLOW(links_too_late, LOAD, HEAD, "test rdx, rdx\nje 1f\nmov [rsi], rax\n1:");
FLOW(links_what_it_loads_late, LOAD, HEAD, "mov rax, rdx\nmov [rsi], rax");
FLOW(links_another_late, LOAD, HEAD, "mov rsi, rdx\nmov [rsi], rax");
FLOW(fills_on_the_stack, LOAD "mov [rsp-8], rax", "mov [rdi], rsp", "");
FLOW(loads_through_the_link, LOAD "mov [rsi], rax\nmov rcx, [rsi+8]", "mov [rdi], rcx", "");

FLOW(releases, LOAD, HEAD, "mov rdi, rax\ncall free@PLT");
FLOW(releases_at_its_end, LOAD, HEAD, "mov rdi, rax\njmp free@PLT");
FLOW(releases_if_any, LOAD, HEAD, "test rax, rax\nje 1f\nmov rdi, rax\ncall free@PLT\n1:");
FLOW(releases_behind_its_end, LOAD, HEAD, "test rax, rax\njne 1f\nret\n1: mov rdi, rax\ncall free@PLT");
FLOW(releases_another, LOAD, HEAD, "mov rdi, rdx\ncall free@PLT");
FLOW(releases_what_it_points_to, LOAD, HEAD, "mov rdi, [rax]\ncall free@PLT");
FLOW(releases_in_place_of_the_store, LOAD "test rax, rax\nje 1f", HEAD,
     "ret\n1: mov rdi, rax\ncall free@PLT");
FLOW(passes_it_on, LOAD, HEAD, "mov rdi, rax\ncall labs@PLT");

#define ASSERT_FLOW(name, expected)                                                                          \
    assert_int_equal(instruction_flows((uintptr_t)(name), (uintptr_t)name##_store), expected)

static void test_values(void **state)
{
    (void)state;
    ASSERT_FLOW(adds, FLOW_VALUE);
    ASSERT_FLOW(stores_another, FLOW_NONE);
}

static void test_links(void **state)
{
    (void)state;
    ASSERT_FLOW(links, FLOW_LINK);
    ASSERT_FLOW(links_a_copy, FLOW_LINK);
    ASSERT_FLOW(links_through_a_slot, FLOW_LINK);
    ASSERT_FLOW(links_late, FLOW_LINK);
    ASSERT_FLOW(links_on_both_ways, FLOW_LINK);
}

static void test_no_links(void **state)
{
    (void)state;
    ASSERT_FLOW(links_another, FLOW_NONE);
    ASSERT_FLOW(links_before_it_changes, FLOW_NONE);
    ASSERT_FLOW(links_on_one_way, FLOW_NONE);
    ASSERT_FLOW(links_too_late, FLOW_NONE);
    ASSERT_FLOW(links_what_it_loads_late, FLOW_NONE);
    ASSERT_FLOW(links_another_late, FLOW_NONE);
    ASSERT_FLOW(fills_on_the_stack, FLOW_NONE);
    ASSERT_FLOW(loads_through_the_link, FLOW_NONE);
}

static void test_releases(void **state)
{
    (void)state;
    ASSERT_FLOW(releases, FLOW_RELEASE);
    ASSERT_FLOW(releases_at_its_end, FLOW_RELEASE);
    ASSERT_FLOW(releases_if_any, FLOW_RELEASE);
    ASSERT_FLOW(releases_behind_its_end, FLOW_RELEASE);
    ASSERT_FLOW(releases_another, FLOW_NONE);
    ASSERT_FLOW(releases_what_it_points_to, FLOW_NONE);
    ASSERT_FLOW(releases_in_place_of_the_store, FLOW_NONE);
    ASSERT_FLOW(passes_it_on, FLOW_NONE);
}

int main(void)
{
    free(strdup("the linkage table has the address of free after its first call"));
    release_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_links),
        cmocka_unit_test(test_no_links),
        cmocka_unit_test(test_releases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
