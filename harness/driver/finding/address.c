#include "driver/finding/address.h"

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The first pages are never mapped: addresses there are members of a struct at a null pointer. */
#define NULL_END 0x10000
/* Distance of a function's variables from the stack pointer, and of an overrun behind a mapping, at most. */
#define NEAR 0x10000

struct mapping {
    uint64_t start, end;
    char access[5];
    char path[256]; /* "" for memory of no file */
};

/* The line at *text; moves on. False at the end. */
static bool next_mapping(const char **text, struct mapping *mapping)
{
    while (**text) {
        char line[512];
        size_t length = strcspn(*text, "\n");
        int path = 0;
        snprintf(line, sizeof line, "%.*s", (int)length, *text);
        *text += length + ((*text)[length] == '\n');
        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %*s %*s %*s %n", &mapping->start, &mapping->end,
                   mapping->access, &path) != 3)
            continue;
        snprintf(mapping->path, sizeof mapping->path, "%s", path ? line + path : "");
        return true;
    }
    return false;
}

/* Finds the last mapping that contains the address, or ends less than `behind` bytes before it. */
static bool find_mapping(const char *maps, uint64_t address, uint64_t behind, struct mapping *ret_mapping)
{
    struct mapping mapping;
    bool found = false;
    for (const char *at = maps ? maps : ""; next_mapping(&at, &mapping);)
        if (address - mapping.start < mapping.end - mapping.start + behind) {
            *ret_mapping = mapping;
            found = true;
        }
    return found;
}

void address_say_block(const struct violation *block, char *text, size_t size)
{
    char what[128], by[64] = "";
    violation_say_block(block, what, sizeof what);
    bool freed = block->kind == VIOLATION_FREED_READ;
    uint16_t worker = freed ? block->free_worker : block->worker;
    if (worker < BLOCK_SERIAL)
        snprintf(by, sizeof by, ", %s by thread %u", freed ? "which was freed" : "made", worker);
    const char *article_end = what + strcspn(what, " ");
    const char *where = "into";
    uint64_t distance = (uint64_t)block->offset;
    if (block->offset < 0) {
        where = "before the start of";
        distance = 0 - distance;
    } else if (distance >= block->size) {
        where = "past the end of";
        distance -= block->size;
    }
    snprintf(text, size, "%" PRIu64 " byte%s %s %s%s%s", distance, distance == 1 ? "" : "s", where,
             freed ? "a freed" : what, freed ? article_end : "", by);
}

static const char *verb(const struct address_facts *facts)
{
    if (!facts->registers)
        return "an access to";
    if (facts->error & SCENE_ERROR_EXECUTE || facts->registers[SCENE_RIP] == facts->address)
        return "a jump to";
    return facts->error & SCENE_ERROR_WRITE ? "a write to" : "a read from";
}

/* Programs that fill memory with a byte of their own. */
static const char *fill_name(uint64_t value)
{
    static const struct {
        uint64_t mask, value;
        const char *name;
    } fills[] = {
        {UINT64_C(0xffff808080808080), UINT64_C(0xdbdb808080808080),
         "the guard's fill of freed memory and of canaries"},
        {UINT64_MAX, UINT64_C(0xdddddddddddddddd), "Python's fill of freed memory"},
        {UINT64_MAX, UINT64_C(0xcdcdcdcdcdcdcdcd), "Python's fill of new memory"},
        {UINT64_MAX, UINT64_C(0xfdfdfdfdfdfdfdfd), "Python's fill between blocks"},
    };
    for (size_t i = 0; i < sizeof fills / sizeof *fills; i++)
        if ((value & fills[i].mask) == fills[i].value)
            return fills[i].name;
    return NULL;
}

/* Finds the register that holds the refused address, or its base: the processor does not report it. Without one it may
 * have refused an address that is not aligned, or the instruction. */
static void explain_refused(const struct address_facts *facts, char *text, size_t size)
{
    static const char known[] = "most likely an access to an address that no memory can have";
    size_t n = (size_t)snprintf(text, size, "%s", known);
    for (unsigned i = 0; facts->registers && i < SCENE_RIP && n < size; i++) {
        uint64_t value = facts->registers[i], upper = value >> 47; /* all equal in an address */
        const char *fill = fill_name(value);
        if (upper != 0 && upper != 0x1ffff)
            n += (size_t)snprintf(text + n, size - n, "; %s holds %#" PRIx64 "%s%s", scene_register_names[i],
                                  value, fill ? ", " : "", fill ? fill : "");
    }
    if (n == sizeof known - 1)
        snprintf(text, size, "the processor refused the instruction, and reports no address");
}

static bool is_near_stack(const struct address_facts *facts)
{
    uint64_t stack = facts->registers ? facts->registers[SCENE_RSP] : 0;
    return facts->registers && (facts->address - stack < NEAR || stack - facts->address < NEAR);
}

static void say_mapping(const struct mapping *mapping, char *text, size_t size)
{
    if (mapping->path[0])
        snprintf(text, size, "mapping of %s", mapping->path);
    else
        snprintf(text, size, "mapping of %" PRIu64 " KiB without a file",
                 (mapping->end - mapping->start) / 1024);
}

static void explain_mapped(const struct address_facts *facts, const struct mapping *mapping, char *text,
                           size_t size)
{
    char what[320];
    say_mapping(mapping, what, sizeof what);
    if (facts->signal == SIGBUS)
        snprintf(text, size, "%s a page past the end of the file, in a %s", verb(facts), what);
    else if (strncmp(mapping->access, "---", 3) == 0)
        snprintf(text, size, "%s an inaccessible %s", verb(facts), what);
    else if (strncmp(mapping->access, "r-", 2) == 0 && strcmp(verb(facts), "a write to") == 0)
        snprintf(text, size, "a write to a read-only %s", what);
    else
        snprintf(text, size, "%s a %s (%.4s)", verb(facts), what, mapping->access);
}

static void explain_unmapped(const struct address_facts *facts, char *text, size_t size)
{
    struct mapping before;
    char what[320], near[400] = "";
    if (find_mapping(facts->maps, facts->address, NEAR, &before)) {
        say_mapping(&before, what, sizeof what);
        snprintf(near, sizeof near, ", %" PRIu64 " bytes past the end of a %s", facts->address - before.end,
                 what);
    }
    snprintf(text, size, "%s %#" PRIx64 ", which is in no mapping%s", verb(facts), facts->address, near);
}

static void explain_fault(const struct address_facts *facts, char *text, size_t size)
{
    struct mapping mapping;
    char block[256];
    bool mapped = find_mapping(facts->maps, facts->address, 0, &mapping);
    bool usable = mapped && strncmp(mapping.access, "rw", 2) == 0;
    if (facts->code == SI_KERNEL && facts->address == 0) {
        explain_refused(facts, text, size);
    } else if (facts->address == 0) {
        snprintf(text, size, "%s null", verb(facts));
    } else if (facts->address < NULL_END) {
        snprintf(text, size, "%s null + %#" PRIx64, verb(facts), facts->address);
    } else if (facts->block) {
        address_say_block(facts->block, block, sizeof block);
        snprintf(text, size, "%s an address %s", verb(facts), block);
    } else if (!usable && is_near_stack(facts)) {
        snprintf(text, size, "stack overflow: %s %#" PRIx64 ", beyond the thread's stack", verb(facts),
                 facts->address);
    } else if (mapped) {
        explain_mapped(facts, &mapping, text, size);
    } else if (facts->maps) {
        explain_unmapped(facts, text, size);
    }
}

void address_explain(const struct address_facts *facts, char *text, size_t size)
{
    text[0] = '\0';
    if (facts->code <= 0) /* sent by a process */
        return;
    if (facts->signal == SIGSEGV || facts->signal == SIGBUS)
        explain_fault(facts, text, size);
    else if (facts->signal == SIGFPE && facts->code == FPE_INTDIV)
        snprintf(text, size, "an integer was divided by zero, or the result did not fit");
}
