/* See guard.h. The report function runs on any thread, in a heap call, on the checker's thread or in a signal handler:
 * it formats and writes one record, and allocates nothing. */
#include "heap/guard/guard.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan/guard_option.h"
#include "core/wire/violation.h"
#include "detectors/common/array_api.h"
#include "detectors/common/detector.h"
#include "detectors/memory/guard.h"
#include "heap/guard/checker.h"
#include "heap/interpose/interpose.h"
#include "heap/memory/pages.h"
#include "heap/point/point.h"
#include "heap/site/site.h"

/* Most blocks between pages when a plan has a focus. */
#define PAGES_IN_FOCUS 2048

static int the_wire = -1;
static struct guard_option option;
static bool has_arrays;
static const char *the_focus;
static bool reports; /* the detector is on; else only the counting needs the guard */
static _Atomic uint64_t reported;

static void send_violation(const struct violation *violation)
{
    struct record record;
    if (!reports)
        return;
    violation_to_record(violation, &record);
    record_send(&record, the_wire);
    atomic_fetch_add_explicit(&reported, 1, memory_order_relaxed);
}

bool guard_has_found(void)
{
    return atomic_load_explicit(&reported, memory_order_relaxed) > 0;
}

bool guard_finds(void)
{
    if (reports && guard_is_on())
        checker_scan(FOUND_SCAN);
    return guard_has_found();
}

/* Applies "arrays", "*", or file+0xoffset, separated by commas. "*" waits for the statements, because the blocks of
 * imports would use up all pages; the others start at once. */
static void apply_focus(const char *text, bool at_statements)
{
    char *copy = text ? strdup(text) : NULL, *rest = copy, *word;
    while (rest && (word = strsep(&rest, ","))) {
        struct site_focus focus = {.offset = 0};
        const char *plus = strrchr(word, '+');
        if ((strcmp(word, "*") == 0) != at_statements)
            continue;
        snprintf(focus.module, sizeof focus.module, "%.*s",
                 (int)(plus ? plus - word : (ptrdiff_t)strlen(word)), word);
        focus.offset = plus ? strtoull(plus + 1, NULL, 0) : 0;
        site_add_focus(&focus);
    }
    free(copy);
}

int guard_begin(const struct plan *plan, int wire)
{
    char error[256];
    guard_option_parse(plan->guard, &option, error, sizeof error);
    const struct guard_settings settings = {.report = send_violation,
                                            .whole = option.whole,
                                            .stacks = option.stacks,
                                            .quarantine = option.quarantine,
                                            .checker = true,
                                            .interval = option.interval * 1000};
    if (!(plan->detect & (DETECTOR_BIT(DETECTOR_GUARD) | DETECTOR_COUNTERS))) {
        interpose_leave_native();
        return 0;
    }
    the_wire = wire;
    reports = plan->detect & DETECTOR_BIT(DETECTOR_GUARD);
    pages_set_limit(plan->focus ? PAGES_IN_FOCUS : (unsigned)option.pages);
    int result = interpose_start(&settings);
    the_focus = plan->focus;
    if (!result)
        apply_focus(the_focus, false);
    /* The runtime of a sanitizer replaces malloc: then the other detectors run without the guard. */
    return result == -ENOTSUP && plan->detect & ~DETECTOR_BIT(DETECTOR_GUARD) ? 0 : result;
}

void guard_start_sampling(void)
{
    if (!guard_is_on() || site_is_sampling())
        return;
    apply_focus(the_focus, true);
    site_start_sampling((uint32_t)option.every);
}

#define CALLER ((uint64_t)(uintptr_t)__builtin_return_address(0))

static void *reallocate(void *at, size_t size, enum block_kind kind, uint64_t caller)
{
    if (at && guard_owns(at))
        return guard_reallocate(at, size ? size : 1, kind, caller);
    return at ? realloc(at, size ? size : 1) : guard_allocate(size ? size : 1, 16, kind, false, caller);
}

/* The raw domain, the one of PyMem_Malloc, and the data of arrays (`context` NULL). Objects stay in mimalloc's heaps,
 * where the collector finds them; but a buffer that is released as an object goes back to its own allocator.
 * `context` is the allocator before. */
static enum block_kind kind_of(const void *context)
{
    return context ? BLOCK_RAW : BLOCK_ARRAY;
}

static void *domain_malloc(void *context, size_t size)
{
    void *made = guard_allocate(size ? size : 1, 16, kind_of(context), false, CALLER);
    point_pass(PERTURB_ALLOC);
    return made;
}

static void *domain_calloc(void *context, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        return NULL;
    void *made = guard_allocate(bytes ? bytes : 1, 16, kind_of(context), true, CALLER);
    point_pass(PERTURB_ALLOC);
    return made;
}

static void *domain_realloc(void *context, void *at, size_t size)
{
    const PyMemAllocatorEx *other = context;
    if (!other || !at || guard_owns(at))
        return reallocate(at, size, kind_of(context), CALLER);
    return other->realloc(other->ctx, at, size);
}

static void domain_free(void *context, void *at)
{
    const PyMemAllocatorEx *other = context;
    if (at && guard_owns(at))
        guard_release(at, BLOCK_RAW, CALLER);
    else
        other->free(other->ctx, at);
}

static void *object_malloc(void *context, size_t size)
{
    const PyMemAllocatorEx *other = context;
    return other->malloc(other->ctx, size);
}

static void *object_calloc(void *context, size_t n, size_t size)
{
    const PyMemAllocatorEx *other = context;
    return other->calloc(other->ctx, n, size);
}

static void *object_realloc(void *context, void *at, size_t size)
{
    const PyMemAllocatorEx *other = context;
    return at && guard_owns(at) ? reallocate(at, size, BLOCK_RAW, CALLER)
                                : other->realloc(other->ctx, at, size);
}

void guard_take_domain(PyMemAllocatorDomain domain, PyMemAllocatorEx *before)
{
    PyMemAllocatorEx ours = {before, domain_malloc, domain_calloc, domain_realloc, domain_free};
    if (domain == PYMEM_DOMAIN_OBJ)
        ours = (PyMemAllocatorEx){before, object_malloc, object_calloc, object_realloc, domain_free};
    PyMem_GetAllocator(domain, before);
    PyMem_SetAllocator(domain, &ours);
}

void guard_take_domains(void)
{
    static const PyMemAllocatorDomain domains[] = {PYMEM_DOMAIN_RAW, PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_OBJ};
    static PyMemAllocatorEx before[3];
    for (unsigned i = 0; guard_is_on() && i < 3; i++)
        guard_take_domain(domains[i], &before[i]);
}

static void array_free(void *context, void *at, size_t size)
{
    (void)context;
    (void)size;
    if (at && guard_owns(at))
        guard_release(at, BLOCK_ARRAY, CALLER);
    else
        free(at);
    point_pass(PERTURB_ALLOC);
}

static PyDataMem_Handler handler = {
    "ftstress_guard", 1, {NULL, domain_malloc, domain_calloc, domain_realloc, array_free}};

void guard_take_arrays(void)
{
    if (!guard_is_on() || !PyArray_API)
        return;
    PyObject *capsule = PyCapsule_New(&handler, "mem_handler", NULL);
    PyObject *before = capsule ? PyDataMem_SetHandler(capsule) : NULL;
    has_arrays = has_arrays || before;
    if (!before)
        PyErr_Clear();
    Py_XDECREF(before);
    Py_XDECREF(capsule);
}

/* Records the type and shape of an array in its block, in four bytes. */
static void tag(PyObject *object)
{
    PyArrayObject *array = (PyArrayObject *)object;
    PyArray_Descr *descr = PyArray_DESCR(array);
    npy_intp rows = PyArray_NDIM(array) == 2 ? PyArray_DIM(array, 0) : 0;
    npy_intp itemsize = PyDataType_ELSIZE(descr);
    if (!PyArray_CHKFLAGS(array, NPY_ARRAY_OWNDATA) || itemsize <= 0 || itemsize > UINT8_MAX)
        return;
    guard_tag(PyArray_DATA(array),
              (struct block_array){descr->kind, (uint8_t)itemsize, (uint8_t)PyArray_NDIM(array),
                                   (uint8_t)(rows <= UINT8_MAX ? rows : 0)});
}

static int start(void)
{
    return guard_is_on() ? 0 : -ENOTSUP;
}

static void after_call(struct detector_call *call, PyObject *result, PyObject *raised)
{
    (void)call;
    (void)raised;
    if (has_arrays && result && PyArray_CheckExact(result))
        tag(result);
}

void guard_count(int64_t *values)
{
    struct checker_totals totals;
    if (!guard_is_on())
        return;
    checker_sum(&totals);
    values[FINISHED_ROUNDS] = (int64_t)totals.rounds;
    values[FINISHED_BLOCKS] = (int64_t)totals.present;
    values[FINISHED_WALKED] = (int64_t)totals.blocks;
    values[FINISHED_WALK_TIME] = (int64_t)totals.nanoseconds;
}

/* Checks all blocks once more: the checker has seen none since its last round. */
static void finish(struct detector_call *call)
{
    (void)call;
    checker_scan(FOUND_SCAN);
}

const struct detector guard_detector = {
    .id = DETECTOR_GUARD,
    .turn = 50,
    .start = start,
    .after_call = after_call,
    .finish = finish,
};
