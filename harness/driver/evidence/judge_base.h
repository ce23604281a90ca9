/* What findings are made of: the outcome of one child, in terms of its packages, statements and counts. Driver. */
#pragma once

#include <stdio.h>

#include "core/plan/detector_list.h"
#include "core/wire/counted.h"
#include "driver/finding/curve.h"
#include "driver/finding/run.h"
#include "driver/outcome/outcome.h"

struct judge {
    struct run *run;
    const struct plan *plan;
    struct outcome *outcome; /* findings take stacks out of it */
    unsigned child;
    struct symbols *symbols;
    const struct finding *leak; /* what nanobind's report says, which may abort the process; or NULL */
    bool writes_arrays;         /* the harness writes to shared arrays: the rung asks for it */
    bool mutates_arrays;        /* or the statements change shared arrays for good */
};

/* judge_finding.c: what findings are made of. A text; the caller's, NULL without memory. */
char *judge_format(const char *text, ...) __attribute__((format(printf, 1, 2)));

/* A finding of this child, yet without suspect, message and signature; NULL without memory. */
struct finding *judge_new_finding(const struct judge *judge, enum finding_kind kind, enum severity severity,
                                  enum detector_id detector);

/* The symbols of this child, opened at the first call; NULL when they cannot be. */
struct symbols *judge_symbols(struct judge *judge);

/* Addresses of this child; the first is an exact one, or a return address. */
struct symbol_stack judge_stack(struct judge *judge, const uint64_t *frames, size_t n, bool exact);
/* The stack that a record brings, the first address an exact one. Free it. */
struct symbol_stack judge_symbolise(struct judge *judge, const struct record *record);

/* "numpy 2.2.2", of the package with this import name that the file `module` (or NULL) belongs to. The caller's. */
char *judge_name_package(const struct judge *judge, const char *module, const char *name);
/* The same of the package that a dotted path, such as "numpy.repeat", begins with; NULL where it has no extension
 * module. The caller's. */
char *judge_package_of(const struct judge *judge, const char *path);
/* A function's name without what compilers add. The caller's; NULL for NULL. */
char *judge_plain_name(const char *function);

/* "CPython 3.13.5". The caller's. */
char *judge_name_interpreter(const struct judge *judge);

/* Sets the suspect: the innermost frame of a package, or else of the interpreter. */
void judge_suspect_stack(const struct judge *judge, struct finding *finding, enum evidence_by by,
                         const struct symbol_stack *stack);
/* Sets the suspect: who asked for the memory with this stack. */
void judge_suspect_maker(const struct judge *judge, struct finding *finding, enum evidence_by by,
                         const struct symbol_stack *stack);

/* Marks a finding where the statements change arrays while other threads use them: documented user error. */
void judge_note_changes(const struct judge *judge, struct finding *finding);

/* Completes the evidence and adds the finding to the run. Takes it over; returns the run's, which may be a known one of
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

/* Returns the number of calls in one iteration: the statements of a body. At least 1. */
double judge_per_iteration(const struct judge *judge);
/* Returns true where the statements were seen to change what they share. */
bool judge_sees_changes(const struct judge *judge);

/* judge_statement.c: which statement a stack is of, by its number in the child: STATEMENT_NEW, or -1 for none. */
int judge_statement_number(const struct judge *judge, const struct symbol_stack *stack);
/* Its source, or NULL. Borrowed. */
const char *judge_statement_text(const struct judge *judge, int number);

/* judge_maker.c: finds the package that asked for what was allocated with this stack. Both texts are the caller's, NULL
 * where no package did. */
void judge_maker(const struct judge *judge, const struct symbol_stack *stack, char **ret_function,
                 char **ret_package);

/* judge_series.c: finds a record by type and arm, of a series (or -1) and of a name (or NULL). NULL: it did not grow. */
const struct record *judge_find_series(const struct judge *judge, enum record_type type, int64_t arm,
                                       int64_t of, const char *name);
/* Returns points of an arm over its calls; points NULL: flat. No points when the arm was not run. */
struct curve judge_curve(const struct judge *judge, int arm, const int64_t *points, int64_t npoints);
/* Returns the series of an arm over its calls. */
struct curve judge_series_curve(const struct judge *judge, int arm, enum series_of of, const char *name);
/* Decides by the series of all arms. */
enum growth_verdict judge_series(const struct judge *judge, enum series_of of, const char *name, int64_t unit,
                                 double *ret_rate);
