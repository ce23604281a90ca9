/* Judges of memory: what grows with the calls, what is held after them, what is left at the end. Driver. */
#pragma once

#include "driver/evidence/judge_base.h"
#include "driver/log/memcheck_log.h"

#define JUDGE_BYTES_UNIT 16    /* smaller changes of a sum of bytes count as none */
#define JUDGE_IMMORTAL_LEAST 8 /* immortal objects; fewer are not the interpreter's doing at work */
/* Of an object with fewer references than its holders account for, in its sentence and its signature. */
#define JUDGE_TOO_OFTEN "released too often"

/* Finds what grows with the calls. */
void judge_growth(struct judge *judge);
/* Notes memory that seems to grow, in an ordinary child. */
void judge_hint(struct judge *judge);
/* Notes what is held after the calls. */
void judge_held(struct judge *judge);
/* Finds what calls made and Python's end leaves behind. */
void judge_shutdown(struct judge *judge);
/* Finds references that are released too often, or never. */
void judge_refcount(struct judge *judge);
/* Sets the suspect: the function that a single statement calls, and its package where that has an extension module. */
void judge_suspect_call(const struct judge *judge, struct finding *finding);
/* Takes Valgrind's report of this child: finds errors, and what the lengths so far show to grow. */
void judge_memcheck(struct judge *judge);

/* judge_growth_say.c: the statement that makes the calls of the variant that decides, or "". Borrowed. */
const char *judge_growth_statement(const struct judge *judge, enum growth_verdict verdict);
/* Says what grows. `list`: how much; `held`: by a holder that is known. The caller's. */
char *judge_say_growth(const struct judge *judge, enum growth_verdict verdict, const char *function,
                       const char *package, const char *list, bool held);
/* judge_growth_note.c: notes what grows beside the findings: code, immortal objects, resident memory. */
void judge_growth_notes(struct judge *judge);
/* Notes code that is compiled in each new call, and the bytes that belong to it; a finding above the budget. */
void judge_say_code(struct judge *judge, double code, double native, enum detector_id detector);

#define JUDGE_MEMCHECK_FRAMES 64 /* of a stack in a report */

/* judge_memcheck_stack.c: symbolises frames again, with lines and inlined functions, where the files exist. */
struct symbol_stack judge_memcheck_stack(struct judge *judge, const uint64_t *ips, size_t n);
/* Replaces a C++ or Rust name by the one in its sources. */
void judge_memcheck_demangle(char **function);

/* judge_memcheck_leaks.c: adds a leak to the run of this child. */
void judge_memcheck_leak(struct judge *judge, struct memcheck *run, const struct memcheck_error *leak,
                         const struct symbol_stack *stack, bool is_harness);
/* Finds growth, once the lengths so far are enough. */
void judge_memcheck_lengths(struct judge *judge);
