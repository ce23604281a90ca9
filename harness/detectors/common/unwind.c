/* Called from signal handlers: uses only the local, async-signal-safe part of libunwind. */
#include "detectors/common/unwind.h"

#define UNW_LOCAL_ONLY
#include <libunwind.h>
#include <ucontext.h>

static size_t walk(unw_cursor_t *cursor, uint64_t *addresses, size_t max)
{
    size_t n = 0;
    do {
        unw_word_t ip;
        if (n == max || unw_get_reg(cursor, UNW_REG_IP, &ip) < 0 || ip == 0)
            break;
        addresses[n++] = ip;
    } while (unw_step(cursor) > 0);
    return n;
}

/* A call through a null pointer has no frame: the caller's return address is on top of the stack. */
static void leave_null_function(ucontext_t *context)
{
#ifdef __x86_64__
    greg_t *registers = context->uc_mcontext.gregs;
    if ((uint64_t)registers[REG_RIP] >= 4096)
        return;
    registers[REG_RIP] = *(const greg_t *)registers[REG_RSP];
    registers[REG_RSP] += 8;
#else
    (void)context;
#endif
}

size_t unwind_context(void *ucontext, uint64_t *addresses, size_t max)
{
    unw_cursor_t cursor;
    ucontext_t copy = *(ucontext_t *)ucontext;
    leave_null_function(&copy);
    ucontext = &copy;
    if (unw_init_local2(&cursor, ucontext, UNW_INIT_SIGNAL_FRAME) < 0)
        return 0;
    return walk(&cursor, addresses, max);
}

uintptr_t unwind_function(uintptr_t pc)
{
    unw_proc_info_t info;
    return unw_get_proc_info_by_ip(unw_local_addr_space, pc, &info, NULL) == 0 ? info.start_ip : 0;
}

void unwind_prepare(void)
{
    uint64_t addresses[8];
    unw_context_t context;
    unw_cursor_t cursor;
    unw_set_caching_policy(unw_local_addr_space, UNW_CACHE_PER_THREAD);
    if (unw_getcontext(&context) == 0 && unw_init_local(&cursor, &context) == 0)
        walk(&cursor, addresses, 8);
}
