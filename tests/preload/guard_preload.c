/* The guard for any program, by LD_PRELOAD: for benchmarks and for the matrix of planted bugs. Says violations,
 * and at the end what the checker did, on standard error.
 * FTSTRESS_GUARD="checker=0,whole=1,sample=100,focus=*,pages=512" tunes it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/fd.h"
#include "core/wire/violation.h"
#include "heap/guard/checker.h"
#include "heap/interpose/interpose.h"
#include "heap/memory/pages.h"
#include "heap/site/site.h"
#include "heap/site/trace.h"

static void say(const struct violation *violation)
{
    static const char *const ways[FOUND_WAYS] = {"free", "reuse", "heap-call", "scan", "crash", "trap"};
    char sentence[256], line[400];
    violation_say(violation, sentence, sizeof sentence);
    int n = snprintf(line, sizeof line, "ftstress-guard: %s (seen at: %s, made at %#llx, pid %d)\n", sentence,
                     ways[violation->found], (unsigned long long)violation->alloc_site, (int)getpid());
    fd_write_all(STDERR_FILENO, line, (size_t)n);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    const ucontext_t *at = context;
    uint64_t frames[VIOLATION_FRAMES];
    unsigned n = trace_here(frames, VIOLATION_FRAMES);
    if (guard_on_fault((uintptr_t)info->si_addr, at->uc_mcontext.gregs[REG_ERR] & 2, frames, n))
        return;
    guard_scan_at_crash();
    signal(number, SIG_DFL);
}

static long setting(const char *name, long standard)
{
    const char *all = getenv("FTSTRESS_GUARD"), *at = all ? strstr(all, name) : NULL;
    return at ? strtol(at + strlen(name), NULL, 10) : standard;
}

__attribute__((constructor)) static void start(void)
{
    struct guard_settings settings = {.report = say,
                                      .checker = setting("checker=", 1),
                                      .whole = setting("whole=", 0),
                                      .interval = (uint64_t)setting("interval=", 0),
                                      .quarantine = (size_t)setting("quarantine=", 0)};
    struct sigaction fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    unsetenv("LD_PRELOAD");
    const char *all = getenv("FTSTRESS_GUARD");
    if (interpose_start(&settings) < 0) {
        fputs("ftstress-guard: no address space\n", stderr);
        return;
    }
    pages_set_limit((unsigned)setting("pages=", 256));
    if (setting("sample=", 10000) > 0)
        site_start_sampling((uint32_t)setting("sample=", 10000));
    if (all && strstr(all, "focus="))
        site_add_focus(&(struct site_focus){.module = "*"});
    sigaction(SIGSEGV, &fault, NULL);
}

__attribute__((destructor)) static void finish(void)
{
    struct checker_totals totals;
    char line[200];
    checker_stop();
    checker_sum(&totals);
    int n = snprintf(line, sizeof line, "ftstress-guard: rounds=%llu walked=%llu walk_ns=%llu blocks=%llu\n",
                     (unsigned long long)totals.rounds, (unsigned long long)totals.blocks,
                     (unsigned long long)totals.nanoseconds, (unsigned long long)totals.present);
    fd_write_all(STDERR_FILENO, line, (size_t)n);
}
