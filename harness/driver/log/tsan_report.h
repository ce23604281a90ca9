/* What ThreadSanitizer's runtime prints, as data: a parser of its text that is fed as the text comes. Pure; driver.
 *
 * A report is a head line and parts; a part is a head line and a stack: an access, where the memory is from, where a
 * mutex or a thread was made.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "driver/symbol/symbol.h"

enum tsan_role { TSAN_ACCESS, TSAN_LOCATION, TSAN_MUTEX, TSAN_THREAD, TSAN_OTHER };

#define TSAN_PARTS_MAX 64
#define TSAN_FRAMES_MAX 128

struct tsan_part {
    enum tsan_role role;
    char *title;               /* "Location is heap block of size 8 at 0x7b0c allocated by main thread" */
    struct symbol_stack stack; /* return addresses alone; empty where the runtime could not restore it */
    /* Of an access: */
    bool write, atomic, previous;
    uint64_t address;
    unsigned size; /* bytes; 0 of a free */
    char *mutexes; /* "write M0, read M1", or NULL */
    /* Of an access and of a thread: */
    int thread; /* as the report numbers them; 0: the main thread */
    char *name; /* of a thread, or NULL */
};

struct tsan_report {
    char *kind; /* "data race", "heap-use-after-free", "SEGV on unknown address 0x… …" */
    bool fatal; /* the process ends with it: no race */
    struct tsan_part *parts;
    size_t nparts;
    unsigned count; /* times seen; 1 from the parser */
};

/* The i-th access, or NULL. */
const struct tsan_part *tsan_report_access(const struct tsan_report *report, unsigned i);
/* Where the memory is from, or NULL. */
const struct tsan_part *tsan_report_location(const struct tsan_report *report);
/* What is known of a thread, or NULL. */
const struct tsan_part *tsan_report_thread(const struct tsan_report *report, int number);

/* The same kind of race between the same two instructions? */
bool tsan_report_same(const struct tsan_report *one, const struct tsan_report *other);

/* Is it the report of the race that each child plants? */
bool tsan_report_is_canary(const struct tsan_report *report);

/* NULL is fine. */
void tsan_report_free(struct tsan_report *report);

/* Takes text in pieces of any size. */
struct tsan_log {
    /* Gets each report when it is whole, and owns it then. */
    void (*take)(void *context, struct tsan_report *report);
    void *context;
    char *line; /* the line that is not whole yet */
    size_t length, room;
    struct tsan_report *report; /* the report that is not whole yet */
};

/* Returns 0 or -ENOMEM; what does not fit is left out then. */
int tsan_log_feed(struct tsan_log *log, const char *bytes, size_t n);
/* At the end of the text: what was begun is handed over, if it says anything. */
void tsan_log_finish(struct tsan_log *log);
