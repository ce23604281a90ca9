/* Describes a violation: its place, the statement that made the block, and the bytes. */
#include "driver/judge/judge_inside.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define TEXT 512

const char *judge_heap_statement(const struct plan *plan, const struct violation *violation)
{
    if (violation->worker == BLOCK_NOBODY)
        return NULL;
    if (plan->nroles > 0 && violation->worker != BLOCK_SERIAL)
        return plan->roles[violation->worker % plan->nroles];
    if (violation->step < plan->nsteps)
        return plan->steps[violation->step];
    return plan->native;
}

static void say_maker(const struct judge *judge, const struct violation *violation, char *text, size_t size)
{
    const char *statement = judge_heap_statement(judge->plan, violation);
    text[0] = '\0';
    if (violation->kind == VIOLATION_FOREIGN_FREE || violation->kind == VIOLATION_STRAY)
        return;
    if (violation->worker == BLOCK_NOBODY)
        snprintf(text, size, ", made outside the statements");
    else if (violation->worker == BLOCK_SERIAL)
        snprintf(text, size, ", made in %s by the serial pass at iteration %u",
                 statement ? statement : "a statement", violation->iteration);
    else
        snprintf(text, size, ", made in %s by thread %u at iteration %u",
                 statement ? statement : "a statement", violation->worker, violation->iteration);
}

/* Finds the generated input with these bytes. */
static bool find_input(const struct plan *plan, const unsigned char *bytes, size_t n, char *text, size_t size)
{
    char error[256];
    for (unsigned i = 0; i < plan->ninputs; i++) {
        struct recipe recipe;
        struct recipe_layout layout;
        if (recipe_parse(plan->inputs[i].recipe, &recipe, error, sizeof error) < 0)
            continue;
        recipe_layout(&recipe, &layout);
        size_t length = layout.base_items * recipe.itemsize;
        unsigned char *base = length >= n && length < (64U << 20) ? malloc(length) : NULL;
        if (!base)
            continue;
        recipe_fill(&recipe, plan->seed, i, base);
        const unsigned char *at = memmem(base, length, bytes, n);
        if (at)
            snprintf(text, size, "what the input %s holds from element %zu on", plan->inputs[i].name,
                     (size_t)(at - base) / recipe.itemsize);
        free(base);
        if (at)
            return true;
    }
    return false;
}

/* Returns true for bytes that identify an input: eight or more, and not all equal. */
static bool is_telling(const unsigned char *bytes, unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        if (bytes[i] != bytes[0])
            return n >= 8;
    return false;
}

static void say_numbers(const struct violation *violation, char *text, size_t size)
{
    snprintf(text, size, "float64");
    for (unsigned i = 0; i + 8 <= violation->nbytes && i < 32; i += 8) {
        double number;
        memcpy(&number, violation->bytes + i, 8);
        text_add(text, size, i ? ", " : " ", "%g", number);
    }
}

static void say_hex(const struct violation *violation, char *text, size_t size)
{
    unsigned n = violation->nbytes < 16 ? violation->nbytes : 16;
    bool printable = n >= 2;
    text[0] = '\0';
    for (unsigned i = 0; i < n; i++) {
        text_add(text, size, " ", "%02x", violation->bytes[i]);
        printable &= isprint(violation->bytes[i]) != 0;
    }
    if (printable)
        text_add(text, size, " ", "('%.*s')", (int)n, (const char *)violation->bytes);
}

/* Describes the bytes that were written. */
static void say_bytes(const struct judge *judge, const struct violation *violation, char *text, size_t size)
{
    bool floats = violation->array.type == 'f' && violation->array.itemsize == 8;
    if (is_telling(violation->bytes, violation->nbytes) &&
        find_input(judge->plan, violation->bytes, 8, text, size))
        return;
    if (floats && violation->nbytes >= 8 && violation->offset % 8 == 0)
        say_numbers(violation, text, size);
    else
        say_hex(violation, text, size);
}

static const char *when(enum violation_found found)
{
    static const char *const ways[FOUND_WAYS] = {
        [FOUND_FREE] = "when it was freed",
        [FOUND_REUSE] = "when its memory was to be used again",
        [FOUND_CALL] = "at its thread's next heap call",
        [FOUND_SCAN] = "by the checker",
        [FOUND_CRASH] = "at the crash",
        [FOUND_TRAP] = "at the instruction",
    };
    return ways[found];
}

char *judge_heap_message(const struct judge *judge, const struct violation *violation)
{
    char what[TEXT], maker[TEXT], bytes[TEXT] = "", freed[64] = "", seen[96] = "";
    violation_say(violation, what, sizeof what);
    say_maker(judge, violation, maker, sizeof maker);
    if (violation->nbytes > 0)
        say_bytes(judge, violation, bytes, sizeof bytes);
    if (violation->nfree > 0 && violation->free_worker < BLOCK_SERIAL)
        snprintf(freed, sizeof freed, "; last freed by thread %u", violation->free_worker);
    if (violation->kind <= VIOLATION_FREED_READ)
        snprintf(seen, sizeof seen, "; seen %s", when(violation->found));
    if (violation->found == FOUND_SCAN)
        snprintf(seen, sizeof seen, "; seen by the checker between rounds %llu and %llu",
                 (unsigned long long)violation->round, (unsigned long long)violation->round + 1);
    const char *holds = violation->kind < VIOLATION_FREED_WRITE ? "; overrun holds " : "; holds now ";
    return judge_format("%s%s%s%s%s%s", what, maker, *bytes ? holds : "", bytes, freed, seen);
}
