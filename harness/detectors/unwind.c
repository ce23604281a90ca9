/* Called from signal handlers: nothing here but libunwind's local, async-signal-safe half. */
#include "detectors/unwind.h"

#define UNW_LOCAL_ONLY
#include <libunwind.h>

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

size_t unwind_context(void *ucontext, uint64_t *addresses, size_t max)
{
    unw_cursor_t cursor;
    if (unw_init_local2(&cursor, ucontext, UNW_INIT_SIGNAL_FRAME) < 0)
        return 0;
    return walk(&cursor, addresses, max);
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
