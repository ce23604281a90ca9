/* A heap that the walker checks in a forked child, which then ends at once: nothing may allocate after the damage.
 * Included after cmocka.h. */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap/arena/arena.h"

#define SENTENCE 1024

static struct arena_walker walker;

struct answer {
    unsigned n; /* violations */
    enum arena_fault fault;
    uintptr_t chunk, block;
    size_t size;
    char sentence[SENTENCE];
};

static inline void listen(void *context, const struct arena_violation *violation)
{
    struct answer *answer = context;
    if (answer->n++ == 0) {
        answer->fault = violation->fault;
        answer->chunk = violation->chunk;
        answer->block = violation->block;
        answer->size = violation->size;
    }
    size_t used = strlen(answer->sentence);
    arena_describe(violation, answer->sentence + used, SENTENCE - used);
}

/* Hides a block from the compiler, which may then not assume that no code writes to it after its free. */
static inline uint64_t *hide(void *block)
{
    __asm__ volatile("" : "+r"(block)::"memory");
    return block;
}

static inline uint64_t *get(size_t size)
{
    return hide(malloc(size));
}

/* Does the damage in a child, walks the heap, and returns the answer that the parent received. `damage` fills *expected
 * with the known answer. */
static inline int watch_damage(void (*damage)(struct answer *expected), struct answer *ret,
                               struct answer *expected)
{
    int ends[2], status;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct answer answers[2] = {0};
        alarm(20);
        damage(&answers[1]);
        if (arena_check(&walker, listen, &answers[0]) < 0)
            _exit(2);
        _exit(write(ends[1], answers, sizeof answers) != sizeof answers);
    }
    close(ends[1]);
    struct answer answers[2] = {0};
    ssize_t n = read(ends[0], answers, sizeof answers);
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (n == sizeof answers) {
        *ret = answers[0];
        *expected = answers[1];
    }
    return status;
}

/* The setup of a group of tests; without a known heap layout the program ends as skipped. */
static inline int open_walker(void **state)
{
    char reason[256] = "";
    (void)state;
    if (arena_open(&walker, reason, sizeof reason) == 0)
        return 0;
    printf("skipped: %s\n", reason);
    fflush(stdout);
    _exit(77);
}
