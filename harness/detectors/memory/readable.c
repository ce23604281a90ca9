/* See readable.h for the contract. */
#include "detectors/memory/readable.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE_BITS 12
#define KNOWN 4096

/* Numbers of readable pages; 0: an empty entry. Page 0 is never readable, and would be no mask to the kernel. */
static uintptr_t known[KNOWN];

void readable_forget(void)
{
    memset(known, 0, sizeof known);
}

/* The kernel reads the mask before it rejects the operation: it returns EFAULT if the page is not readable. This needs
 * no descriptor, unlike a write to a pipe, and no sandbox forbids it. */
static bool page_readable(uintptr_t page)
{
    uintptr_t *place = &known[(page ^ page >> 12) % KNOWN];
    if (*place == page)
        return page != 0;
    if (page == 0 || (syscall(SYS_rt_sigprocmask, -1, page << PAGE_BITS, NULL, 8) != 0 && errno == EFAULT))
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
