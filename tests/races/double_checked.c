/* Double-checked locking: the flag is set before the table is filled, and with no order between the two. A second
 * first call may read a table that is not filled. The twin sets the flag last, with release, and reads it with
 * acquire: on x86 these are plain moves. */
#include "narrow.h"

#include <pthread.h>

enum { SIZE = 8 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, twin_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int ready, twin_ready;
static long table[SIZE], twin_table[SIZE];

static inline void fill(long *to)
{
    for (long i = 0, value = 1; i < SIZE; i++, value = 5 * value + 1)
        to[i] = value;
}

static PyObject *double_checked(PyObject *Py_UNUSED(module), PyObject *argument)
{
    long x;
    if (!narrow_long(argument, &x))
        return NULL;
    if (!atomic_load_explicit(&ready, memory_order_relaxed)) {
        pthread_mutex_lock(&lock);
        if (!atomic_load_explicit(&ready, memory_order_relaxed)) {
            atomic_store_explicit(&ready, 1, memory_order_relaxed);
            fill(table);
        }
        pthread_mutex_unlock(&lock);
    }
    return PyLong_FromLong(table[x & (SIZE - 1)]);
}

static PyObject *double_checked_twin(PyObject *Py_UNUSED(module), PyObject *argument)
{
    long x;
    if (!narrow_long(argument, &x))
        return NULL;
    if (!atomic_load_explicit(&twin_ready, memory_order_acquire)) {
        pthread_mutex_lock(&twin_lock);
        if (!atomic_load_explicit(&twin_ready, memory_order_relaxed)) {
            fill(twin_table);
            atomic_store_explicit(&twin_ready, 1, memory_order_release);
        }
        pthread_mutex_unlock(&twin_lock);
    }
    return PyLong_FromLong(twin_table[x & (SIZE - 1)]);
}

int narrow_add_double_checked(PyObject *module)
{
    static PyMethodDef functions[] = {
        {"double_checked", double_checked, METH_O, NULL},
        {"double_checked_twin", double_checked_twin, METH_O, NULL},
        {NULL, NULL, 0, NULL},
    };
    return PyModule_AddFunctions(module, functions);
}
