/* The watch detector: updates of shared memory that are lost, seen by threads that stall at watched words. The stalls
 * themselves are the perturbation `stall` (child/run), and what they lead to is for other detectors to find.
 *
 * Contract. The thread that stalled sends what it found, in its handler: the process may crash before the call ends.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/peek.h"
#include "detectors/common/detector.h"
#include "detectors/common/release.h"
#include "detectors/memory/pyobject.h"
#include "detectors/watch/stall.h"
#include "detectors/watch/watched.h"
#include "detectors/watch/watchpoint.h"

static int error;
static __thread const struct detector_call *own_call __attribute__((tls_model("initial-exec")));

static const char *watch_excuse(void)
{
    static char text[160];
    snprintf(text, sizeof text, "no hardware watchpoint can be set (%s); ftstress doctor says what to do",
             strerror(-error)); /* NOLINT(concurrency-mt-unsafe): child main, before the workers */
    return text;
}

/* "x", for memory in the data of an input. */
static const char *input_at(const struct detector_call *call, uintptr_t address)
{
    for (unsigned i = 0; i < call->nwatched; i++) {
        const struct watched *watched = &call->watched[i];
        if (address - (uintptr_t)watched->low < watched->size)
            return watched->name;
    }
    return "";
}

static void send(const struct detector_call *call, const struct stall_race *race, enum instruction_flow flow)
{
    const struct stall_sight *first = &race->first, *other = &race->other;
    struct record record;
    char statement[512]; /* the call may have freed its text */
    peek_text((uintptr_t)call->statement, statement, sizeof statement);
    record_begin(&record, RECORD_RACE, call->worker);
    record.iteration = (uint32_t)call->iteration;
    record.values[RACE_ADDRESS] = (int64_t)first->address;
    record.values[RACE_SIZE] = first->access.size;
    record.values[RACE_STORE] = (int64_t)race->store;
    record.values[RACE_BEFORE] = (int64_t)race->before;
    record.values[RACE_AFTER] = (int64_t)race->after;
    record.values[RACE_FLOW] = flow;
    record.values[RACE_STORED] = (int64_t)race->stored;
    record.values[RACE_OTHER] = other->worker;
    record.values[RACE_OTHER_SIZE] = other->access.size;
    record.values[RACE_OTHER_READS] = other->access.reads;
    record.values[RACE_OTHER_LOCKED] = other->access.locked;
    record.values[RACE_FRAMES] = first->nframes;
    record_add_text(&record, input_at(call, first->address));
    record_add_text(&record, statement);
    memcpy(record.frames, first->frames, first->nframes * sizeof *first->frames);
    memcpy(record.frames + first->nframes, other->frames, other->nframes * sizeof *other->frames);
    record.nframes = (uint16_t)(first->nframes + other->nframes);
    record_send(&record, call->wire);
    atomic_fetch_add_explicit(call->findings, 1, memory_order_relaxed);
}

/* A reference to an immortal object is not counted. */
static bool is_immortal(uintptr_t address)
{
    PyObject head;
    Py_ssize_t count;
    return peek(0, address, &head, sizeof head) && pyobject_references(&head, &count) == PYOBJECT_IMMORTAL;
}

/* Is it lost, or harmless? A store of the value that is there already loses nothing, but the reference that both
 * release. */
static bool is_lost(const struct stall_race *race, enum instruction_flow flow)
{
    if (flow == FLOW_RELEASE)
        return race->first.access.size == sizeof(void *) && race->before && !is_immortal(race->before);
    return flow != FLOW_NONE && (!race->store || race->stored != race->after);
}

/* Signal context. */
static bool on_race(const struct stall_race *race)
{
    enum instruction_flow flow = race->store ? instruction_flows(race->first.pc, race->store) : FLOW_VALUE;
    bool is_sent = own_call && is_lost(race, flow);
    if (is_sent)
        send(own_call, race, flow);
    return is_sent;
}

static int watch_start(void)
{
#ifdef __x86_64__
    error = watchpoint_try();
#else
    error = -ENOTSUP;
#endif
    if (error == 0) {
        release_start();
        stall_found = on_race;
    }
    return error < 0 ? -ENOTSUP : 0;
}

static void watch_before_call(struct detector_call *call)
{
    own_call = call;
}

static void watch_after_call(struct detector_call *call, PyObject *result, PyObject *raised)
{
    (void)call;
    (void)result;
    (void)raised;
    own_call = NULL;
}

const struct detector watch_detector = {
    .id = DETECTOR_WATCH,
    .turn = 50,
    .start = watch_start,
    .excuse = watch_excuse,
    .before_call = watch_before_call,
    .after_call = watch_after_call,
};
