/* Parser of the reports that ThreadSanitizer's runtime prints, fed piece by piece. Pure. Driver.
 *
 * A report is a head line and parts; a part is a head line and a stack: an access, the origin of the memory, the
 * creation of a mutex or a thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "driver/symbol/symbol.h"

enum tsan_role { TSAN_ACCESS, TSAN_LOCATION, TSAN_MUTEX, TSAN_THREAD, TSAN_OTHER };

#define TSAN_PARTS_MAX 64
#define TSAN_FRAMES_MAX 128
#define TSAN_LINE_MAX 65535 /* the runtime's lines are shorter; the rest of another program's is cut off */

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
    unsigned count; /* times reported; 1 from the parser */
};

/* The i-th part with this role, or NULL. */
const struct tsan_part *tsan_report_part(const struct tsan_report *report, enum tsan_role role, unsigned i);
/* The part about a thread, or NULL. */
const struct tsan_part *tsan_report_thread(const struct tsan_report *report, int number);

/* The same kind of race between the same two instructions? */
bool tsan_report_same(const struct tsan_report *one, const struct tsan_report *other);

/* Is it the race that each child plants? */
bool tsan_report_is_canary(const struct tsan_report *report);

/* NULL is fine. */
void tsan_report_free(struct tsan_report *report);

/* Takes text in pieces of any size. */
struct tsan_log {
    /* Gets each whole report, and owns it. */
    void (*take)(void *context, struct tsan_report *report);
    void *context;
    char line[TSAN_LINE_MAX + 1]; /* the incomplete last line */
    size_t length;
    struct tsan_report *report; /* the incomplete last report */
};

/* Returns 0 or -ENOMEM. */
int tsan_log_feed(struct tsan_log *log, const char *bytes, size_t n);
/* Ends the text: hands the last report over if it has a part. */
void tsan_log_finish(struct tsan_log *log);
