/* The names of all detectors, shared by both programs: a bit in a plan's `detect`, a row in `ftstress list`. Plain
 * data. The detectors themselves are in harness/detectors (child) and harness/driver/judge. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum detector_id {
    DETECTOR_ARENA,
    DETECTOR_CRASH,
    DETECTOR_DIVERGE,
    DETECTOR_EXCEPTION,
    DETECTOR_GROWTH,
    DETECTOR_GUARD,
    DETECTOR_HANG,
    DETECTOR_INVARIANT,
    DETECTOR_LOG,
    DETECTOR_MEMCHECK,
    DETECTOR_PYHEAP,
    DETECTOR_REFCOUNT,
    DETECTOR_SHUTDOWN,
    DETECTOR_TRIPWIRE,
    DETECTOR_TSAN,
    DETECTOR_COUNT
};

#define DETECTOR_BIT(id) (UINT32_C(1) << (id))
#define DETECTOR_ALL ((UINT32_C(1) << DETECTOR_COUNT) - 1)
/* They count over many calls, in a child of their own. */
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
