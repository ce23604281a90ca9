/* A test of the guard in a process of its own, because a guard starts only once: the body runs in a forked child, and
 * the exit status is the result. Violations that the guard reports are kept. */
#pragma once

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap/guard/checker.h"
#include "heap/guard/guard.h"
#include "heap/memory/region.h"

#if defined __SANITIZE_THREAD__
#define GUARDED_THREAD_SANITIZER 1
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
#define GUARDED_THREAD_SANITIZER 1
#endif
#endif
#if defined __SANITIZE_ADDRESS__
#define GUARDED_ADDRESS_SANITIZER 1
#elif defined __has_feature
#if __has_feature(address_sanitizer)
#define GUARDED_ADDRESS_SANITIZER 1
#endif
#endif
#if defined GUARDED_THREAD_SANITIZER || defined GUARDED_ADDRESS_SANITIZER
#define GUARDED_SANITIZER 1
#else
#define GUARDED_SANITIZER 0
#endif

#define GUARDED_REPORTS 64
#define GUARDED_SECONDS 100
#define GUARDED_SKIP 77

/* Return addresses of no function. */
#define SITE_MADE UINT64_C(0x1100)
#define SITE_FREED UINT64_C(0x2200)

#define MUST(condition) ((condition) ? (void)0 : guarded_fail(__FILE__, __LINE__, #condition))
#define MUST_EQUAL(is, should) guarded_equal(__FILE__, __LINE__, #is, (int64_t)(is), (int64_t)(should))

static struct violation reports[GUARDED_REPORTS];
static _Atomic unsigned nreports;

static inline void guarded_print(unsigned i)
{
    char sentence[256];
    const struct violation *violation = &reports[i];
    violation_say(violation, sentence, sizeof sentence);
    fprintf(stderr, "  reported: %s (found %d, size %zu, offset %lld, length %zu, made at %#llx)\n", sentence,
            (int)violation->found, violation->size, (long long)violation->offset, violation->length,
            (unsigned long long)violation->alloc_site);
}

_Noreturn static inline void guarded_end(int status)
{
    checker_stop();
    fflush(NULL);
    exit(status);
}

_Noreturn static inline void guarded_fail(const char *file, int line, const char *text)
{
    fprintf(stderr, "%s:%d: %s does not hold\n", file, line, text);
    for (unsigned i = 0; i < nreports && i < 8; i++)
        guarded_print(i);
    fflush(NULL);
    _exit(1);
}

static inline void guarded_equal(const char *file, int line, const char *text, int64_t is, int64_t should)
{
    if (is == should)
        return;
    fprintf(stderr, "%s is %lld (%#llx), not %lld (%#llx)\n", text, (long long)is, (unsigned long long)is,
            (long long)should, (unsigned long long)should);
    guarded_fail(file, line, text);
}

_Noreturn static inline void guarded_skip(const char *reason)
{
    fprintf(stderr, "skipped: %s\n", reason);
    guarded_end(GUARDED_SKIP);
}

/* The report function of the tests. */
static inline void guarded_keep(const struct violation *violation)
{
    unsigned at = atomic_fetch_add(&nreports, 1);
    if (at < GUARDED_REPORTS)
        reports[at] = *violation;
}

static inline void guarded_start(struct guard_settings settings)
{
    settings.report = guarded_keep;
    MUST_EQUAL(guard_start(&settings), 0);
    MUST(guard_is_on());
}

struct guarded_case {
    void (*body)(void);
};

/* A row of cmocka's table. */
/* clang-format off */
#define GUARDED_TEST(body) {#body, guarded_run, NULL, NULL, &(struct guarded_case){body}}
/* clang-format on */

static inline void guarded_run(void **state)
{
    const struct guarded_case *test = *state;
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(GUARDED_SECONDS);
        test->body();
        guarded_end(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == GUARDED_SKIP)
        skip();
    if (status != 0)
        fail_msg("the child ended with %s %d", WIFSIGNALED(status) ? "signal" : "status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

/* Short names for what all tests do. */

static inline char *make_at(size_t size, uint64_t site)
{
    return guard_allocate(size, 16, BLOCK_MALLOC, false, site);
}

static inline char *make(size_t size)
{
    char *made = make_at(size, SITE_MADE);
    MUST(made);
    return made;
}

static inline void drop(void *at)
{
    guard_release(at, BLOCK_MALLOC, SITE_FREED);
}

/* Writes where a block must not be written. */
static inline void scribble(char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((volatile char *)at)[i] = 'A';
}

static inline const struct violation *reported_once(enum violation_kind kind, enum violation_found found)
{
    MUST_EQUAL(nreports, 1);
    MUST_EQUAL(reports[0].kind, kind);
    MUST_EQUAL(reports[0].found, found);
    return &reports[0];
}

/* The damaged bytes, and the block that they are charged to. */
static inline void must_blame(const struct violation *violation, const char *block, size_t size,
                              int64_t offset, size_t length)
{
    MUST_EQUAL(violation->address, (uintptr_t)block);
    MUST_EQUAL(violation->size, size);
    MUST_EQUAL(violation->offset, offset);
    MUST_EQUAL(violation->length, length);
}
