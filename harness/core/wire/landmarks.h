/* Names that both programs share: functions of the child that the driver finds in stacks, and the child's file names.
 *
 * Where the child refers to such a function it writes the landmark, so that a rename does not compile; e2e.landmarks
 * checks that the built child has the symbols.
 */
#pragma once

#define LANDMARK_WORKER worker_main        /* the start of a worker's thread */
#define LANDMARK_BARRIER barrier_wait      /* a worker waits here between rounds */
#define LANDMARK_ON_FATAL on_fatal         /* the handler of a crash */
#define LANDMARK_ON_SCENE on_scene         /* the handler of a request to write the thread's page */
#define LANDMARK_CANARY_READ canary_read   /* the two sides of the race */
#define LANDMARK_CANARY_WRITE canary_write /* that ThreadSanitizer must report */
#define LANDMARK_STATEMENT statement_      /* a prefix: the number of the statement follows, in octal */

/* The name as text. */
#define LANDMARK_TEXT(landmark) LANDMARK_QUOTE(landmark)
#define LANDMARK_QUOTE(name) #name

/* A prefix and what follows it, as one name. */
#define LANDMARK_JOIN(landmark, rest) LANDMARK_PASTE(landmark, rest)
#define LANDMARK_PASTE(prefix, rest) prefix##rest

/* Does not compile where no such function is declared. */
#define LANDMARK_CHECK(landmark) _Static_assert(sizeof &(landmark) > 0, "the driver looks for this function")

#define CHILD_PROGRAM "ftstress-child"
#define CHILD_PROGRAM_TSAN CHILD_PROGRAM "-tsan"

/* The folders of the child's own sources, in the paths that debug information has. */
#define CHILD_SOURCES                                                                                        \
    "/harness/base/", "/harness/child/", "/harness/core/", "/harness/detectors/", "/harness/heap/",          \
        "/scenarios/"
