/* The functions of extensions that take and release locks, with a point after each. Part of an executable, never of a
 * sanitizer build: those have their own.
 *
 * Contract. Any thread, before main and after exit. Each does what the function behind it does, then passes a point;
 * the lock just taken is held there. Calls of the program's own files pass none: they may hold a lock of the harness.
 * What CPython inlines, such as PyMutex_Lock of a free mutex, is not seen, nor what libraries call inside of
 * themselves.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "heap/point/point.h"

#define EXPORT __attribute__((visibility("default"), noinline))
#define CALLER ((uintptr_t)__builtin_return_address(0))

/* The linker's: bounds of the program's code. */
/* NOLINTNEXTLINE(bugprone-reserved-identifier,readability-identifier-naming) */
extern const char __executable_start[], etext[];

static inline void pass(uintptr_t caller)
{
    if (caller - (uintptr_t)__executable_start >= (uintptr_t)etext - (uintptr_t)__executable_start)
        point_pass(PERTURB_LOCKS);
}

/* A first call may come before main, or on several threads at once: each finds the same function. */
#define REAL(name)                                                                                           \
    static __typeof__(name) *real;                                                                           \
    if (__builtin_expect(!real, 0))                                                                          \
    *(void **)&real = dlsym(RTLD_NEXT, #name)

/* NOLINTBEGIN(bugprone-*,readability-*):
 * names and types of other libraries */
#define INT_OF_LOCK(name, type)                                                                              \
    EXPORT int name(type *lock)                                                                              \
    {                                                                                                        \
        REAL(name);                                                                                          \
        if (!point_counts(PERTURB_LOCKS))                                                                    \
            return real(lock);                                                                               \
        int result = real(lock);                                                                             \
        pass(CALLER);                                                                                        \
        return result;                                                                                       \
    }

INT_OF_LOCK(pthread_mutex_lock, pthread_mutex_t)
INT_OF_LOCK(pthread_mutex_trylock, pthread_mutex_t)
INT_OF_LOCK(pthread_mutex_unlock, pthread_mutex_t)
INT_OF_LOCK(pthread_rwlock_rdlock, pthread_rwlock_t)
INT_OF_LOCK(pthread_rwlock_wrlock, pthread_rwlock_t)
INT_OF_LOCK(pthread_rwlock_unlock, pthread_rwlock_t)

/* CPython's, declared here: this folder knows no Python. */
#define VOID_OF_LOCK(name)                                                                                   \
    EXPORT void name(void *lock);                                                                            \
    void name(void *lock)                                                                                    \
    {                                                                                                        \
        REAL(name);                                                                                          \
        real(lock);                                                                                          \
        pass(CALLER);                                                                                        \
    }
#define VOID_OF_SECTION(name)                                                                                \
    EXPORT void name(void *section, void *object);                                                           \
    void name(void *section, void *object)                                                                   \
    {                                                                                                        \
        REAL(name);                                                                                          \
        real(section, object);                                                                               \
        pass(CALLER);                                                                                        \
    }

VOID_OF_LOCK(PyMutex_Lock)
VOID_OF_LOCK(PyMutex_Unlock)
VOID_OF_LOCK(PyCriticalSection_End)
VOID_OF_LOCK(PyThread_release_lock)
VOID_OF_SECTION(PyCriticalSection_Begin)

EXPORT int PyThread_acquire_lock(void *lock, int waits);
int PyThread_acquire_lock(void *lock, int waits)
{
    REAL(PyThread_acquire_lock);
    int result = real(lock, waits);
    pass(CALLER);
    return result;
}
/* NOLINTEND(bugprone-*,readability-*) */
