/* A unit of a sweep: some callables, with the state of each call. */
#pragma once

/* The name of a method's object in the text of a call. */
#define UNIT_OBJECT "object_"
/* Why a callable was not called that another run with more time would call. */
#define UNIT_NO_TURN "the time was over before its turn"

#include "driver/outcome/outcome.h"
#include "driver/sweep/sweep.h"

/* calls.py writes the first ones, and CALL_TIME. */
enum call_state {
    CALL_NEW,
    CALL_BEGUN,
    CALL_RETURNED,
    CALL_RAISED,
    CALL_CHANGED, /* it returned None, or changed an input */
    CALL_CRASHED, /* its process ended */
    CALL_SHOWN,   /* a detector found something at it */
    CALL_TIME,
    CALL_MEMORY,
    CALL_LEFT, /* left out, because others of the callable ended their processes */
    CALL_SLOW, /* left out, because others of the callable took long */
    CALL_STATES
};

#define PASS_BIT(pass) (1U << (pass))

struct known;

struct unit_call {
    const char *text; /* borrowed from the entry */
    size_t owner;     /* entry of the callable */
    enum call_state state;
    bool is_sequence; /* it is a tuple of calls on one object, not for threads */
    bool is_first;    /* one of the few of its callable that the first pass makes */
    bool is_due;      /* for the next children */
    bool is_tried;    /* it failed, and was run by itself */
    int written; /* CALL_SHOWN: place among its arguments of the array that it wrote to and put back; -1: none */
};

struct unit {
    const json_t *entries; /* of the catalogue; borrowed */
    struct unit_call *calls;
    size_t n;
    json_t *rows;     /* results, one for each entry */
    json_t *texts;    /* of sequences */
    json_t *in_place; /* keys "owner argument": arguments that a call changes for good */
    json_t *findings; /* documents */
    json_t *verifications;
    json_t *environment;
    json_t *notes;
    json_t *
        suspects; /* for a fuzzer: numbers and messages of calls that failed among others, and not by themselves */
    json_t *signals; /* for a fuzzer: pairs of a call's number and a kind of result or exception */
    uint64_t *spent; /* of each entry: ns of processor time that its calls took in this pass, */
    uint64_t *used;  /* and in all passes of this process */
    /* It found damage of the heap, or ended the process: calls before it are made again. NULL: none. */
    struct unit_call *suspect;
    enum call_state suspected; /* its state, unless one of those fails */
    unsigned passes;           /* bits of those that came to their end */
    unsigned children;
    uint64_t serial_calls, thread_calls, sampled, overlapped;
    bool complete; /* no part of the pass was cut off by the time or by the user */
};

/* Returns 0 or -ENOMEM. */
int unit_begin(struct unit *unit, const json_t *entries);
void unit_clear(struct unit *unit);

/* Counts the calls of an entry in a state. */
unsigned unit_count(const struct unit *unit, size_t owner, enum call_state state);
/* Did one of its calls fail, so that none is for threads? */
bool unit_has_failed(const struct unit *unit, size_t owner);
/* Has it a failed call for a child of its own? (sweep_trial.c) */
bool unit_wants_trial(const struct unit *unit, size_t owner);

/* The text of the call with the name of its object, or the expression that makes it; NULL: as it is. The caller's, or
 * NULL without memory. */
char *unit_call_as(const struct unit_call *call, const char *object);
/* The text of the call with the expression that makes its object. The caller's, or NULL without memory. */
char *unit_call_text(const struct unit *unit, const struct unit_call *call);

/* sweep_written.c: reads from the last child which arguments its calls change for good; `find` gives its n-th call. */
void unit_read_written(const struct sweep *sweep, struct unit *unit,
                       struct unit_call *(*find)(struct unit *unit, size_t number));
/* sweep_written.c: the place of the argument that the child saw written and put back; -1: none. */
int unit_written_place(const struct unit_call *call, const struct outcome *outcome);
/* sweep_written.c: is that an argument for results? Other calls of the callable change it for good. */
bool unit_is_in_place(const struct unit *unit, const struct unit_call *call);

/* sweep_store.c: what the next pass goes on with. unit_save: a new reference. unit_resume: from the document of a unit,
 * or NULL; returns 0 or -ENOMEM. */
json_t *unit_save(const struct unit *unit);
int unit_resume(struct unit *unit, const json_t *document);

/* sweep_scan.c: makes calls on one thread: all and sequences, or those of a pass. A call that ends its process, or at
 * which a detector finds something, costs one child. Returns 0 or -errno. */
int unit_scan(struct sweep *sweep, struct unit *unit);
int unit_scan_first(struct sweep *sweep, struct unit *unit);
int unit_scan_forms(struct sweep *sweep, struct unit *unit);
int unit_scan_sequences(struct sweep *sweep, struct unit *unit);

/* sweep_sequence.c: is there a method of the callable that came back on an object? */
bool unit_has_sequences(const struct unit *unit, size_t owner);
/* sweep_sequence.c: adds sequences of calls that came back, on one object each. Returns 0 or -ENOMEM. */
int unit_add_sequences(const struct sweep *sweep, struct unit *unit);
/* sweep_sequence.c: leaves out those with the method of one that failed. */
void unit_leave_sequences(struct unit *unit, const struct unit_call *failed);

/* sweep_trial.c: runs a call that failed by itself, as a plan of its own; what it shows there are the findings. */
int unit_try_failures(struct sweep *sweep, struct unit *unit);

/* sweep_threads.c: makes calls of the callables that are left with several threads. */
int unit_run_threads(struct sweep *sweep, struct unit *unit);
/* Is a call of the callable so slow that it would leave the others of a batch few turns? Slow ones have batches of
 * their own. */
bool unit_is_slow(const struct unit *unit, size_t owner);

/* sweep_known.c: looks again for findings that the baseline has and that did not show, and counts the children that
 * could show them. Returns 0 or -errno. */
int unit_look_for_known(struct sweep *sweep, struct unit *unit);
/* sweep_match.c: has the statement the arguments of this call? The objects of methods differ. */
bool unit_has_arguments(const char *statement, const struct unit_call *call);
/* sweep_match.c: the call of a finding, if it returned; NULL: it did not. */
const struct unit_call *unit_find_returned(const struct unit *unit, size_t owner, const struct known *known);
/* sweep_match.c: is it a finding of the baseline in the callable of this row, which has no finding yet? */
bool unit_is_open(const struct known *known, const json_t *row, bool is_serial);
/* sweep_match.c: the call that an open finding of the baseline, of several threads, is in; NULL: it has none. */
const struct unit_call *unit_known_call(const struct sweep *sweep, const struct unit *unit, size_t owner);

/* sweep_scan.c: the detectors of calls on one thread. */
uint32_t unit_scan_detectors(void);

/* sweep_threads.c: the call of a callable for threads, or NULL. */
const struct unit_call *unit_choose_call(const struct sweep *sweep, const struct unit *unit, size_t owner);
/* sweep_threads.c: runs it by itself. *ret_report: a new reference. Returns 0 or -errno. */
int unit_run_call(struct sweep *sweep, struct unit *unit, const struct unit_call *call, json_t **ret_report);

/* The result of the unit, and its part in that of the sweep. New references. */
json_t *unit_document(struct unit *unit);

/* sweep_turn.c: adds to the document of a unit the key "passes", with the number of callables that had a turn in each
 * pass, and to its rows "not_reached". */
void unit_add_turns(const struct unit *unit, json_t *result);
/* sweep_turn.c: adds up the numbers of a pass. */
void sweep_add_turn(json_t *passes, const char *name, unsigned callables, unsigned reached);
