/* See trace_doors.h for the contract. */
#include "detectors/trace/trace_doors.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "detectors/watch/target_files.h"

/* Code that was opened and is to be closed again. */
#define OPENED 8
static _Atomic int opened[OPENED]; /* 1 + number of the code range; 0: free */

static bool protect(unsigned number, int protection)
{
    struct target_range range;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    if (!target_files_code(number, &range))
        return false;
    uintptr_t start = range.start & ~(page - 1), end = (range.end + page - 1) & ~(page - 1);
    return mprotect((void *)start, end - start, protection) == 0; /* NOLINT(performance-no-int-to-ptr) */
}

void trace_doors_shut(void)
{
    struct target_range range;
    for (unsigned i = 0; target_files_code(i, &range); i++)
        protect(i, PROT_READ);
}

void trace_doors_open_all(void)
{
    struct target_range range;
    for (unsigned i = 0; i < OPENED; i++)
        atomic_store(&opened[i], 0);
    for (unsigned i = 0; target_files_code(i, &range); i++)
        protect(i, PROT_READ | PROT_EXEC);
}

static int find(uintptr_t pc)
{
    struct target_range range;
    for (unsigned i = 0; target_files_code(i, &range); i++)
        if (pc - range.start < range.end - range.start)
            return (int)i;
    return -1;
}

/* A file without a place among the opened ones stays open. */
static void remember(int number)
{
    for (unsigned i = 0; i < OPENED; i++) {
        int none = 0;
        if (atomic_compare_exchange_strong(&opened[i], &none, number + 1) || none == number + 1)
            return;
    }
}

bool trace_doors_open(uintptr_t pc)
{
    int number = find(pc);
    if (number < 0 || !protect((unsigned)number, PROT_READ | PROT_EXEC))
        return false;
    remember(number);
    return true;
}

void trace_doors_close(void)
{
    for (unsigned i = 0; i < OPENED; i++) {
        int number = atomic_exchange(&opened[i], 0);
        if (number)
            protect((unsigned)number - 1, PROT_READ);
    }
}
