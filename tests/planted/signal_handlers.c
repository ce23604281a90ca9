/* Handlers of fatal signals, as crash reporters and runtimes install them: at import, and by each call. The functions
 * below `Healthy` recover from faults of their own, and are no bugs. */
#include "planted.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096
#define SMALL_STACK 8192

int __sigaction(int number, const struct sigaction *action, struct sigaction *old);

static const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT};

/* Volatile, so that the compiler cannot know the address and put a trap in place of the write. */
static long *volatile nowhere;

static _Thread_local sigjmp_buf back;
static _Thread_local bool may_jump;
static _Thread_local char *page;
static _Thread_local char small_stack[SMALL_STACK];

static void install(void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}

static void come_back(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info, (void)context;
}

static void raise_again(int number, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    signal(number, SIG_DFL);
    raise(number);
}

static void leave_process(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info, (void)context;
    _exit(70);
}

__attribute__((constructor)) static void at_import(void)
{
    install(come_back, 0);
}

/* Also takes the signal stack and blocks all signals. */
static PyObject *take(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    stack_t stack = {.ss_sp = small_stack, .ss_size = sizeof small_stack};
    sigset_t all;
    sigfillset(&all);
    sigaltstack(&stack, NULL);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    install(come_back, SA_ONSTACK);
    Py_RETURN_NONE;
}

static PyObject *take_past_libc(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    struct sigaction action = {.sa_sigaction = come_back, .sa_flags = SA_SIGINFO};
    __sigaction(SIGSEGV, &action, NULL);
    Py_RETURN_NONE;
}

static PyObject *take_to_raise(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    install(raise_again, 0);
    Py_RETURN_NONE;
}

static PyObject *take_to_leave(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    install(leave_process, 0);
    Py_RETURN_NONE;
}

/* Healthy */

static void mend(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    char *at = info->si_addr;
    if (page && at >= page && at < page + PAGE)
        mprotect(page, PAGE, PROT_READ | PROT_WRITE);
    else if (may_jump)
        siglongjmp(back, 1);
}

static PyObject *jump_out(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    install(mend, SA_ONSTACK);
    may_jump = true;
    if (sigsetjmp(back, 1) == 0)
        *nowhere = 1;
    may_jump = false;
    Py_RETURN_NONE;
}

static PyObject *open_page(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))
{
    install(mend, 0);
    if (!page)
        page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *(volatile char *)page = 1;
    mprotect(page, PAGE, PROT_NONE);
    Py_RETURN_NONE;
}

PLANTED_MODULE(signal_handlers, {"take", take, METH_NOARGS, NULL},
               {"take_past_libc", take_past_libc, METH_NOARGS, NULL},
               {"take_to_raise", take_to_raise, METH_NOARGS, NULL},
               {"take_to_leave", take_to_leave, METH_NOARGS, NULL}, {"jump_out", jump_out, METH_NOARGS, NULL},
               {"open_page", open_page, METH_NOARGS, NULL})
