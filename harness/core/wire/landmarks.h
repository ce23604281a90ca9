/* Names that both programs share. Functions of the child that the driver finds in stacks: a function that is renamed
 * without its row, or a row without its function, does not build; e2e.landmarks looks for them in the built child. */
#pragma once

#include <stddef.h>

/* clang-format off */
#define LANDMARK_LIST(ROW) \
    ROW(worker_main)  /* the lowest frame of a worker that is ours */ \
    ROW(barrier_wait) /* a worker between two rounds */ \
    ROW(on_fatal)     /* the handler of a crash */ \
    ROW(on_scene)     /* the handler in which the other threads wait after a crash */ \
    ROW(record_found) /* a record shows the bug: a debugger stops here */
/* clang-format on */

#define LANDMARK_ENUM(function) LANDMARK_##function,
enum landmark { LANDMARK_LIST(LANDMARK_ENUM) LANDMARKS };

/* Name of the two threads that race by intent in the ThreadSanitizer mode. */
#define CANARY_THREAD "canary"

/* For the driver: the name as text. */
#define LANDMARK(function) (&#function[(size_t)0 * LANDMARK_##function])

/* For the child, beside the function. */
#define LANDMARK_IS(function)                                                                                \
    _Static_assert(sizeof(&(function)) > 0 && LANDMARK_##function < LANDMARKS, "the driver knows this name")

/* The function that runs statement n, a number in octal. */
#define LANDMARK_STATEMENT(n) statement_##n
#define LANDMARK_STATEMENT_FORMAT "statement_%o"

#define CHILD_PROGRAM "ftstress-child"
#define CHILD_PROGRAM_TSAN CHILD_PROGRAM "-tsan"

/* The folders of the child's own sources, in the paths that debug information has. */
#define CHILD_SOURCES                                                                                        \
    "/harness/base/", "/harness/child/", "/harness/core/", "/harness/detectors/", "/harness/heap/",          \
        "/scenarios/"
