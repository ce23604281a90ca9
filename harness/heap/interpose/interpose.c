/* malloc and its family, and C++'s operators, for the whole process: the guard's when it is on, else the C library's.
 * Part of an executable or of a preloaded library, never of a sanitizer build: those have their own.
 *
 * Contract. Any thread, before main and after exit. Until interpose_start or interpose_leave_native is called, the C
 * library's blocks are recorded, so that a later free of one is no foreign free; after that they are not, and without
 * the guard each function is the C library's behind one test. The guard makes no heap call with its own locks held.
 */
#include "heap/interpose/interpose.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "heap/guard/checker.h"
#include "heap/guard/guard.h"
#include "heap/guard/violation_report.h"
#include "heap/interpose/native.h"
#include "heap/memory/lock.h"
#include "heap/point/point.h"

#define EXPORT __attribute__((visibility("default"), noinline))
#define CALLER ((uint64_t)(uintptr_t)__builtin_return_address(0))

static enum { EARLY, NATIVE, GUARDED } mode;

static void *record_early(void *made)
{
    if (mode == EARLY)
        native_add(made);
    return made;
}

/* The block, after a point: no lock of the heap is held. */
static inline void *pass(void *made, uint64_t caller)
{
    point_pass_heap(caller);
    return made;
}

static bool is_guarded(void)
{
    return __builtin_expect(mode == GUARDED, 1);
}

/* Nothing is done beside the C library's function. */
static inline bool is_alone(void)
{
    return mode == NATIVE && !point_counts(PERTURB_ALLOC);
}

static bool is_power_of_two(size_t n)
{
    return n && !(n & (n - 1));
}

/* Frees a block that the C library made before the guard started, or reports a foreign free. */
static __attribute__((noinline)) void release_other(void *at, uint64_t caller)
{
    if (native_remove(at) || !native_is_complete())
        __libc_free(at);
    else
        violation_report_foreign(at, caller);
}

static void release(void *at, enum block_kind kind, uint64_t caller)
{
    if (mode == GUARDED && at) {
        if (__builtin_expect(guard_owns(at), 1))
            guard_release(at, kind, caller);
        else
            release_other(at, caller);
        return;
    }
    if (mode == EARLY && at)
        native_remove(at);
    __libc_free(at);
}

static void *aligned(size_t align, size_t size, enum block_kind kind, uint64_t caller)
{
    if (is_guarded())
        return pass(guard_allocate(size, align, kind, false, caller), caller);
    return pass(record_early(__libc_memalign(align, size)), caller);
}

static size_t native_size(void *at)
{
    static size_t (*usable)(void *);
    if (!usable)
        *(void **)&usable = dlsym(RTLD_NEXT, "malloc_usable_size");
    return usable ? usable(at) : 0;
}

/* Moves a block of the C library into the guard. */
static void *move_native(void *at, size_t size, uint64_t caller)
{
    size_t old = native_size(at);
    void *moved = guard_allocate(size, 16, BLOCK_MALLOC, false, caller);
    if (!moved)
        return NULL;
    memcpy(moved, at, old < size ? old : size);
    release_other(at, caller);
    return moved;
}

static void *reallocate(void *at, size_t size, uint64_t caller)
{
    if (!is_guarded() && !guard_owns(at)) {
        if (mode == EARLY)
            native_remove(at);
        return record_early(__libc_realloc(at, size));
    }
    if (!at)
        return guard_allocate(size, 16, BLOCK_MALLOC, false, caller);
    if (size == 0) {
        release(at, BLOCK_MALLOC, caller);
        return NULL;
    }
    return guard_owns(at) ? guard_reallocate(at, size, BLOCK_MALLOC, caller) : move_native(at, size, caller);
}

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): glibc's headers name them otherwise */
EXPORT void *malloc(size_t size)
{
    if (is_alone())
        return __libc_malloc(size);
    if (is_guarded())
        return pass(guard_allocate(size, 16, BLOCK_MALLOC, false, CALLER), CALLER);
    return pass(record_early(__libc_malloc(size)), CALLER);
}

EXPORT void *calloc(size_t n, size_t size)
{
    size_t bytes;
    if (is_alone())
        return __libc_calloc(n, size);
    if (!is_guarded())
        return pass(record_early(__libc_calloc(n, size)), CALLER);
    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return pass(guard_allocate(bytes, 16, BLOCK_MALLOC, true, CALLER), CALLER);
}

EXPORT void *realloc(void *at, size_t size)
{
    return pass(reallocate(at, size, CALLER), CALLER);
}

EXPORT void *reallocarray(void *at, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return pass(reallocate(at, bytes, CALLER), CALLER);
}

EXPORT void free(void *at)
{
    if (is_alone()) {
        __libc_free(at);
        return;
    }
    release(at, BLOCK_MALLOC, CALLER);
    point_pass_heap(CALLER);
}

EXPORT void *memalign(size_t align, size_t size)
{
    return aligned(is_power_of_two(align) ? align : 16, size, BLOCK_MALLOC, CALLER);
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
    if (!is_power_of_two(align)) {
        errno = EINVAL;
        return NULL;
    }
    return aligned(align, size, BLOCK_MALLOC, CALLER);
}

EXPORT int posix_memalign(void **ret_at, size_t align, size_t size)
{
    if (!is_power_of_two(align) || align < sizeof(void *))
        return EINVAL;
    int saved = errno;
    void *at = aligned(align, size, BLOCK_MALLOC, CALLER);
    errno = saved;
    if (!at)
        return ENOMEM;
    *ret_at = at;
    return 0;
}

EXPORT void *valloc(size_t size)
{
    return aligned((size_t)sysconf(_SC_PAGESIZE), size, BLOCK_MALLOC, CALLER);
}

EXPORT void *pvalloc(size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return aligned(page, (size + page - 1) / page * page, BLOCK_MALLOC, CALLER);
}

EXPORT size_t malloc_usable_size(void *at)
{
    if (!at)
        return 0;
    return guard_owns(at) ? guard_size(at) : native_size(at);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

/* C++ operators, by their mangled names: x86-64 Linux. */

/* Only the C++ library can throw bad_alloc, and it calls the new-handler first. */
static void *out_of_memory(const char *symbol, size_t size)
{
    void *library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
    void *(*real)(size_t);
    *(void **)&real = library ? dlsym(library, symbol) : NULL;
    if (real && (uintptr_t)real != (uintptr_t)dlsym(RTLD_DEFAULT, symbol))
        return real(size); /* cppcheck-suppress resourceLeak ; the process has it open anyhow */
    abort();
}

#define OPERATOR(mangled) __asm__(mangled)

static void *operator_make(size_t size, size_t align, enum block_kind kind, const char *symbol,
                           uint64_t caller)
{
    void *made = is_guarded() ? guard_allocate(size, align, kind, false, caller)
                              : record_early(align > 16 ? __libc_memalign(align, size) : __libc_malloc(size));
    return made || !symbol ? pass(made, caller) : out_of_memory(symbol, size);
}

/* Further arguments of the operators, such as a tag or a size, come in registers and are not needed. */
#define OPERATOR_NEW(name, mangled, kind, symbol)                                                            \
    EXPORT void *name(size_t size) OPERATOR(mangled);                                                        \
    void *name(size_t size)                                                                                  \
    {                                                                                                        \
        return operator_make(size, 16, kind, symbol, CALLER);                                                \
    }
#define OPERATOR_NEW_ALIGNED(name, mangled, kind, symbol)                                                    \
    EXPORT void *name(size_t size, size_t align) OPERATOR(mangled);                                          \
    void *name(size_t size, size_t align)                                                                    \
    {                                                                                                        \
        return operator_make(size, align, kind, symbol, CALLER);                                             \
    }
#define OPERATOR_DELETE(name, mangled, kind)                                                                 \
    EXPORT void name(void *at) OPERATOR(mangled);                                                            \
    void name(void *at)                                                                                      \
    {                                                                                                        \
        release(at, kind, CALLER);                                                                           \
        point_pass_heap(CALLER);                                                                             \
    }

OPERATOR_NEW(operator_new, "_Znwm", BLOCK_NEW, "_Znwm")
OPERATOR_NEW(operator_new_array, "_Znam", BLOCK_NEW_ARRAY, "_Znam")
OPERATOR_NEW(operator_new_nothrow, "_ZnwmRKSt9nothrow_t", BLOCK_NEW, NULL)
OPERATOR_NEW(operator_new_array_nothrow, "_ZnamRKSt9nothrow_t", BLOCK_NEW_ARRAY, NULL)
OPERATOR_NEW_ALIGNED(operator_new_aligned, "_ZnwmSt11align_val_t", BLOCK_NEW, "_Znwm")
OPERATOR_NEW_ALIGNED(operator_new_array_aligned, "_ZnamSt11align_val_t", BLOCK_NEW_ARRAY, "_Znam")
OPERATOR_DELETE(operator_delete, "_ZdlPv", BLOCK_NEW)
OPERATOR_DELETE(operator_delete_array, "_ZdaPv", BLOCK_NEW_ARRAY)
OPERATOR_DELETE(operator_delete_sized, "_ZdlPvm", BLOCK_NEW)
OPERATOR_DELETE(operator_delete_array_sized, "_ZdaPvm", BLOCK_NEW_ARRAY)
OPERATOR_DELETE(operator_delete_nothrow, "_ZdlPvRKSt9nothrow_t", BLOCK_NEW)
OPERATOR_DELETE(operator_delete_array_nothrow, "_ZdaPvRKSt9nothrow_t", BLOCK_NEW_ARRAY)
OPERATOR_DELETE(operator_delete_aligned, "_ZdlPvSt11align_val_t", BLOCK_NEW)
OPERATOR_DELETE(operator_delete_array_aligned, "_ZdaPvSt11align_val_t", BLOCK_NEW_ARRAY)
OPERATOR_DELETE(operator_delete_sized_aligned, "_ZdlPvmSt11align_val_t", BLOCK_NEW)
OPERATOR_DELETE(operator_delete_array_sized_aligned, "_ZdaPvmSt11align_val_t", BLOCK_NEW_ARRAY)

static void after_fork_in_child(void)
{
    heap_unlock_all();
    checker_forget();
}

int interpose_start(const struct guard_settings *settings)
{
    int result = guard_start(settings);
    if (result)
        return result;
    mode = GUARDED;
    return -pthread_atfork(heap_lock_all, heap_unlock_all, after_fork_in_child);
}

void interpose_leave_native(void)
{
    mode = NATIVE;
}
