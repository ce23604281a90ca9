/* The parts of findings: packages, statements, stacks and counts of one child's outcome. Driver. */
#pragma once

#include "core/plan/detector_list.h"
#include "core/wire/counted.h"
#include "driver/finding/curve.h"
#include "driver/finding/run.h"
#include "driver/outcome/package.h"

struct judge {
    struct run *run;
    const struct plan *plan;
    struct outcome *outcome; /* findings take stacks out of it */
    unsigned child;
    struct symbols *symbols;

    bool writes_arrays;  /* the harness writes to shared arrays, for the sharing level */
    bool mutates_arrays; /* or the statements change shared arrays permanently */
};

/* judge_name.c: prints to a text. The caller's, NULL without memory. */
char *judge_format(const char *text, ...) __attribute__((format(printf, 1, 2)));

/* Suspects the call of the only statement of a run on one thread, for what no stack names: nothing else runs. Returns
 * false where there is no such call. */
bool judge_suspect_only(const struct judge *judge, struct finding *finding);

/* Makes a finding of this child, without suspect, message and signature. NULL without memory. */
struct finding *judge_new_finding(const struct judge *judge, enum finding_kind kind, enum severity severity,
                                  enum detector_id detector);

/* Returns "numpy 2.2.2" for the package with this import name and the file `module` (or NULL). The caller's. */
char *judge_name_package(const struct judge *judge, const char *module, const char *name);
/* Returns the same for the package at the start of a dotted path, such as "numpy.repeat"; NULL where it has no
 * extension module. The caller's. */
char *judge_package_of(const struct judge *judge, const char *path);

/* Returns "CPython 3.13.5". The caller's. */
char *judge_name_interpreter(const struct judge *judge);

/* Sets the suspect: the innermost frame of a package, or else of the interpreter. */
void judge_suspect_stack(const struct judge *judge, struct finding *finding, enum evidence_by by,
                         const struct symbol_stack *stack);
/* The same for a crash of the thread that wrote this page: where Python code of CPython's library made the call that
 * broke, the interpreter, whoever called that code. `page` may be NULL. */
void judge_suspect_crash(const struct judge *judge, struct finding *finding, const struct scene_page *page,
                         const struct symbol_stack *stack);
/* Sets the suspect: the package that allocated memory with this stack. */
void judge_suspect_maker(const struct judge *judge, struct finding *finding, enum evidence_by by,
                         const struct symbol_stack *stack);

/* Marks a finding as documented user error: the statements change arrays while other threads use them. */
void judge_mark_users(const struct judge *judge, struct finding *finding);

/* Does that where they are known to; else a later child may still show it. */
void judge_note_changes(const struct judge *judge, struct finding *finding);

/* Completes the evidence and adds the finding to the run. Takes it over. Returns the run's finding, which may be an
 * earlier one with the same signature, or NULL without memory. */
struct finding *judge_add(struct judge *judge, struct finding *finding);

/* judge_list.c: a list of types in words, "2 a, 1 b, and 4 more types". */
struct judge_list {
    const char *gap; /* between two */
    size_t max;      /* that are listed; more are only counted */

    size_t n;
    char *text;
};

void judge_list_add(struct judge_list *list, const char *entry, ...) __attribute__((format(printf, 2, 3)));
/* Returns the text. The caller's; NULL for no entry, or without memory. */
char *judge_list_end(struct judge_list *list);

/* Returns the number of calls in one iteration: the statements of a body. At least 1. */
double judge_per_iteration(const struct judge *judge);

/* judge_stack.c: returns the symbols of this child, opened at the first call; NULL when they cannot be opened. */
struct symbols *judge_symbols(struct judge *judge);
/* Symbolises addresses of this child. `exact`: the first is no return address. Free the stack. */
struct symbol_stack judge_stack(struct judge *judge, const uint64_t *frames, size_t n, bool exact);

/* Returns true for a frame in which the interpreter runs Python code. */
bool judge_runs_python(const struct symbol_frame *frame, enum owner owner);

/* Returns true where ctypes or cffi called C code of no package, and that broke: Python code named the function and its
 * arguments, which nothing checks. */
bool judge_is_in_foreign_call(const struct judge *judge, const struct symbol_stack *stack);

/* Returns the innermost frame of a package, as package_frame, unless Python code runs below it: what that code calls
 * is not the package's doing. Or NULL. */
const struct symbol_frame *judge_direct_frame(const struct judge *judge, const struct symbol_stack *stack,
                                              char *name, size_t size);

/* Finds the package that allocated memory with this stack. Both texts are the caller's, NULL for none. */
void judge_maker(const struct judge *judge, const struct symbol_stack *stack, char **ret_function,
                 char **ret_package);
/* Returns the number of the statement that a stack runs in its child: STATEMENT_NEW, or -1 for none. The child runs
 * each in a function of its own. */
int judge_statement_number(const struct judge *judge, const struct symbol_stack *stack);
/* Returns its source, or NULL. Borrowed. */
const char *judge_statement_text(const struct judge *judge, int number);

/* judge_series.c: finds a record by its type and variant, its series (or -1) and its name (or NULL). NULL: no growth
 * was counted. */
const struct record *judge_find_series(const struct judge *judge, enum record_type type, int64_t arm,
                                       int64_t of, const char *name);
/* Returns the points over the calls of the variant; points NULL: a flat curve. It is empty where the variant was not
 * run. */
struct curve judge_curve(const struct judge *judge, int arm, const int64_t *points, int64_t npoints);
/* Returns the series over the calls of the variant. */
struct curve judge_series_curve(const struct judge *judge, int arm, enum series_of of, const char *name);
/* Decides by the series of all variants whether it grows. */
enum growth_verdict judge_series(const struct judge *judge, enum series_of of, const char *name, int64_t unit,
                                 double *ret_rate);
