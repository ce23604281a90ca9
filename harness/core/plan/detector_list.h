/* The names of all detectors, shared by both programs: a bit in a plan's `detect`, a row in `ftstress list`. Plain
 * data. The detectors themselves are in harness/detectors (child) and harness/driver/judge. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* One row for each detector, by name: its id, its name, and one line about what it finds. A CHILD row has a descriptor
 * in harness/detectors, called NAME_detector; a DRIVER row is judged from what the child leaves behind. */
/* clang-format off */
#define DETECTOR_LIST(CHILD, DRIVER) \
    CHILD(ARENA, arena, "corrupted metadata of glibc's own malloc, checked between rounds") \
    DRIVER(CRASH, crash, "a fatal signal or an abort") \
    CHILD(DIVERGE, diverge, "a statement gives another result under threads than on one thread") \
    CHILD(EXCEPTION, exception, "an exception that the serial run does not raise") \
    CHILD(GROWTH, growth, "memory and objects that grow with the calls, by type and by call site") \
    CHILD(GUARD, guard, "heap overflow, underflow, write after free, double free, foreign free, " \
                        "with the block and its allocation site") \
    DRIVER(HANG, hang, "a deadlock: threads that stop making progress") \
    CHILD(HINT, hint, "memory that seems to grow with the calls: a note that leads to growth, and no finding") \
    CHILD(INVARIANT, invariant, "shape, strides, flags or bytes of an input changed, or a result's " \
                                "extent lies outside its buffer") \
    DRIVER(LOG, log, "messages of the allocator and the interpreter, or the GIL turned back on") \
    DRIVER(MEMCHECK, memcheck, "leaks and memory errors, by Valgrind; with --under valgrind only") \
    DRIVER(OUTCOME, outcome, "results and a state that no order of the calls gives; with --outcome only") \
    CHILD(PYHEAP, pyheap, "corrupted Python objects: CPython's debug hooks, and a check between rounds") \
    CHILD(REFCOUNT, refcount, "references of inputs, setup objects and loaded names: released too often, or never") \
    CHILD(SHUTDOWN, shutdown, "objects and blocks of the calls that are left when Python ends, with their holders") \
    CHILD(TRIPWIRE, tripwire, "a call writes to an input it should only read, even for an instant") \
    DRIVER(TSAN, tsan, "data races, by ThreadSanitizer in instrumented builds; with --tsan only") \
    CHILD(WATCH, watch, \
        "updates of shared memory that are lost; threads are stalled at words that several of them touch")
/* clang-format on */

#define DETECTOR_ENUM(id, name, about) DETECTOR_##id,
enum detector_id { DETECTOR_LIST(DETECTOR_ENUM, DETECTOR_ENUM) DETECTOR_COUNT };

#define DETECTOR_BIT(id) (UINT32_C(1) << (id))
#define DETECTOR_ALL ((UINT32_C(1) << DETECTOR_COUNT) - 1)
/* The detectors that count over many calls, in a child of their own. */
#define DETECTOR_COUNTERS                                                                                    \
    (DETECTOR_BIT(DETECTOR_GROWTH) | DETECTOR_BIT(DETECTOR_REFCOUNT) | DETECTOR_BIT(DETECTOR_SHUTDOWN))
/* "default": everything cheap. */
#define DETECTOR_DEFAULT (DETECTOR_ALL & ~DETECTOR_COUNTERS)

struct detector_row {
    const char *name;
    const char *about; /* what it finds, one line */
};

extern const struct detector_row detector_rows[DETECTOR_COUNT];

/* "crash,tripwire", "all", "none", "default" to bits. On failure `error` names the word and lists the names.
 * Returns 0 or -EINVAL. */
int detector_parse(const char *text, uint32_t *ret_bits, char *error, size_t error_size);

/* The reverse: names separated by commas, "all", "none" or "default". */
void detector_print(uint32_t bits, char *text, size_t size);
