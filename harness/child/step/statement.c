#include "child/step/statement.h"

#include "core/wire/landmarks.h"

/* The assembly behind the call keeps the compiler from making it a jump, and from merging the functions. */
#define ONE(n)                                                                                               \
    static __attribute__((noinline)) PyObject *LANDMARK_STATEMENT(n)(struct bound_step * bound,              \
                                                                     PyObject * names)                       \
    {                                                                                                        \
        PyObject *result = bound->is_plain ? step_call_plain(bound) : step_run(bound, names);                \
        __asm__ volatile("# statement " #n : "+r"(result));                                                  \
        return result;                                                                                       \
    }
#define NAME(n) LANDMARK_STATEMENT(n),
#define EIGHT(m, n) m(n##0) m(n##1) m(n##2) m(n##3) m(n##4) m(n##5) m(n##6) m(n##7)
/* Octal, so that EIGHT can make all names. */
/* clang-format off */
#define ALL(m)                                                                                               \
    EIGHT(m, 0) EIGHT(m, 1) EIGHT(m, 2) EIGHT(m, 3) EIGHT(m, 4) EIGHT(m, 5) EIGHT(m, 6) EIGHT(m, 7)          \
    EIGHT(m, 10) EIGHT(m, 11) EIGHT(m, 12) EIGHT(m, 13) EIGHT(m, 14) EIGHT(m, 15) EIGHT(m, 16) EIGHT(m, 17)
/* clang-format on */

ALL(ONE)

statement_function *const statement_functions[STATEMENTS_MAX] = {ALL(NAME)};
