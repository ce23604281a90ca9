/* What the files of the judge share; nobody else's. */
#pragma once

#include "core/detector_list.h"
#include "driver/curve.h"
#include "driver/judge.h"

struct judge {
    struct report *report;
    const struct plan *plan;
    const struct outcome *outcome;
    unsigned child;
    struct symbols *symbols;
    const struct finding *leak; /* what nanobind's report says, which may abort the process; or NULL */
    bool mutates_arrays;        /* the statements change shared arrays for good */
};

char *judge_format(const char *text, ...) __attribute__((format(printf, 1, 2)));

/* A finding of this child, yet without blame, message and signature; NULL without memory. */
struct finding *judge_new_finding(const struct judge *judge, enum finding_kind kind, const char *severity,
                                  enum detector_id detector);

/* Addresses of this child; the first is an exact one, or a return address. */
struct symbol_stack judge_stack(struct judge *judge, const uint64_t *frames, size_t n, bool exact);

/* "numpy 2.2.2". The caller's. */
char *judge_name_package(const struct judge *judge, const char *name);
/* A function's name without what compilers add. The caller's; NULL for NULL. */
char *judge_plain_name(const char *function);

/* Function, package and blame by the innermost frame that is somebody's. */
void judge_blame_stack(const struct judge *judge, struct finding *finding, const struct symbol_stack *stack);

/* From now on the finding is a consequence of the other one. */
void judge_take_cause(struct finding *finding, const struct finding *cause);

void judge_label_user_error(const struct judge *judge, struct finding *finding);

/* judge_nanobind.c: the finding of nanobind's own report, or NULL. */
struct finding *judge_nanobind(struct judge *judge);

/* judge_heap.c: what the guard saw. */
void judge_heap(struct judge *judge, const struct record *record);
/* judge_growth.c: what grows with the calls. */
void judge_growth(struct judge *judge);
/* A series of an arm (0: equal calls) over its calls; points NULL: flat. No points when the arm was not run. */
struct curve judge_curve(const struct judge *judge, int arm, const int64_t *points, int64_t npoints);
/* judge_shutdown.c: what Python's end leaves behind; what is held after the calls. */
void judge_shutdown(struct judge *judge);
void judge_held(struct judge *judge);
/* Who asked for what was made with this stack; both are the caller's, NULL where no package is on it. */
void judge_maker(const struct judge *judge, const struct symbol_stack *stack, char **ret_function,
                 char **ret_package);
/* judge_refcount.c: crashes that follow from references released too often, leftovers from losses. */
void judge_link_counted(struct report *report);
/* judge_refcount.c: references released too often, or never. */
void judge_refcount(struct judge *judge);
/* judge_heap.c: which of the guard's findings follows from which. */
void judge_link_heap(struct report *report);
