/* ThreadSanitizer: what must hold before a run without reports means anything. Driver, one thread.
 *
 * There are five known ways to run clean and find nothing: the layout of the address space, a limit on it, the GIL,
 * files that are not instrumented, and statements that never ran, which the child reports itself. For each the reason
 * is one sentence, and the run ends in "could not test". */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/process.h"
#include "base/sentence.h"
#include "driver/log/suppression.h"
#include "driver/outcome/outcome.h"
#include "driver/tool/probe_run.h"

/* Multiplies limits of time: instrumented code is that much slower. */
#define TSAN_PATIENCE 10

struct tsan {
    char *child;          /* path of ftstress-child-tsan */
    struct launch launch; /* of every instrumented program */
    struct suppression_list suppressions;
    bool delays; /* the runtime has adaptive delays, and they are on */
    char **bare; /* extension modules and libraries of packages that are not instrumented */
    size_t nbare;
    char **seen; /* files that were checked already */
    size_t nseen;
    unsigned canaries, children; /* children that reported the canary, of those that started */
};

/* Is there an instrumented child beside this program? */
bool tsan_is_set_up(void);

/* Checks the ways that show before a run, and that the canary is reported. `user` is a file of suppressions, or NULL.
 * *tsan is the caller's in any case. Returns 0, or with *error: -EINVAL for a wrong file of suppressions, or another
 * -errno when ThreadSanitizer cannot be trusted here. */
int tsan_prepare(struct tsan *tsan, const char *user, struct sentence *error);
void tsan_clear(struct tsan *tsan);

/* Reads from an outcome which files are not instrumented, and whether the canary was reported. Returns true and fills
 * *ret when no result of this child can be trusted. */
bool tsan_take_child(struct tsan *tsan, const struct outcome *outcome, struct sentence *ret);

/* Returns 0 where the program reported the planted race, or -ENOEXEC with *error. */
int tsan_explain_canary(const struct probe_job *job, struct sentence *error);

/* What CPython's list of suppressions says of all its rules. */
extern const struct suppression_defaults tsan_cpython;

/* Does the runtime's list of options have adaptive delays? */
bool tsan_has_delays(const char *help);

/* Is it a file of machine code that never calls the runtime? Other files, such as sources, are not bare. */
bool tsan_is_bare(const char *path);

/* tsan_way.c: what to do about a limit on the address space. */
extern const char tsan_way_unlimited[];
/* tsan_way.c: return true and fill *ret when something is in the way: addresses that are randomised, where a program
 * cannot have a fixed layout; a limit on the address space that a program cannot lift; a child that had the GIL; files
 * of packages that are not instrumented. */
bool tsan_way_layout(struct sentence *ret);
bool tsan_way_limit(struct sentence *ret);
bool tsan_way_gil(bool is_on, struct sentence *ret);
bool tsan_way_bare(char *const *paths, size_t n, struct sentence *ret);
