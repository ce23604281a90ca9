/* What the files of the judge share; nobody else's. */
#pragma once

#include <stdio.h>

#include "core/plan/detector_list.h"
#include "driver/finding/curve.h"
#include "driver/judge/judge.h"

struct judge {
    struct run *run;
    const struct plan *plan;
    const struct outcome *outcome;
    unsigned child;
    struct symbols *symbols;
    const struct finding *leak; /* what nanobind's report says, which may abort the process; or NULL */
    bool writes_arrays;         /* the harness writes to shared arrays: the rung asks for it */
    bool mutates_arrays;        /* or the statements change shared arrays for good */
};

/* judge_finding.c: what findings are made of. A text; the caller's, NULL without memory. */
char *judge_format(const char *text, ...) __attribute__((format(printf, 1, 2)));

/* A finding of this child, yet without blame, message and signature; NULL without memory. */
struct finding *judge_new_finding(const struct judge *judge, enum finding_kind kind, enum severity severity,
                                  enum detector_id detector);

/* Addresses of this child; the first is an exact one, or a return address. */
/* The child's, opened at the first call; NULL where they cannot be. */
struct symbols *judge_symbols(struct judge *judge);
struct symbol_stack judge_stack(struct judge *judge, const uint64_t *frames, size_t n, bool exact);
/* The stack that a record brings, the first address an exact one. Free it. */
struct symbol_stack judge_symbolise(struct judge *judge, const struct record *record);

/* "numpy 2.2.2", of the package with this import name that the file `module` (or NULL) belongs to. The caller's. */
char *judge_name_package(const struct judge *judge, const char *module, const char *name);
/* A function's name without what compilers add. The caller's; NULL for NULL. */
char *judge_plain_name(const char *function);

/* Function, package and blame by the innermost frame that is somebody's. */
void judge_blame_stack(const struct judge *judge, struct finding *finding, const struct symbol_stack *stack);

/* From now on the finding is a consequence of the other one. */
void judge_take_cause(struct finding *finding, const struct finding *cause);

void judge_label_user_error(const struct judge *judge, struct finding *finding);

/* Settles the blame and adds to the report. Takes the finding over; returns the report's, which may be a known one of
 * the same signature, or NULL without memory. */
struct finding *judge_add(struct judge *judge, struct finding *finding);

/* judge_list.c: types in words, the first of them, and how many more there are: "2 a, 1 b, and 4 more types". */
struct judge_list {
    const char *gap; /* between two */
    size_t max;      /* in words */
    /* Its own. */
    size_t n;
    FILE *out;
    char *text;
    size_t size;
};

/* Where to write the next one, or NULL: it is only counted. */
FILE *judge_list_next(struct judge_list *list);
/* The caller's; NULL where there are none, or no memory. */
char *judge_list_end(struct judge_list *list);

/* judge.c: statements of a body, as the child told them: so many calls are one iteration. At least 1. */
double judge_per_iteration(const struct judge *judge);
/* Were the statements seen to change what they share? Not: can it be ruled out? */
bool judge_sees_changes(const struct judge *judge);

/* judge_statement.c: which statement a stack is of, by its number in the child: STATEMENT_NEW, or -1 for none. */
int judge_statement_number(const struct judge *judge, const struct symbol_stack *stack);
/* Its source, or NULL. Borrowed. */
const char *judge_statement_text(const struct judge *judge, int number);

/* The judge of each FOUND record, in a file named after what it judges. */
#define JUDGE_NONE(...)
#define JUDGE_DECLARE(id, name, excuses) void judge_##name(struct judge *judge, const struct record *record);
RECORD_LIST(JUDGE_NONE, JUDGE_DECLARE, JUDGE_NONE)

/* judge_end.c: how the child ended. After all else that it left behind: `leak` may be the cause. */
void judge_end(struct judge *judge);

/* judge_nanobind.c: the finding of nanobind's own report, or NULL. */
struct finding *judge_nanobind(struct judge *judge);

/* judge_heap_say.c: the statement that made the block, which is the plan's; NULL where none did. */
const char *judge_heap_statement(const struct plan *plan, const struct violation *violation);
/* The violation in one sentence. The caller's; NULL without memory. */
char *judge_heap_message(const struct judge *judge, const struct violation *violation);
/* judge_heap_link.c: adds a finding that has a signature, or completes the one that it is another sight of. Takes it
 * over. */
void judge_heap_add(struct judge *judge, struct finding *finding);
/* judge_growth.c: what grows with the calls. */
void judge_growth(struct judge *judge);
/* What grows, in a sentence; `list`: how much. The caller's. */
char *judge_say_growth(const struct judge *judge, enum growth_verdict verdict, const char *function,
                       const char *package, const char *list);
/* Code that is compiled in each new call, and the bytes that belong to it: a note, or a finding over the budget. */
void judge_say_code(struct judge *judge, double code, double native, enum detector_id detector);
/* A series of an arm (0: equal calls) over its calls; points NULL: flat. No points when the arm was not run. */
struct curve judge_curve(const struct judge *judge, int arm, const int64_t *points, int64_t npoints);
/* judge_maker.c: who asked for what was made with this stack; both are the caller's, NULL where no package did. */
void judge_maker(const struct judge *judge, const struct symbol_stack *stack, char **ret_function,
                 char **ret_package);
/* judge_shutdown.c: what Python's end leaves behind. judge_held.c: what is held after the calls. */
void judge_shutdown(struct judge *judge);
void judge_held(struct judge *judge);
/* judge_refcount.c: crashes that follow from references released too often, leftovers from losses. */
void judge_link_counted(struct run *run);
/* judge_refcount.c: references released too often, or never. */
void judge_refcount(struct judge *judge);
/* judge_heap_link.c: which of the guard's findings follows from which. */
void judge_link_heap(struct run *run);

/* judge_threads.c: a stack for each thread that a person may ask for, the one that crashed first. `crashed`: its id, or
 * 0; `stack`, taken over: its own, as it was sent. */
void judge_threads(struct judge *judge, struct finding *finding, pid_t crashed, struct symbol_stack stack);
/* Is it a worker, by what it wrote of itself or by its stack? */
bool judge_is_worker(const struct judge *judge, const struct symbol_thread *thread);
/* "16 bytes into a freed block of 64 bytes; the block is of f". */
void judge_say_block(struct judge *judge, const struct violation *block, char *text, size_t size);
/* Registers, and the faulting address in words. */
void judge_explain_crash(struct judge *judge, struct finding *finding, const struct record *crash);

/* judge_deadlock.c: who waits for what; those of a cycle come first. Returns "a deadlock: …", the
 * caller's, or NULL where no cycle is known. */
char *judge_waits(struct judge *judge, struct finding *finding);
/* Locks that Python code takes are that code's: blames its innermost function, where the thread waits for one, and no
 * native code of a package took it. */
bool judge_blame_python(const struct judge *judge, struct finding *finding,
                        const struct symbol_thread *thread);
/* judge_memcheck.c: what Valgrind wrote of this child, and what it makes of those before. */
void judge_memcheck(struct judge *judge);
/* judge_tsan.c: the races that ThreadSanitizer reported. */
void judge_tsan(struct judge *judge);
/* judge_tsan.c: a crash that its runtime told, and nobody else. Returns false when there is none. */
bool judge_tsan_crash(struct judge *judge);
/* judge_tsan.c: the race that explains the rest of a run, or NULL where there is none or more than one function. */
const struct finding *judge_link_tsan(const struct run *run);
