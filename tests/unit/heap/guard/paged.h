/* What the tests of blocks between inaccessible pages share: the handler of their faults. Included after cmocka.h. */
#pragma once

#include <ucontext.h>

#include "guarded.h"
#include "heap/memory/pages.h"
#include "heap/site/site.h"
#include "heap/site/trace.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define DEFAULTS ((struct guard_settings){0})
#define STACK_MAX 8

static uint64_t as_instruction; /* instead of the real one, which is the same for every poke */
static unsigned faults;
static sigjmp_buf escape;
static bool may_escape;

/* Handles faults at the guard's pages; any other fault is a crash of the test, or its expected end. */
static inline void on_fault(int number, siginfo_t *info, void *context)
{
    const ucontext_t *at = context;
    uint64_t frames[STACK_MAX];
    unsigned n = 1 + trace_here(frames + 1, STACK_MAX - 1);
    frames[0] = as_instruction ? as_instruction : (uint64_t)at->uc_mcontext.gregs[REG_RIP];
    faults++;
    if (guard_on_fault((uintptr_t)info->si_addr, at->uc_mcontext.gregs[REG_ERR] & 2, frames, n))
        return;
    if (may_escape)
        siglongjmp(escape, 1);
    signal(number, SIG_DFL);
}

static inline void handle_faults(void)
{
    const struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    MUST_EQUAL(sigaction(SIGSEGV, &action, NULL), 0);
}

/* Every block lies between pages, at most `limit` of them. */
static inline void start(unsigned limit)
{
    guarded_start(DEFAULTS);
    handle_faults();
    pages_set_limit(limit);
    MUST_EQUAL(site_add_focus(&(struct site_focus){.module = "*"}), 0);
    MUST(site_has_focus());
}

static inline const struct span *span_of(const char *at)
{
    return region_find(at);
}

static inline bool is_paged(const char *at)
{
    return span_of(at)->kind == SPAN_PAGES;
}
