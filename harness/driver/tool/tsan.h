/* ThreadSanitizer: what must hold before a run without reports means anything. Driver, one thread.
 *
 * There are five known ways to run clean and find nothing: the layout of the address space, a limit on it, the GIL,
 * files that are not instrumented, and statements that never ran. For each the reason is one sentence (tsan_way.h), and
 * the run ends in "could not test". */
#pragma once

#include <stdbool.h>

#include "base/process.h"
#include "base/sentence.h"
#include "driver/finding/note.h"
#include "driver/log/suppression.h"
#include "driver/outcome/outcome.h"

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
 * On success *tsan is the caller's. Returns 0, or with *error: -EINVAL for a wrong file of suppressions, or another
 * -errno when ThreadSanitizer cannot be trusted here. */
int tsan_prepare(struct tsan *tsan, const char *user, struct sentence *error);
void tsan_clear(struct tsan *tsan);

/* Reads from an outcome which files are not instrumented, and whether the canary was reported. Returns true and fills
 * *ret when no result of this child can be trusted. */
bool tsan_take_child(struct tsan *tsan, const struct outcome *outcome, struct sentence *ret);

/* Returns true and fills *ret when a run of this many threads without reports means nothing. */
bool tsan_doubt(const struct tsan *tsan, unsigned threads, struct sentence *ret);

/* Notes canaries, delays, files that are not instrumented, and suppressions with their use; with `all`, unused ones of
 * CPython's list, too. */
void tsan_note(const struct tsan *tsan, bool all, struct note_list *notes);

/* Does the runtime's list of options have adaptive delays? */
bool tsan_has_delays(const char *help);

/* Is it a file of machine code that never calls the runtime? Other files, such as sources, are not bare. */
bool tsan_is_bare(const char *path);
