/* See domain_point.h. Any thread; each function does what the allocator before does (`context`), then passes a
 * point. */
#include "detectors/memory/domain_point.h"

#include <Python.h>

#include "heap/guard/guard.h"
#include "heap/point/point.h"

static void *pass(void *made)
{
    point_pass(PERTURB_ALLOC);
    return made;
}

static void *point_malloc(void *context, size_t size)
{
    const PyMemAllocatorEx *before = context;
    return pass(before->malloc(before->ctx, size));
}

static void *point_calloc(void *context, size_t n, size_t size)
{
    const PyMemAllocatorEx *before = context;
    return pass(before->calloc(before->ctx, n, size));
}

static void *point_realloc(void *context, void *at, size_t size)
{
    const PyMemAllocatorEx *before = context;
    return pass(before->realloc(before->ctx, at, size));
}

static void point_free(void *context, void *at)
{
    const PyMemAllocatorEx *before = context;
    before->free(before->ctx, at);
    point_pass(PERTURB_ALLOC);
}

static void take(PyMemAllocatorDomain domain, PyMemAllocatorEx *before)
{
    PyMem_GetAllocator(domain, before);
    PyMem_SetAllocator(domain,
                       &(PyMemAllocatorEx){before, point_malloc, point_calloc, point_realloc, point_free});
}

/* The guard's blocks of PyMem_Malloc have points already. */
void domain_point_take(uint32_t perturb)
{
    static PyMemAllocatorEx memory, object;
    if (!(perturb & (PERTURB_ALLOC | PERTURB_PCT)))
        return;
    if (!guard_is_on())
        take(PYMEM_DOMAIN_MEM, &memory);
    take(PYMEM_DOMAIN_OBJ, &object);
}
