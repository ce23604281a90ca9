/* The lines of `ftstress doctor` about ThreadSanitizer. Driver, one thread. */
#pragma once

#include <stddef.h>

#include "driver/doctor.h"

enum {
    DOCTOR_TSAN_LAYOUT,
    DOCTOR_TSAN_LIMIT,
    DOCTOR_TSAN_SERVER,
    DOCTOR_TSAN_CANARY,
    DOCTOR_TSAN_GIL,
    DOCTOR_TSAN_IMPORT,
    DOCTOR_TSAN_FILES,
    DOCTOR_TSAN_ROWS
};

struct doctor_row {
    const char *name;
    enum doctor_level level;
    char *text; /* what was seen; what to do about it follows the last semicolon. The caller's */
};

/* Changes this process as tsan_prepare does. `probe`: the interpreter, or NULL; `urls`: DEBUGINFOD_URLS as it was when
 * the program started, or NULL. Returns how many rows there are. */
size_t doctor_tsan(const struct probe *probe, const char *urls,
                   struct doctor_row rows[static DOCTOR_TSAN_ROWS]);
