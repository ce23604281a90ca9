/* Updates of shared memory that are lost, with no other effect: no result depends on them. The twins update under
 * locks, by atomic operations, or store what does not depend on what they read. */
#include "planted.h"

#include <pthread.h>

static long added, loaded, crowded;
static struct {
    long key, value, counts[2], own[16];
} * held;

/* One instruction that reads and writes, and is not atomic. */
static PyObject *bug_add(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    __asm__ volatile("addq $1, %0" : "+m"(added));
    Py_RETURN_NONE;
}

static PyObject *bug_load(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    long value = *(volatile long *)&loaded;
    value = value & 1 ? value * 3 + 1 : value + 5;
    *(volatile long *)&loaded = value & 0xffffff;
    Py_RETURN_NONE;
}

/* The memory is of the heap. */
static PyObject *bug_heap(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    held->value = *(volatile long *)&held->value + held->key;
    Py_RETURN_NONE;
}

/* The first two threads have a word each; further ones share them. */
static PyObject *bug_index(PyObject *Py_UNUSED(module), PyObject *thread)
{
    volatile long *count = &held->counts[PyLong_AsLong(thread) & 1];
    long value = *count;
    *count = value * 3 + 1;
    Py_RETURN_NONE;
}

/* Ends the process where another thread is inside, before the calls of both return. Few calls go inside: threads
 * seldom meet there without a stall. */
static PyObject *bug_crowded(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    static __thread unsigned calls;
    if (calls++ % 256)
        Py_RETURN_NONE;
    planted_enter();
    long value = *(volatile long *)&crowded;
    *(volatile long *)&crowded = value * 3 + 1;
    if (planted_crowded())
        abort();
    planted_leave();
    Py_RETURN_NONE;
}

/* A list gets a new head. */
struct node {
    struct node *next;
    long number;
};
static struct node *listed, *linked;

static PyObject *bug_push(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    struct node *node = PyMem_RawMalloc(sizeof *node);
    node->number = 1;
    node->next = *(struct node *volatile *)&listed;
    *(struct node *volatile *)&listed = node;
    Py_RETURN_NONE;
}

/* The same, with the link made behind the new head. */
static PyObject *bug_link(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    struct node *node = PyMem_RawMalloc(sizeof *node);
    struct node *old = *(struct node *volatile *)&linked;
    *(struct node *volatile *)&linked = node;
    *(struct node *volatile *)&node->next = old;
    Py_RETURN_NONE;
}

/* Two threads release the same object, and one object is never released. */
static PyObject *bug_exchange(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    static PyObject *volatile kept;
    PyObject *next = PyTuple_Pack(1, Py_None), *old = kept;
    kept = next;
    Py_XDECREF(old);
    Py_RETURN_NONE;
}

/* Both store the same value. */
static PyObject *bug_clear(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    static PyObject *volatile cleared;
    if (!cleared)
        cleared = PyTuple_Pack(1, Py_None);
    PyObject *old = cleared;
    cleared = NULL;
    Py_XDECREF(old);
    Py_RETURN_NONE;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint next_ticket, now_serving;
static atomic_long counted, swapped, hint, greatest;
static long guarded, served;
static _Atomic(long *) made;

static void update_under_lock(void)
{
    pthread_mutex_lock(&lock);
    guarded++;
    pthread_mutex_unlock(&lock);
}

/* The release is an addition that only the holder makes, so that it needs not be atomic. */
static void update_under_tickets(void)
{
    unsigned ticket = atomic_fetch_add(&next_ticket, 1);
    for (unsigned spins = 0; atomic_load_explicit(&now_serving, memory_order_acquire) != ticket; spins++)
        if (spins > 1000)
            sched_yield();
    served++;
    __asm__ volatile("addl $1, %0" : "+m"(now_serving) : : "memory");
}

static void update_by_swap(void)
{
    long old = atomic_load_explicit(&swapped, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&swapped, &old, old + 3))
        ;
}

/* A hint: what is stored does not come from what was there. */
static void remember(long x)
{
    if (atomic_load_explicit(&hint, memory_order_relaxed) != x)
        atomic_store_explicit(&hint, x, memory_order_relaxed);
}

/* A word for each thread, beside those of others. */
static void count_own(void)
{
    static atomic_uint threads;
    static __thread unsigned thread;
    thread = thread ? thread : atomic_fetch_add(&threads, 1) + 1;
    held->own[thread % 16]++;
}

/* A finger into a ring that does not change: the node that it leaves is the next one of the node that it moves to. */
static void move_finger(long x)
{
    static struct node ring[4] = {{&ring[3], 0}, {&ring[0], 1}, {&ring[1], 2}, {&ring[2], 3}};
    static _Atomic(struct node *) finger;
    struct node *at = atomic_load_explicit(&finger, memory_order_relaxed);
    if (at != &ring[x & 3])
        atomic_store_explicit(&finger, &ring[x & 3], memory_order_relaxed);
}

/* A head that only a compare-and-swap changes. */
static void push_by_swap(void)
{
    static _Atomic(struct node *) head;
    struct node *node = PyMem_RawMalloc(sizeof *node);
    node->next = atomic_load_explicit(&head, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&head, &node->next, node))
        ;
}

static void push_under_lock(void)
{
    static struct node *head;
    struct node *node = PyMem_RawMalloc(sizeof *node);
    pthread_mutex_lock(&lock);
    node->next = head;
    head = node;
    pthread_mutex_unlock(&lock);
}

static void exchange_under_lock(void)
{
    static PyObject *kept;
    PyObject *next = PyTuple_Pack(1, Py_None);
    pthread_mutex_lock(&lock);
    PyObject *old = kept;
    kept = next;
    pthread_mutex_unlock(&lock);
    Py_XDECREF(old);
}

static void exchange_in_one_instruction(void)
{
    static _Atomic(PyObject *) kept;
    PyObject *old = atomic_exchange(&kept, PyTuple_Pack(1, Py_None));
    Py_XDECREF(old);
}

/* References to immortal objects are not counted. */
static void exchange_immortals(long x)
{
    static _Atomic(PyObject *) kept;
    PyObject *old = atomic_load_explicit(&kept, memory_order_relaxed);
    atomic_store_explicit(&kept, x & 1 ? Py_True : Py_False, memory_order_relaxed);
    Py_XDECREF(old);
}

static bool make_once(void)
{
    long *there = atomic_load_explicit(&made, memory_order_acquire);
    if (there)
        return *there == 7;
    pthread_mutex_lock(&lock);
    there = atomic_load_explicit(&made, memory_order_relaxed);
    if (!there) {
        static long storage;
        storage = 7;
        there = &storage;
        atomic_store_explicit(&made, there, memory_order_release);
    }
    pthread_mutex_unlock(&lock);
    return *there == 7;
}

static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *argument)
{
    long x = PyLong_AsLong(argument);
    update_under_lock();
    update_under_tickets();
    update_by_swap();
    atomic_fetch_add_explicit(&counted, 1, memory_order_relaxed);
    if (atomic_load_explicit(&greatest, memory_order_relaxed) < 5)
        atomic_store_explicit(&greatest, 5, memory_order_relaxed);
    remember(x);
    count_own();
    move_finger(x);
    push_by_swap();
    push_under_lock();
    exchange_under_lock();
    exchange_in_one_instruction();
    exchange_immortals(x);
    return PyBool_FromLong(make_once());
}

static PyObject *open_held(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(none))
{
    if (!held)
        held = PyMem_RawCalloc(1, sizeof *held);
    held->key = 1;
    Py_RETURN_NONE;
}

PLANTED_MODULE(watch_update, {"bug_add", bug_add, METH_NOARGS, NULL},
               {"bug_load", bug_load, METH_NOARGS, NULL}, {"bug_heap", bug_heap, METH_NOARGS, NULL},
               {"bug_index", bug_index, METH_O, NULL}, {"bug_crowded", bug_crowded, METH_NOARGS, NULL},
               {"bug_push", bug_push, METH_NOARGS, NULL}, {"bug_link", bug_link, METH_NOARGS, NULL},
               {"bug_exchange", bug_exchange, METH_NOARGS, NULL}, {"bug_clear", bug_clear, METH_NOARGS, NULL},
               {"open_held", open_held, METH_NOARGS, NULL}, {"twin", twin, METH_O, NULL})
