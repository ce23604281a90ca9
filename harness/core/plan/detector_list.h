/* The names of all detectors, shared by both programs: a bit in a plan's `detect`, a row in `ftstress list`. Plain
 * data. The detectors themselves are in harness/detectors (child) and harness/driver/judge. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* One row for each detector, by name: its id, its name, one line about what it finds, what it does not see, and what it
 * costs. A CHILD row has a descriptor in harness/detectors, called NAME_detector; a DRIVER row is judged from what the
 * child leaves behind. docs/reference-detectors.md is made of these rows. */
/* clang-format off */
#define DETECTOR_LIST(CHILD, DRIVER) \
    CHILD(ARENA, arena, "corrupted metadata of glibc's own malloc, checked between rounds", \
        "writes that stay inside a block, and other allocators; a report has no owner of the damaged block", \
        "walks between rounds, which take at most a twentieth of the time") \
    DRIVER(CRASH, crash, "a fatal signal or an abort", \
        "memory that is broken without a crash: guard, pyheap and arena look for that", "nothing") \
    CHILD(DIVERGE, diverge, "a statement gives another result under threads than on one thread", \
        "statements with different results on one thread, which the report names; what a result hides " \
        "from its pickle, its items and its text", \
        "calls on one thread first; threads read results in at most a fifth of their time") \
    CHILD(EXCEPTION, exception, "an exception that the serial run does not raise", \
        "exceptions of statements that change what they share, and types that one thread raises in the " \
        "same iteration", \
        "nothing where no call raises") \
    CHILD(GROWTH, growth, "memory and objects that grow with the calls, by type and by call site", \
        "what something holds and only a part of the calls adds: that is a note, until it is thousands", \
        "a child of its own, which counts instead of racing") \
    CHILD(GUARD, guard, "heap overflow, underflow, write after free, double free, foreign free, " \
                        "with the block and its allocation site", \
        "writes that stay inside live blocks, and reads outside of blocks that have no inaccessible " \
        "pages around them", \
        "1.1 to 1.2 times the processor time in loops over arrays of 4,096 and of 20 elements; another " \
        "heap layout") \
    DRIVER(HANG, hang, "a deadlock: threads that stop making progress", \
        "a standstill shorter than --timeout, unless the threads provably cannot run again", "nothing") \
    CHILD(HINT, hint, "memory that seems to grow with the calls: a note that leads to growth, and no finding", \
        "what grows; and any growth where statements change what they share or few calls take the whole " \
        "time", \
        "the last rounds of its children are made in windows") \
    CHILD(INVARIANT, invariant, "shape, strides, flags or bytes of an input changed, or a result's " \
                                "extent lies outside its buffer", \
        "a change that is put back before the call returns: tripwire looks for that", \
        "a comparison of the inputs after each call") \
    DRIVER(LOG, log, "messages of the allocator and the interpreter, or the GIL turned back on", \
        "messages of libraries, which have no known form", "nothing") \
    DRIVER(MEMCHECK, memcheck, "leaks and memory errors, by Valgrind; with --under valgrind only", \
        "races, because one thread runs at a time; Python objects of a free-threaded CPython", \
        "a minute or two for a run") \
    DRIVER(OUTCOME, outcome, "results and a state that no order of the calls gives; with --outcome only", \
        "objects that the setup does not make; the state of objects without a pickle, unless --state " \
        "gives it", \
        "the whole run, which makes nothing but meetings") \
    CHILD(PYHEAP, pyheap, "corrupted Python objects: CPython's debug hooks, and a check between rounds", \
        "writes that stay inside the data of an object, and objects that nothing refers to which the " \
        "collector tracks", \
        "CPython's debug hooks at each allocation; walks, which take at most a twentieth of the time") \
    CHILD(REFCOUNT, refcount, "references of inputs, setup objects and loaded names: released too often, or never", \
        "immortal objects, which a note lists", "a child of its own, which counts instead of racing") \
    CHILD(SHUTDOWN, shutdown, "objects and blocks of the calls that are left when Python ends, with their holders", \
        "what static data refer to, which is a note", "a child of its own, which counts instead of racing") \
    CHILD(TRIPWIRE, tripwire, "a call writes to an input it should only read, even for an instant", \
        "object arrays, and views of other memory: these are compared after the call only", \
        "a fault and a single step at each write to an input; nothing where no call writes") \
    DRIVER(TSAN, tsan, "data races, by ThreadSanitizer in instrumented builds; with --tsan only", \
        "files that are not instrumented, which the run names", \
        "an interpreter and packages that are built for it") \
    CHILD(WATCH, watch, \
        "updates of shared memory that are lost; threads are stalled at words that several of them touch", \
        "races of plain loads and stores that lose no update: these show in results, exceptions and " \
        "crashes, or not at all", \
        "a child of its own, where a thread waits up to 125 microseconds, at most once in a millisecond")
/* clang-format on */

#define DETECTOR_ENUM(id, ...) DETECTOR_##id,
enum detector_id { DETECTOR_LIST(DETECTOR_ENUM, DETECTOR_ENUM) DETECTOR_COUNT };

#define DETECTOR_BIT(id) (UINT32_C(1) << (id))
#define DETECTOR_ALL ((UINT32_C(1) << DETECTOR_COUNT) - 1)
/* The detectors that report how a process ends. */
#define DETECTOR_ENDS                                                                                        \
    (DETECTOR_BIT(DETECTOR_CRASH) | DETECTOR_BIT(DETECTOR_LOG) | DETECTOR_BIT(DETECTOR_PYHEAP) |             \
     DETECTOR_BIT(DETECTOR_SHUTDOWN))
/* The detectors that count over many calls, in a child of their own. */
#define DETECTOR_COUNTERS                                                                                    \
    (DETECTOR_BIT(DETECTOR_GROWTH) | DETECTOR_BIT(DETECTOR_REFCOUNT) | DETECTOR_BIT(DETECTOR_SHUTDOWN))
/* "default": everything cheap. */
#define DETECTOR_DEFAULT (DETECTOR_ALL & ~DETECTOR_COUNTERS)

struct detector_row {
    const char *name;
    const char *about; /* what it finds, one line */
    const char *blind; /* what it does not see */
    const char *cost;
};

extern const struct detector_row detector_rows[DETECTOR_COUNT];

/* "crash,tripwire", "all", "none", "default" to bits. On failure `error` names the word and lists the names.
 * Returns 0 or -EINVAL. */
int detector_parse(const char *text, uint32_t *ret_bits, char *error, size_t error_size);

/* The reverse: names separated by commas, "all", "none" or "default". */
void detector_print(uint32_t bits, char *text, size_t size);
