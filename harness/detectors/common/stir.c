/* See stir.h for the contract. */
#include "detectors/common/stir.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "detectors/common/array_api.h"

/* All small sizes that have a list of their own in the allocator, with more blocks than such a list holds, and blocks
 * that cover the first megabyte of free memory at the end of a heap. */
#define SMALL_STEP 16
#define SMALL_MAX 1040
#define SMALL_EACH 9
#define LARGE_BYTES (16u << 10)
#define LARGE_COUNT 64
#define BLOCKS (SMALL_MAX / SMALL_STEP * SMALL_EACH + LARGE_COUNT)
#define HELD 48
#define ARRAYS 9

/* Most open files, objects and references to each value. */
#define FILES 3
#define OBJECTS 7
#define REFERENCES 3
/* Seconds for a thread to start. */
#define WAITER_LIMIT 1.0

static void *held[HELD];
static int files[FILES];
static unsigned nfiles;
static PyObject *objects, *lock, *ready;
static pthread_t waiter;

/* Other bytes in each turn. None is zero, because fresh memory is zero. */
static int pattern_of(uint64_t turn)
{
    return (int)(1 + turn * 37 % 251);
}

static size_t size_of(size_t i)
{
    return i < BLOCKS - LARGE_COUNT ? (i / SMALL_EACH + 1) * SMALL_STEP - 8 : LARGE_BYTES;
}

static void stir_heap(uint64_t turn)
{
    static void *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(size_of(i));
        if (blocks[i])
            memset(blocks[i], pattern_of(turn), size_of(i));
    }
    for (size_t i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

/* NumPy may have a cache of freed data: stirs that through its own functions. */
static void stir_arrays(uint64_t turn)
{
    PyObject *arrays[ARRAYS];
    for (npy_intp size = 8; PyArray_API && size < 1024; size += 8) {
        for (int i = 0; i < ARRAYS; i++) {
            arrays[i] = PyArray_SimpleNew(1, &size, NPY_UBYTE);
            if (arrays[i])
                memset(PyArray_BYTES((PyArrayObject *)arrays[i]), pattern_of(turn + (uint64_t)i),
                       (size_t)size);
        }
        for (int i = 0; i < ARRAYS; i++)
            Py_XDECREF(arrays[i]);
    }
    PyErr_Clear();
}

static void free_blocks(void)
{
    for (size_t i = 0; i < HELD; i++) {
        free(held[i]);
        held[i] = NULL;
    }
}

void stir_memory(uint64_t turn)
{
    /* Holds some blocks until the next turn, others in each turn, so that the next allocations have other addresses. */
    free_blocks();
    for (size_t i = 0; i < HELD; i++)
        if ((turn * 2654435761U >> (i % 24)) & 1)
            held[i] = malloc(16 + 16 * (i + turn % 3));
    stir_heap(turn);
    stir_arrays(turn);
}

/* Waits for the lock inside a call of Python code. */
static void *wait_main(void *interpreter)
{
    PyThreadState *state = PyThreadState_New(interpreter);
    PyEval_RestoreThread(state);
    PyObject *names = Py_BuildValue("{sOsO}", "lock", lock, "ready", ready);
    PyObject *done =
        names ? PyRun_String("[ready.release(), lock.acquire()]", Py_eval_input, names, names) : NULL;
    PyErr_Clear();
    Py_XDECREF(done);
    Py_XDECREF(names);
    PyThreadState_Clear(state);
    PyThreadState_DeleteCurrent();
    return NULL;
}

static PyObject *new_lock(void)
{
    PyObject *module = PyImport_ImportModule("_thread");
    PyObject *made = module ? PyObject_CallMethod(module, "allocate_lock", NULL) : NULL;
    PyObject *done = made ? PyObject_CallMethod(made, "acquire", NULL) : NULL;
    Py_XDECREF(module);
    if (!done)
        Py_CLEAR(made);
    Py_XDECREF(done);
    return made;
}

/* Waits until the thread is inside its call. */
static void start_waiter(void)
{
    lock = new_lock();
    ready = new_lock();
    if (lock && ready && pthread_create(&waiter, NULL, wait_main, PyInterpreterState_Get()) == 0)
        Py_XDECREF(PyObject_CallMethod(ready, "acquire", "id", 1, WAITER_LIMIT));
    else
        Py_CLEAR(lock);
}

static void end_waiter(void)
{
    if (!lock)
        return;
    Py_XDECREF(PyObject_CallMethod(lock, "release", NULL));
    PyThreadState *state = PyEval_SaveThread();
    pthread_join(waiter, NULL);
    PyEval_RestoreThread(state);
    Py_CLEAR(lock);
    Py_CLEAR(ready);
}

static void end_process(void)
{
    while (nfiles > 0)
        close(files[--nfiles]);
    Py_CLEAR(objects);
    end_waiter();
    PyErr_Clear();
}

/* A new object that the collector tracks; some of them refer to all values. */
static PyObject *new_object(uint64_t i, PyObject *names)
{
    return names && i < REFERENCES ? PyDict_Values(names) : PyList_New(0);
}

void stir_process(uint64_t turn, PyObject *names, bool crowded)
{
    end_process();
    for (uint64_t i = 0; i < turn % (FILES + 1); i++)
        if ((files[nfiles] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
            nfiles++;
    objects = PyList_New(0);
    for (uint64_t i = 0; objects && i < turn % (OBJECTS + 1); i++) {
        PyObject *object = new_object(i, names);
        if (object)
            PyList_Append(objects, object);
        Py_XDECREF(object);
    }
    if (crowded && turn / 2 % 2)
        start_waiter();
    PyErr_Clear();
}

void stir_end(void)
{
    free_blocks();
    end_process();
}
