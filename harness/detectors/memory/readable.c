/* See readable.h for the contract. */
#include "detectors/memory/readable.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE_BITS 12
#define KNOWN 4096

/* Numbers of pages that can be read. Page 0 never can: 0 is an empty place, and no mask to the kernel. */
static uintptr_t known[KNOWN];

void readable_forget(void)
{
    memset(known, 0, sizeof known);
}

/* The kernel copies the mask before it looks at the impossible operation: EFAULT says that it could not. Unlike a
 * write to a pipe it needs no descriptor, and no sandbox forbids it. */
static bool ask_kernel(uintptr_t page)
{
    return syscall(SYS_rt_sigprocmask, -1, page << PAGE_BITS, NULL, 8) == 0 || errno != EFAULT;
}

static bool page_readable(uintptr_t page)
{
    uintptr_t *place = &known[(page ^ page >> 12) % KNOWN];
    if (*place == page)
        return page != 0;
    if (page == 0 || !ask_kernel(page))
        return false;
    *place = page;
    return true;
}

bool readable(const void *from, size_t size)
{
    uintptr_t first = (uintptr_t)from, last;
    if (size == 0 || __builtin_add_overflow(first, size - 1, &last))
        return size == 0;
    for (uintptr_t page = first >> PAGE_BITS; page <= last >> PAGE_BITS; page++)
        if (!page_readable(page))
            return false;
    return true;
}
