/* Evidence: what judges collect about who is behind a finding. The blame stage decides on it, once, after verification.
 * Driver. Owned strings. */
#pragma once

#include <stdbool.h>

/* Stable names in the JSON report. */
enum blame { BLAME_TARGET, BLAME_INTERPRETER, BLAME_USER, BLAME_UNKNOWN };
extern const char *const blame_names[];

/* What names the suspect. */
enum evidence_by {
    EVIDENCE_NONE,
    EVIDENCE_STACK,     /* the innermost frame where it broke */
    EVIDENCE_CAUGHT,    /* the innermost frame at the instruction, or the call, that is the fault itself */
    EVIDENCE_BLOCK,     /* the allocation site of the damaged block */
    EVIDENCE_ALLOCATOR, /* none: an allocation met what was damaged before */
    EVIDENCE_LOSS,      /* the allocation site of what grows or is left */
    EVIDENCE_ACCESS,    /* of two racing accesses the one that writes */
    EVIDENCE_PYTHON,    /* Python code that waits for a lock of Python code */
    EVIDENCE_STAY,      /* Python code that blocks or loops without a lock */
    EVIDENCE_RAISED,    /* Python code that raised an exception which one thread does not raise */
    EVIDENCE_ASSERTED,  /* none: the called function, or one of another package, checks what others made */
    EVIDENCE_ABORT,     /* Python code that aborted: the interpreter printed no reason */
    EVIDENCE_FOREIGN, /* Python code that called what broke through ctypes or cffi, which check no argument */
    EVIDENCE_EXIT,    /* the process exited, which the interpreter does not do by itself */
    EVIDENCE_SENT,    /* a process sent the signal: the processor raised no fault */
    EVIDENCE_LIMIT,   /* the target lowered its own limit on memory, and memory ended */
    EVIDENCE_STATEMENT, /* the call that the only statement makes */
    EVIDENCE_NAME,      /* the module of a type, or the one that a library's report names */
    EVIDENCE_ORDER,     /* the operations of the roles: no order of them gives what a meeting gave */
    EVIDENCE_SHARING,   /* the sharing level: what the threads may do to shared inputs */
    EVIDENCE_WAYS
};

struct evidence {
    enum evidence_by by;
    enum blame blame;         /* that `by` alone suggests; never BLAME_USER */
    char *function, *package; /* of the suspect, "numpy 2.2.2"; or NULL */
    unsigned stacks, agree;   /* stacks that were seen, and those with this suspect */
    bool shares;              /* changes of arrays that the threads share explain such a failure */
    bool users;               /* the statements change arrays that they share, and one thread does not fail */
    bool library;             /* Python code of CPython's library runs there, whoever called it */
    bool alone;               /* no package's code is loaded, and the statements cannot break memory */
    char *call, *call_package; /* of the statement that may have broken what the interpreter meets; or NULL */
    char *follows;             /* id of the finding that is known to explain this one, or NULL */
};

/* The strings are borrowed. */
struct suspect {
    enum blame blame;
    const char *function, *package;
};

/* Sets the suspect. Takes the texts over. */
void evidence_set(struct evidence *evidence, enum evidence_by by, enum blame blame, char *function,
                  char *package);

/* Counts the stacks of another sight of the same finding. */
void evidence_merge(struct evidence *evidence, const struct evidence *other);

void evidence_clear(struct evidence *evidence);
