/* The ThreadSanitizer mode: what must hold before its silence means anything. Driver, one thread.
 *
 * There are five well-known ways to run clean and find nothing: the layout of the address space, a limit on it, the GIL, files that are not instrumented, and statements that never ran. For
 * each the reason is one sentence (tsan_way.h), and the run ends in "could not test".
 */
#pragma once

#include <stdbool.h>

#include "base/sentence.h"
#include "driver/finding/note.h"
#include "driver/log/suppression.h"
#include "driver/outcome/outcome.h"

struct tsan {
    char *child; /* path of ftstress-child-tsan */
    struct suppression_list suppressions;
    bool delays; /* the runtime has adaptive delays, and they are on */
    char **bare; /* extension modules and libraries of packages that are not instrumented */
    size_t nbare;
    char **seen; /* files that were looked at already */
    size_t nseen;
    unsigned canaries, children; /* that reported the canary, of those that started */
};

/* Is there an instrumented child beside this program? */
bool tsan_is_set_up(void);

/* Changes this process for all that it starts: no randomised layout, no limit on the address space where that can be
 * lifted, no foreign options. Shows that the canary is reported. `user` is a file of suppressions, or
 * NULL. On success *tsan is the caller's. Returns 0, -EINVAL for a wrong file of
 * suppressions, or another -errno when ThreadSanitizer cannot be trusted here. */
int tsan_prepare(struct tsan *tsan, const char *user, struct sentence *error);
void tsan_clear(struct tsan *tsan);

/* What a child left behind: which of its files are not instrumented, and whether its canary was reported. Returns a
 * sentence (the caller's) when nothing that this child says can be trusted, or NULL. */
bool tsan_take_child(struct tsan *tsan, const struct outcome *outcome, struct sentence *ret);

/* Why silence of a run with so many threads means nothing: a sentence, the caller's, or NULL. */
char *tsan_doubt(const struct tsan *tsan, unsigned threads);

/* What a report says of it: canaries, delays, files that are not instrumented, suppressions used and unused; with
 * `all`, also those that nobody here could take out. */
void tsan_tell(const struct tsan *tsan, bool all, struct note_list *notes);

/* What to add to the runtime's options for adaptive delays, or NULL when its list of options has none. */
const char *tsan_delay_option(const char *help);

/* A file of machine code that never calls the runtime? Others, such as sources, are not. */
bool tsan_is_bare(const char *path);
