/* See signals.h for the contract. */
#include "child/crash/signals.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/exempt.h"
#include "core/wire/scene.h"

#define NUMBERS 65
#define BIT(number) (UINT64_C(1) << ((number)-1))

typedef void signal_handler(int number, siginfo_t *info, void *ucontext);

/* The harness's handlers. Written before any other thread starts. */
static struct sigaction own[NUMBERS];

/* The requests of the target, for the signals in `own`. */
static struct {
    _Atomic(signal_handler *) handler; /* NULL: SIG_DFL */
    _Atomic int flags;
    _Atomic uint64_t mask;
} wanted[NUMBERS];

static __thread stack_t own_stack __attribute__((tls_model("initial-exec")));
static __thread stack_t wanted_stack __attribute__((tls_model("initial-exec")));

static bool is_own(int number)
{
    return number > 0 && number < NUMBERS && own[number].sa_sigaction;
}

static void store(int number, const struct sigaction *action)
{
    atomic_store(&wanted[number].flags, action->sa_flags);
    atomic_store(&wanted[number].mask, *(const uint64_t *)&action->sa_mask);
    atomic_store(&wanted[number].handler, action->sa_sigaction);
}

/* Signals that must not be blocked: the kernel would end the process at a fault, and a thread would not write its
 * page. */
static uint64_t never_blocked(void)
{
    return BIT(SIGSEGV) | BIT(SIGBUS) | BIT(SIGILL) | BIT(SIGFPE) | BIT(SIGTRAP) | BIT(SIGSYS) |
           BIT(SCENE_SIGNAL);
}

#ifdef EXEMPT_SANITIZED
#define kernel_sigaction sigaction
#else
/* NOLINTBEGIN(bugprone-reserved-identifier,readability-inconsistent-declaration-parameter-name): names of glibc */
#define EXPORTED __attribute__((visibility("default")))
#define kernel_sigaction __sigaction
int __sigaction(int number, const struct sigaction *action, struct sigaction *old);

static void load(int number, struct sigaction *action)
{
    *action = (struct sigaction){.sa_sigaction = atomic_load(&wanted[number].handler),
                                 .sa_flags = atomic_load(&wanted[number].flags)};
    *(uint64_t *)&action->sa_mask = atomic_load(&wanted[number].mask);
}

/* A handler of the target may fault on memory that a detector watches. */
EXPORTED int sigaction(int number, const struct sigaction *action, struct sigaction *old)
{
    struct sigaction now = action ? *action : (struct sigaction){0}, before;
    if (!is_own(number)) {
        *(uint64_t *)&now.sa_mask &= ~never_blocked();
        return __sigaction(number, action ? &now : NULL, old);
    }
    load(number, &before);
    if (action)
        store(number, &now);
    if (old)
        *old = before;
    return 0;
}

EXPORTED sighandler_t signal(int number, sighandler_t handler)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, old;
    if (!is_own(number) || handler == SIG_ERR)
        return ssignal(number, handler);
    sigaction(number, &action, &old);
    return old.sa_handler;
}

static int change_mask(int how, const sigset_t *set, sigset_t *old)
{
    uint64_t bits = set ? *(const uint64_t *)set & ~(how == SIG_UNBLOCK ? 0 : never_blocked()) : 0;
    /* The two signals below SIGRTMIN are glibc's. */
    bits &= ~(BIT(SIGRTMIN - 1) | BIT(SIGRTMIN - 2));
    return (int)syscall(SYS_rt_sigprocmask, how, set ? &bits : NULL, old, sizeof bits);
}

EXPORTED int sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
    return change_mask(how, set, old);
}

EXPORTED int pthread_sigmask(int how, const sigset_t *set, sigset_t *old)
{
    int saved = errno, error = change_mask(how, set, old) < 0 ? errno : 0;
    errno = saved;
    return error;
}

EXPORTED int sigaltstack(const stack_t *stack, stack_t *old)
{
    stack_t before = wanted_stack;
    if (!own_stack.ss_sp)
        return (int)syscall(SYS_sigaltstack, stack, old);
    if (stack && !(stack->ss_flags & SS_DISABLE) && stack->ss_size < (size_t)MINSIGSTKSZ) {
        errno = ENOMEM;
        return -1;
    }
    if (stack)
        wanted_stack = *stack;
    if (old)
        *old = before;
    return 0;
}
/* NOLINTEND(bugprone-reserved-identifier,readability-inconsistent-declaration-parameter-name) */
#endif

int signals_install(int number, const struct sigaction *action)
{
    if (kernel_sigaction(number, action, NULL) < 0)
        return -errno;
    own[number] = *action;
    return 0;
}

void signals_set_default(int number)
{
    kernel_sigaction(number, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
}

/* The call has three arguments: a handler without SA_SIGINFO takes the first one only. */
bool signals_pass(int number, siginfo_t *info, void *ucontext)
{
    signal_handler *function = atomic_load(&wanted[number].handler);
    if (function && atomic_load(&wanted[number].flags) & SA_RESETHAND)
        atomic_store(&wanted[number].handler, NULL);
    const struct sigaction action = {.sa_sigaction = function};
    if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)
        return action.sa_handler == SIG_IGN && info->si_code <= 0;
    function(number, info, ucontext);
    return true;
}

int signals_set_stack(void *stack, size_t size)
{
    own_stack = (stack_t){.ss_sp = stack, .ss_size = size, .ss_flags = stack ? 0 : SS_DISABLE};
    wanted_stack = (stack_t){.ss_flags = SS_DISABLE};
    return syscall(SYS_sigaltstack, &own_stack, NULL) < 0 ? -errno : 0;
}

bool signals_on_stack(const void *address)
{
    return (uintptr_t)address - (uintptr_t)own_stack.ss_sp < own_stack.ss_size;
}

int signals_restore(void)
{
    int found = 0;
    for (int number = 1; number < NUMBERS; number++) {
        struct sigaction now;
        if (!is_own(number) || kernel_sigaction(number, NULL, &now) < 0 ||
            now.sa_sigaction == own[number].sa_sigaction)
            continue;
        store(number, &now);
        kernel_sigaction(number, &own[number], NULL);
        found = found && number != SIGSEGV ? found : number;
    }
    return found;
}

bool signals_restore_thread(void)
{
    stack_t stack;
    uint64_t mask = 0, never = never_blocked();
    syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &never, &mask, sizeof mask);
    bool moved =
        own_stack.ss_sp && syscall(SYS_sigaltstack, NULL, &stack) == 0 && stack.ss_sp != own_stack.ss_sp;
    if (moved)
        syscall(SYS_sigaltstack, &own_stack, NULL);
    return moved || mask & never;
}
