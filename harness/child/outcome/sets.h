/* Sets of fresh objects: runs the part of the setup that makes the objects of the roles. Child main, attached, while
 * all roles wait. */
#pragma once

#include "child/outcome/observe.h"

/* Splits the setup, and compiles the expressions of the plan. On failure `error` is one sentence. Returns 0 or
 * -EINVAL. */
int sets_init(struct run *run, struct observer *observer, char *error, size_t size);
void sets_clear(struct observer *observer);

/* Makes n sets in place of the earlier ones. Returns false after sending the reason. */
bool sets_make(unsigned n);

/* Draws a word of a shared object for each set, to stall threads at it. */
void sets_draw_words(struct prng *prng);

/* Sends how each role touches the shared objects, for the judge. */
void sets_describe(int wire);
