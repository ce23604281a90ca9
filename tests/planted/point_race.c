/* Races that hardly show without a delay at one point: a call of half a millisecond that leaves a shared word alone for
 * a few nanoseconds only, around an allocation, an object, or between two holds of a lock; and two calls with nothing
 * in between. Each returns whether the word was its own until the end of the window.
 *
 * Any Python thread may call the functions, attached. `owner` is written by all threads; the twins have one each. */
#include "planted.h"

#include <pthread.h>
#include <stdlib.h>

static atomic_long owner, tickets;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;

static void work(void)
{
    for (int i = 0; i < 500; i++)
        planted_spin();
}

static PyObject *around_malloc(atomic_long *at)
{
    long mine = atomic_fetch_add(&tickets, 1);
    work();
    atomic_store_explicit(at, mine, memory_order_relaxed);
    void *volatile block = malloc(40);
    bool same = atomic_load_explicit(at, memory_order_relaxed) == mine;
    free(block);
    return PyBool_FromLong(same);
}

static PyObject *around_object(atomic_long *at)
{
    long mine = atomic_fetch_add(&tickets, 1);
    work();
    atomic_store_explicit(at, mine, memory_order_relaxed);
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, 200);
    bool same = atomic_load_explicit(at, memory_order_relaxed) == mine;
    Py_XDECREF(bytes);
    return PyBool_FromLong(same);
}

/* Is the word its own from one hold of the lock to the next? */
#define BETWEEN(name, take, release)                                                                         \
    static PyObject *name(atomic_long *at)                                                                   \
    {                                                                                                        \
        bool same;                                                                                           \
        long mine = atomic_fetch_add(&tickets, 1);                                                           \
        work();                                                                                              \
        take;                                                                                                \
        atomic_store_explicit(at, mine, memory_order_relaxed);                                               \
        release;                                                                                             \
        take;                                                                                                \
        same = atomic_load_explicit(at, memory_order_relaxed) == mine;                                       \
        release;                                                                                             \
        return PyBool_FromLong(same);                                                                        \
    }

BETWEEN(between_locks, pthread_mutex_lock(&lock), pthread_mutex_unlock(&lock))
BETWEEN(between_rwlocks, pthread_rwlock_wrlock(&rwlock), pthread_rwlock_unlock(&rwlock))
BETWEEN(between_sections, Py_BEGIN_CRITICAL_SECTION(Py_Ellipsis), Py_END_CRITICAL_SECTION())

#define PAIR(name)                                                                                           \
    static PyObject *name##_bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))                   \
    {                                                                                                        \
        return name(&owner);                                                                                 \
    }                                                                                                        \
    static PyObject *name##_twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))                  \
    {                                                                                                        \
        atomic_long own;                                                                                     \
        return name(&own);                                                                                   \
    }

PAIR(around_malloc)
PAIR(around_object)
PAIR(between_locks)
PAIR(between_rwlocks)
PAIR(between_sections)

static PyObject *take(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored))
{
    long mine = atomic_fetch_add(&tickets, 1);
    work();
    atomic_store(&owner, mine);
    return PyLong_FromLong(mine);
}

static PyObject *check(PyObject *Py_UNUSED(module), PyObject *ticket)
{
    long mine = PyLong_AsLong(ticket);
    return mine == -1 && PyErr_Occurred() ? NULL : PyBool_FromLong(atomic_load(&owner) == mine);
}

#define METHOD(name)                                                                                         \
    {#name "_bug", name##_bug, METH_NOARGS, NULL},                                                           \
    {                                                                                                        \
#name "_twin", name##_twin, METH_NOARGS, NULL                                                        \
    }

PLANTED_MODULE(point_race, METHOD(around_malloc), METHOD(around_object), METHOD(between_locks),
               METHOD(between_rwlocks), METHOD(between_sections), {"take", take, METH_NOARGS, NULL},
               {"check", check, METH_O, NULL})
