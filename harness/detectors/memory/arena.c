/* The arena detector: checks glibc's own heap metadata while all workers wait.
 *
 * It does not know the owners of blocks: a report names the damaged chunk and the block before it. It is of no use
 * together with the guard, because then few blocks are in glibc's heaps.
 */
#include "detectors/common/detector.h"

#include <stdio.h>

#include "base/clock.h"
#include "heap/arena/arena.h"

/* The walks take at most 1/DUTY of the time. */
#define DUTY 20
#define REPORTS 64

static struct arena_walker walker;
static uint64_t walked_at, walk_time;
static struct {
    enum arena_fault fault;
    uintptr_t chunk;
} reported[REPORTS];
static unsigned nreported;

static char reason[256];

static int arena_start(void)
{
    return arena_open(&walker, reason, sizeof reason);
}

static const char *arena_excuse(void)
{
    return reason;
}

static void report(void *context, const struct arena_violation *violation)
{
    struct detector_call *call = context;
    char sentence[640], signature[64];
    for (unsigned i = 0; i < nreported; i++)
        if (reported[i].fault == violation->fault && reported[i].chunk == violation->chunk)
            return;
    if (nreported == REPORTS)
        return;
    reported[nreported].fault = violation->fault;
    reported[nreported++].chunk = violation->chunk;
    arena_describe(violation, sentence, sizeof sentence);
    snprintf(signature, sizeof signature, "arena|%s", arena_fault_name(violation->fault));
    DETECTOR_SEND(call, true, RECORD_CORRUPT,
                  .values = {[CORRUPT_DETECTOR] = DETECTOR_ARENA,
                             [CORRUPT_ADDRESS] = (int64_t)violation->chunk,
                             [CORRUPT_COUNT] = 1},
                  .texts = {sentence, signature});
}

static void walk(struct detector_call *call)
{
    uint64_t began = clock_now();
    arena_check(&walker, report, call);
    walked_at = clock_now();
    walk_time = walked_at - began;
}

static void arena_end_round(struct detector_call *call)
{
    if (clock_now() - walked_at >= walk_time * DUTY)
        walk(call);
}

const struct detector arena_detector = {
    .id = DETECTOR_ARENA,
    .turn = 70,
    .start = arena_start,
    .excuse = arena_excuse,
    .end_round = arena_end_round,
    .finish = walk,
};
