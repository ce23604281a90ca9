/* The wire from child to driver: a stream of records of one format.
 *
 * Contract. Any thread of the child may send, from a signal handler too: record_send makes one write(2) of at most
 * PIPE_BUF bytes, so records of several threads never mix, without a lock. One thread of the driver reads. Records of
 * one thread arrive in the order in which it sent them; records of different threads have no order. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/wire/counted.h"

#define RECORD_FRAMES 48
#define RECORD_TEXT 3072
#define RECORD_VALUES 24
#define RECORD_MAIN UINT16_MAX /* worker number of the child's main thread */

/* One row for each type of record: its id, its name, and the values that excuse it. A FOUND record shows the bug unless
 * one of its excuses is set, such as the mark of the serial pass; a PLAIN one never does. judge_NAME of the driver
 * judges a FOUND record; an ENDED one is judged with the end of its child. */
/* clang-format off */
#define RECORD_LIST(PLAIN, FOUND, ENDED) \
    PLAIN(NONE, none) \
    PLAIN(ENVIRONMENT, environment) /* text: "key=value", a version */ \
    PLAIN(FACT, fact) /* values: enum record_fact. text: names of arrays, for FACT_WRITES */ \
    PLAIN(CANNOT, cannot) /* the plan cannot be run; values: enum record_cannot. text: one sentence */ \
    PLAIN(NOTE, note) /* text: one sentence for the report; no finding */ \
    PLAIN(MAPS, maps) /* text: a piece of /proc/self/maps. values: 1 on the first piece */ \
    /* text: path of a module's file; its import name; its distribution, "numpy 2.2.2", or "" */ \
    PLAIN(PACKAGE, package) \
    /* values: enum record_exception. text: "Type: message"; the same without numbers; its traceback, the innermost \
     * frame last, "line function file" and a line break for each; statement */ \
    FOUND(EXCEPTION, exception, EXCUSE(EXCEPTION_SERIAL) | EXCUSE(EXCEPTION_MUTABLE) | EXCUSE(EXCEPTION_AGAIN)) \
    /* values: enum record_invariant. text: input's name, sentence, statement */ \
    FOUND(INVARIANT, invariant, EXCUSE(INVARIANT_SERIAL)) \
    /* values: enum record_write. text: input, statement, sentence, hex before, after. frames */ \
    FOUND(WRITE, write, EXCUSE(WRITE_SERIAL) | EXCUSE(WRITE_KEPT)) \
    FOUND(UNDERFLOW, underflow, 0) /* text: input, statement or "" */ \
    ENDED(CRASH, crash, 0) /* values: enum record_crash. text: statement. frames */ \
    FOUND(HEAP, heap, 0) /* values and texts: violation.h. frames: three stacks */ \
    FOUND(CORRUPT, corrupt, 0) /* values: enum record_corrupt. text: sentence, signature, statement */ \
    /* values: enum record_diverge. text: "gives ... under threads, ... on one thread", statement */ \
    FOUND(DIVERGE, diverge, 0) \
    /* The call of the finding before it met a stall; values: enum record_stall. text: statement. frames: the \
     * instruction of the thread that stalled, and one of another thread that touched the word meanwhile */ \
    FOUND(STALL, stall, EXCUSE(STALL_IS_NO_FINDING)) \
    /* values: enum record_race. text: input's name or "", statement. frames: two stacks */ \
    FOUND(RACE, race, 0) \
    /* Meetings of the roles gave what no order of the calls gives; values: enum record_unordered. text: what \
     * --check gives, or ""; the results of each role; the state */ \
    FOUND(UNORDERED, unordered, 0) \
    PLAIN(ROLE, role) /* values: enum record_role. text: statement, kind of its operations, its function or "" */ \
    PLAIN(MEETINGS, meetings) /* values: enum record_meetings. text: what is not compared, and why, one a line */ \
    /* values: enum record_row: a row of the table of outcomes. text: the first order that gives it, "1 2"; the \
     * results of each role; the state */ \
    PLAIN(ROW, row) \
    /* One of the plan's statements; values: enum record_statement. text: its source, "" for the `pass` of an idle \
     * body; the names of the objects that it uses; the modules of all names in it; both separated by commas; the \
     * function of a package that it calls, or "". */ \
    PLAIN(STATEMENT, statement) \
    /* values: enum record_compared. text: statement, why its results are not compared, why its exceptions are not */ \
    PLAIN(COMPARED, compared) \
    PLAIN(AUDIT, audit) /* values: enum record_audit. text: name, type, container */ \
    /* values: enum record_arm: calls at each point of a series; sent before the series */ \
    PLAIN(ARM, arm) \
    PLAIN(SERIES, series) /* values: enum record_series. text: name, path to the holder. frames: allocation site */ \
    /* values: enum record_left. text: type or site, module, holder. frames: the allocation site */ \
    PLAIN(LEFT, left) \
    PLAIN(FINISHED, finished) /* the child has reached its end; values: enum record_finished */
/* clang-format on */

#define RECORD_ENUM(id, ...) RECORD_##id,
enum record_type { RECORD_LIST(RECORD_ENUM, RECORD_ENUM, RECORD_ENUM) RECORD_TYPES };

/* FACT_VALUE: FACT_GIL: is the GIL on; FACT_CHANGES: enum changes. FACT_WRITES: the arrays that the writer writes.
 * FACT_TRACED: most words at once that two threads touch and one writes; and FACT_CALLS: calls that were stepped. */
enum record_fact { FACT_KIND, FACT_VALUE, FACT_CALLS };
enum fact_kind { FACT_GIL, FACT_CHANGES, FACT_WRITES, FACT_TRACED };
/* Do the statements change shared objects? */
enum changes { CHANGES_NONE, CHANGES_POSSIBLE, CHANGES_SEEN };
enum record_cannot { CANNOT_STATUS, CANNOT_REASON };
enum cannot_reason { CANNOT_OTHER, CANNOT_GIL }; /* CANNOT_GIL: the GIL is on */
/* EXCEPTION_AGAIN: the count of what was sent before; EXCEPTION_HOW: enum exception_how. */
enum record_exception {
    EXCEPTION_COUNT,
    EXCEPTION_MUTABLE,
    EXCEPTION_SERIAL,
    EXCEPTION_AGAIN,
    EXCEPTION_HOW
};
/* What raised it, in the innermost frame: a statement `raise`; an operation, such as a call of compiled code; or one
 * with the type that containers raise where another thread changes them. */
enum exception_how { RAISED_BY_STATEMENT, RAISED_BY_OPERATION, RAISED_BY_CONTAINER };
enum record_invariant { INVARIANT_COUNT, INVARIANT_SERIAL };
enum record_write {
    WRITE_OFFSET,
    WRITE_SIZE,
    WRITE_METADATA,
    WRITE_KEPT,
    WRITE_SAME,
    WRITE_COUNT,
    WRITE_SERIAL
};
enum record_crash { CRASH_SIGNAL, CRASH_CODE, CRASH_ADDRESS, CRASH_TID };
/* Of the detectors arena and pyheap: memory that the guard does not own. */
enum record_corrupt { CORRUPT_DETECTOR, CORRUPT_ADDRESS, CORRUPT_COUNT };
/* STATEMENT_NUMBER counts over all bodies; -1: left out. STATEMENT_PLAIN: all names in it belong to the interpreter and
 * its library. */
enum record_statement { STATEMENT_NUMBER, STATEMENT_ROLE, STATEMENT_PLAIN };
enum record_diverge { DIVERGE_COUNT };
/* STALL_OWN: the call itself stalled; else it touched the word while another thread stalled there. */
enum record_stall { STALL_IS_NO_FINDING, STALL_WORD, STALL_OWN };
/* How a store depends on a value that was loaded before. */
enum instruction_flow {
    FLOW_NONE,  /* not, or it is not known */
    FLOW_VALUE, /* it stores the value, or what was made from it */
    FLOW_LINK, /* it stores the address of memory that is filled with the value, as where a list gets a new head */
    FLOW_RELEASE /* it stores another value in its place, and the old one is released */
};
/* An update of memory that is lost, because another thread's write came in between. */
enum record_race {
    RACE_ADDRESS,
    RACE_SIZE,
    RACE_STORE, /* address of the instruction that stores what was made from the loaded value; 0: one did both */
    RACE_FLOW,   /* enum instruction_flow */
    RACE_BEFORE, /* values of the memory before and after the other thread's write, */
    RACE_AFTER,
    RACE_STORED, /* and after the store */
    RACE_OTHER,  /* worker that wrote in between */
    RACE_OTHER_SIZE,
    RACE_OTHER_READS, /* it read and wrote in one instruction */
    RACE_OTHER_LOCKED,
    RACE_FRAMES /* frames of the first stack; the others are the other thread's */
};
/* UNORDERED_ARRAYS: the statements change shared arrays. */
enum record_unordered { UNORDERED_SERIAL, UNORDERED_CHECK, UNORDERED_ARRAYS };
enum record_role { ROLE_NUMBER, ROLE_PLAIN };
enum record_meetings { MEETINGS_COUNT, MEETINGS_TIME, MEETINGS_ORDERS, MEETINGS_ROLES, MEETINGS_OTHERS };
enum record_row { ROW_COUNT, ROW_SERIAL, ROW_FAILED, ROW_ROLES };
/* The first two are an enum looked; COMPARED_CALLS: results that were compared. */
enum record_compared { COMPARED_RESULTS, COMPARED_EXCEPTIONS, COMPARED_CALLS };
/* Of several children the greatest counts. LOOKED_OFF: the detector is off; LOOKED_ENDED: it turned out to be in
 * vain. */
enum looked { LOOKED_OFF, LOOKED_NOT, LOOKED_YES, LOOKED_ENDED };
/* Points of a series: the moment before its first window, and the end of each window. */
#define RECORD_POINTS 9
enum record_audit {
    AUDIT_RELATION,
    AUDIT_KIND,
    AUDIT_OBJECTS,
    AUDIT_NPOINTS,
    AUDIT_HAS_POINTERS, /* the pointers to the objects were counted, too: */
    AUDIT_POINTERS,     /* their change after the first windows */
    AUDIT_POINTS
};
enum record_arm { ARM_ARM, ARM_NPOINTS, ARM_POINTS }; /* calls since the first point */
/* ARM_ARM and SERIES_ARM are the same value, an enum counted_arm, so that readers can select both by it. */
enum record_series {
    SERIES_ARM = ARM_ARM,
    SERIES_OF,
    SERIES_NPOINTS,
    SERIES_IMMORTAL,
    SERIES_HOLDER,
    SERIES_POINTS
};
enum record_left {
    LEFT_OF,                                 /* enum series_of */
    LEFT_FIRST,                              /* made during the first calls of the statements */
    LEFT_PARTS,                              /* made later, in each of COUNTED_PARTS parts of the calls */
    LEFT_CALLS = LEFT_PARTS + COUNTED_PARTS, /* of each part */
    LEFT_BYTES = LEFT_CALLS + COUNTED_PARTS,
    LEFT_HOLDER,   /* enum holder */
    LEFT_IMMORTAL, /* objects of all types that the interpreter made immortal meanwhile */
    LEFT_ADDRESS,  /* of the static variable that refers to it */
};
enum record_finished {
    FINISHED_CALLS,
    FINISHED_TIME,
    FINISHED_ROUNDS,
    FINISHED_BLOCKS,
    FINISHED_WALKED,
    FINISHED_WALK_TIME
};

struct record {
    uint32_t size; /* bytes on the wire, this head included */
    uint16_t type; /* enum record_type */
    uint16_t worker;
    uint32_t iteration;
    uint16_t nframes;
    uint16_t ntexts;
    int64_t values[RECORD_VALUES];
    uint64_t frames[RECORD_FRAMES]; /* return addresses, innermost first; only nframes are on the wire */
    char texts[RECORD_TEXT];        /* ntexts NUL-terminated strings */
    uint32_t text_size;             /* not on the wire */
};

/* Async-signal-safe. Text that does not fit is cut at a character boundary of UTF-8. */
void record_begin(struct record *record, enum record_type type, uint16_t worker);
void record_add_text(struct record *record, const char *text);
void record_add_frames(struct record *record, const uint64_t *frames, size_t n);

/* Writes the record to fd, or with fd < 0 as text to standard error. Async-signal-safe with fd >= 0. Returns 0 or
 * -errno. */
int record_send(const struct record *record, int fd);

/* Guards the descriptor: a record is not sent when the target closed it or put another file in its place. `*lost`
 * becomes 1 then. Child main, before any other thread. */
void record_guard(int fd, _Atomic uint32_t *lost);

/* Is the guarded descriptor closed or another file? Async-signal-safe. */
bool record_lost(void);

/* Sends a record of child main with these values and texts. As record_send:
 *     RECORD_SEND(wire, RECORD_CANNOT, .values = {[CANNOT_STATUS] = status}, .texts = {sentence});
 */
struct record_content {
    int64_t values[RECORD_VALUES];
    const char *texts[6]; /* ends at NULL */
};
#define RECORD_SEND(fd, type, ...) record_send_content(fd, type, &(struct record_content){__VA_ARGS__})
int record_send_content(int fd, enum record_type type, const struct record_content *content);

/* The i-th text, "" when there are fewer. Valid as long as the record. */
const char *record_text(const struct record *record, unsigned i);

const char *record_type_name(enum record_type type);

/* Does nothing: record_send calls it before a record that shows the bug, so that a debugger stops in the thread that
 * saw it. */
void record_found(const struct record *record);

/* Does this record show the bug, by the row of its type? */
bool record_is_hit(const struct record *record);

/* Collects bytes until they are whole records. */
struct record_reader {
    char *bytes;
    size_t size, room;
};

/* Reads the bytes that the descriptor has now. Returns their number, 0 at its end, or -errno (-EAGAIN: nothing now). */
int record_read(struct record_reader *reader, int fd);

/* Takes the next whole record. Returns 1, 0 when there is none yet, or -EPROTO when the stream is broken. */
int record_next(struct record_reader *reader, struct record *record);
void record_reader_clear(struct record_reader *reader);
