/* Shared by the heap bugs. heap_bug and heap_twin need no Python: a file is an extension module and, compiled with
 * PLANTED_MAIN, a program that any allocator can be preloaded into. The program has the bug once, or with
 * PLANTED_TWIN the twin, uses the heap for another 0.3 s, and exits with 0.
 *
 * Compilers remove stores that they know to be dead or outside of a block. Blocks therefore pass planted_hide, which
 * hides their origin, and are written through pointers to volatile. */
#pragma once

#include "planted.h"

#include <stdint.h>
#include <stdlib.h>

/* The bytes that the bugs write, unlike any canary or poison. */
#define PLANTED_BYTE 0x41
#define PLANTED_WORD UINT64_C(0x4141414141414141)

/* Returns the same pointer, but hides from the compiler its origin and the memory written before. */
static inline void *planted_hide(void *p)
{
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}

#ifdef PLANTED_MAIN

#include <pthread.h>
#include <time.h>

#ifdef PLANTED_TWIN
#define PLANTED_BODY(bug, twin) ((void)(bug), (twin)())
#else
#define PLANTED_BODY(bug, twin) ((void)(twin), (bug)())
#endif

static inline double planted_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Ordinary use of the heap: blocks of 1 to 1,024 bytes, 256 at a time, in random order. */
static inline void planted_go_on(void)
{
    enum { BLOCKS = 256, LARGEST = 1024, BETWEEN_LOOKS_AT_THE_CLOCK = 1000 };
    static void *blocks[BLOCKS];
    uint32_t random = 1;
    for (double end = planted_seconds() + 0.3; planted_seconds() < end;) {
        for (int i = 0; i < BETWEEN_LOOKS_AT_THE_CLOCK; i++) {
            random = random * 1664525 + 1013904223;
            void **block = &blocks[random >> 24];
            free(*block);
            *block = planted_hide(malloc(1 + (random >> 8) % LARGEST));
        }
    }
    for (int i = 0; i < BLOCKS; i++)
        free(blocks[i]);
}

/* Two threads call the body for 0.1 s: on two cores they meet in it thousands of times, on one core a few times. */
static inline void planted_crowd(void *(*calls)(void *))
{
    double end = planted_seconds() + 0.1;
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, calls, &end))
            abort();
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

#define PLANTED_HEAP(name)                                                                                   \
    int main(void)                                                                                           \
    {                                                                                                        \
        PLANTED_BODY(heap_bug, heap_twin);                                                                   \
        planted_go_on();                                                                                     \
        return 0;                                                                                            \
    }
#define PLANTED_HEAP_CROWD(name)                                                                             \
    static void *planted_calls(void *end)                                                                    \
    {                                                                                                        \
        while (planted_seconds() < *(double *)end)                                                           \
            PLANTED_BODY(heap_bug, heap_twin);                                                               \
        return NULL;                                                                                         \
    }                                                                                                        \
    int main(void)                                                                                           \
    {                                                                                                        \
        planted_crowd(planted_calls);                                                                        \
        planted_go_on();                                                                                     \
        return 0;                                                                                            \
    }

#else

#define PLANTED_HEAP(name)                                                                                   \
    static PyObject *bug(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))                             \
    {                                                                                                        \
        heap_bug();                                                                                          \
        Py_RETURN_NONE;                                                                                      \
    }                                                                                                        \
    static PyObject *twin(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args))                            \
    {                                                                                                        \
        heap_twin();                                                                                         \
        Py_RETURN_NONE;                                                                                      \
    }                                                                                                        \
    PLANTED_MODULE(name, {"bug", bug, METH_NOARGS, NULL}, {"twin", twin, METH_NOARGS, NULL})
#define PLANTED_HEAP_CROWD(name) PLANTED_HEAP(name)

#endif
