/* See tsan.h for the contract. The canary is a race by intent: its threads are joined before anything else begins. */
#include "child/run/tsan.h"

#include <pthread.h>
#include <stdint.h>
#include <stddef.h>

#include "core/wire/landmarks.h"

/* NOLINTBEGIN(bugprone-reserved-identifier, readability-identifier-naming): the runtime's names */

/* NULL in a child that is not linked with the runtime. */
__attribute__((weak)) void __sanitizer_set_report_fd(void *fd);

__attribute__((visibility("default"), used)) const char *__tsan_default_options(void);

/* TSAN_OPTIONS overrides these. All races are reported, not only the first of each address; a race does not change
 * how the process ends; allocations that are too large fail, as without ThreadSanitizer; our handlers get crashes.
 * Stacks are addresses: the driver symbolises them. */
const char *__tsan_default_options(void)
{
    return "halt_on_error=0:exitcode=0:atexit_sleep_ms=0:history_size=7:suppress_equal_addresses=0:detect_deadlocks=0:"
           "report_thread_leaks=0:report_signal_unsafe=0:allocator_may_return_null=1:symbolize=0:"
           "stack_trace_format=\"    #%n %p\"";
}

/* NOLINTEND(bugprone-reserved-identifier, readability-identifier-naming) */

/* Two accesses in the same instant may both miss each other, hence many words. */
static volatile int canary[32];
#define CANARIES (sizeof canary / sizeof *canary)

static void *canary_write(void *unused)
{
    pthread_setname_np(pthread_self(), CANARY_THREAD);
    for (size_t i = 0; i < CANARIES; i++)
        canary[i] = 1;
    return unused;
}

static void *canary_read(void *unused)
{
    pthread_setname_np(pthread_self(), CANARY_THREAD);
    for (size_t i = 0; i < CANARIES; i++)
        (void)canary[i];
    return unused;
}

void tsan_canary(int fd)
{
    pthread_t writer, reader;
    if (fd >= 0 && __sanitizer_set_report_fd)
        __sanitizer_set_report_fd((void *)(intptr_t)fd);
    if (pthread_create(&writer, NULL, canary_write, NULL) != 0)
        return;
    if (pthread_create(&reader, NULL, canary_read, NULL) == 0)
        pthread_join(reader, NULL);
    pthread_join(writer, NULL);
}
