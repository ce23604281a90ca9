/* Crashes that the faulting address explains. Each function faults at once, on any thread, in another way.
 *
 * hush blocks every signal and never returns, so that its thread cannot record its stack when another thread crashes.
 * It runs detached. */
#include "planted.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096

struct node {
    long before[3];
    long member; /* at 0x18 */
};

/* Volatile, so that the compiler does not know the addresses. */
static struct node *volatile nowhere;
static void (*volatile no_function)(void);
static const long constant[PAGE / sizeof(long)] = {1};

static PyObject *null_member(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    return PyLong_FromLong(nowhere->member);
}

static PyObject *null_call(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    no_function();
    Py_RETURN_NONE;
}

static PyObject *read_only(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    volatile long *volatile at = (volatile long *)constant;
    *at = 2;
    Py_RETURN_NONE;
}

/* Reads the page behind a mapped one. */
static PyObject *unmapped(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    char *at = mmap(NULL, (size_t)2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(at + PAGE, PAGE);
    ((volatile char *)at)[PAGE + 8] = 1;
    Py_RETURN_NONE;
}

static __attribute__((noinline)) long descend(volatile long *above)
{
    volatile long here[64];
    here[0] = *above + 1;
    return *above < 0 ? 0 : descend(here) + here[0];
}

static PyObject *overflow(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    volatile long top = 0;
    return PyLong_FromLong(descend(&top));
}

/* Reads a pointer from a freed block, and follows it. */
static PyObject *freed(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    struct node **volatile block = malloc(8 * sizeof *block);
    block[2] = (struct node *)constant;
    free((void *)block);
    return PyLong_FromLong(block[2]->member);
}

/* Crashes with a corrupt list of frames of the interpreter. */
static PyObject *lost_frames(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    PyThreadState_Get()->current_frame = (struct _PyInterpreterFrame *)(uintptr_t)0x41414140;
    return PyLong_FromLong(nowhere->member);
}

/* Blocks all signals past the C library: the harness replaces its function. */
static PyObject *hush(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    uint64_t all = ~UINT64_C(0);
    Py_BEGIN_ALLOW_THREADS;
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, sizeof all);
    for (;;)
        pause();
    Py_END_ALLOW_THREADS;
    Py_RETURN_NONE;
}

PLANTED_MODULE(crash_kinds, {"null_member", null_member, METH_NOARGS, NULL},
               {"null_call", null_call, METH_NOARGS, NULL}, {"read_only", read_only, METH_NOARGS, NULL},
               {"unmapped", unmapped, METH_NOARGS, NULL}, {"overflow", overflow, METH_NOARGS, NULL},
               {"freed", freed, METH_NOARGS, NULL}, {"lost_frames", lost_frames, METH_NOARGS, NULL},
               {"hush", hush, METH_NOARGS, NULL})
