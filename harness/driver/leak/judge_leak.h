/* Judges of memory: what grows with the calls, what is held after them, what is left at the end. Driver. */
#pragma once

#include "driver/evidence/judge_base.h"

/* Finds what grows with the calls. */
void judge_growth(struct judge *judge);
/* Notes what is held after the calls. */
void judge_held(struct judge *judge);
/* Finds what calls made and Python's end leaves behind. */
void judge_shutdown(struct judge *judge);
/* Finds references that are released too often, or never. */
void judge_refcount(struct judge *judge);
/* Takes Valgrind's report of this child: finds errors, and what the lengths so far show to grow. */
void judge_memcheck(struct judge *judge);

/* judge_growth_say.c: the statement that makes the calls of the variant that decides, or "". Borrowed. */
const char *judge_growth_statement(const struct judge *judge, enum growth_verdict verdict);
/* Says what grows. `list`: how much; `held`: by a holder that is known. The caller's. */
char *judge_say_growth(const struct judge *judge, enum growth_verdict verdict, const char *function,
                       const char *package, const char *list, bool held);
/* Notes code that is compiled in each new call, and the bytes that belong to it; a finding above the budget. */
void judge_say_code(struct judge *judge, double code, double native, enum detector_id detector);
