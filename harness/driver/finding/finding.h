/* A finding: one bug, however often it was seen. Driver.
 *
 * Findings with the same signature are one. The list is in order of first sight until finding_list_sort.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/plan/detector_list.h"
#include "core/plan/plan.h"
#include "core/wire/scene.h"
#include "core/wire/violation.h"
#include "driver/finding/deadlock.h"
#include "driver/finding/evidence.h"
#include "driver/symbol/symbol.h"

/* Stable names in the JSON report; in the order of design.md. */
enum finding_kind {
    FINDING_HEAP_CORRUPTION,
    FINDING_USE_AFTER_FREE,
    FINDING_DOUBLE_FREE,
    FINDING_CRASH,
    FINDING_HANG,
    FINDING_INPUT_MUTATED,
    FINDING_WRONG_RESULT,
    FINDING_EXCEPTION,
    FINDING_REFCOUNT_UNDERFLOW,
    FINDING_REFERENCE_LEAK,
    FINDING_MEMORY_GROWTH,
    FINDING_SHUTDOWN_LEAK,
    FINDING_DATA_RACE,
    FINDING_INTERPRETER_FAULT,
    FINDING_KINDS
};

/* Stable names in the JSON report. In the order of a report: first what explains other findings, then the worst. */
enum severity {
    SEVERITY_HIDDEN_MUTATION,
    SEVERITY_DATA_RACE,
    SEVERITY_CRASH,
    SEVERITY_HANG,
    SEVERITY_WRONG_RESULT,
    SEVERITY_EXCEPTION,
    SEVERITY_LEAK,
    SEVERITY_USER_ERROR,
    SEVERITIES
};

struct finding_python {
    char *function;
    char *file; /* NULL: `function` is the text of the statement that a worker runs */
    int line;   /* 0: not known */
};

struct known;
struct verification;

struct finding_stack {
    char *title;
    struct symbol_stack stack;
    /* For a thread at a crash or a hang; zero for any other stack. */
    pid_t tid;
    int worker;                    /* its number; -1: not a worker, or not known */
    struct finding_python *python; /* innermost first */
    size_t npython;
    uint32_t more_python, more_native; /* frames below that are left out; of native ones only 0 or not */
    size_t same_as;                    /* index of the first equal stack, which may be its own */
};

/* The state of a thread when its process ended. */
struct finding_end {
    uint64_t calls;
    char *inside; /* the statement, or NULL between calls */
    bool crashed;
};

struct finding {
    char id[12];
    char former[12]; /* the id before another sight completed the finding, or "" */
    enum finding_kind kind;
    enum severity severity;
    enum detector_id detector;
    struct evidence evidence;
    /* Set once, by the blame stage. */
    enum blame blame;
    char *function; /* innermost of the guilty package, or NULL */
    char *package;  /* "numpy 2.2.2", or NULL */
    char *reason;   /* why */
    enum rung rung;
    bool serial;             /* one thread is enough */
    char *message;           /* one sentence */
    char *statement;         /* of the plan that ran, or NULL */
    char *input;             /* name of the array concerned, or NULL */
    char *plan;              /* YAML of the child's plan that showed it */
    uint32_t threads;        /* of that plan */
    uint32_t perturb;        /* of the plan of each child that showed it: bits of enum perturb */
    char *log_end;           /* the end of standard error, or NULL */
    struct violation *block; /* what the guard knows of the block concerned, or NULL */
    char *alias;             /* a second signature: the site's, or NULL */
    char *site;              /* where the block was made, as --focus takes it, or NULL */
    bool is_endless;         /* a hang with a thread that waits for no lock */
    bool stalls;             /* a line names the word at which a thread stalled then */
    bool trapped;            /* the instruction itself was caught: the function is certain */
    char *signature;
    bool is_signed; /* the signature is complete */
    char *cause;    /* id of the finding that explains this one, or NULL; set once, after verification */
    bool inherits;  /* it takes the blame of its cause */
    const struct known *known;     /* why it does not fail a run, or NULL; owned by the run */
    const struct known *regressed; /* the baseline has it as fixed, or NULL; owned by the run */
    char *behind;      /* id of the finding that hid this one until its statement was left out, or NULL */
    unsigned out_from; /* first child without its statement; 0: none */
    const struct verification *verification; /* its trials, or NULL; owned by the run */
    uint64_t count;                          /* times seen */
    unsigned hit, of;                        /* children that saw it, out of those that could */
    unsigned last_child;
    size_t order; /* of first sight */
    struct finding_stack *stacks;
    size_t nstacks;
    char **also_in; /* other statements that were caught in the act */
    size_t nalso_in;
    char **lines; /* sentences that explain it */
    size_t nlines;
    uint64_t *registers; /* SCENE_REGISTERS of the thread that crashed, or NULL */
    struct deadlock_wait *waits;
    size_t nwaits;
    struct finding_end *ends; /* of a crash or a hang: one for each thread of the plan */
    unsigned nends;
};

struct finding_list {
    struct finding **items;
    size_t n;
    char **kept; /* ids of earlier runs in the same folder, each with its signature as the report writes it */
    size_t nkept;
};

extern const char *const finding_kind_names[FINDING_KINDS];
extern const char *const finding_severity_names[SEVERITIES];

/* Replaces control characters with blanks; the line breaks of a statement stay. NULL is fine. */
void finding_make_printable(char *text, bool has_lines);

/* Completes the signature: with the function and the package that the evidence names, or else the statement, so that
 * failures of two packages with one message differ. Versions are left out: the next release has the same signature.
 * Returns false where nothing but the plan identifies the finding. */
bool finding_sign(struct finding *finding);
/* Adds a part to the signature. */
void finding_sign_by(struct finding *finding, const char *part, size_t length);

/* Signs a finding that is not signed, and adds it, or merges it into the one with the same signature, which keeps its
 * texts and stacks. Takes the finding over. Returns the finding in the list, or NULL without memory. */
struct finding *finding_list_add(struct finding_list *list, struct finding *finding, unsigned child);
void finding_free(struct finding *finding);
void finding_list_remove(struct finding_list *list, size_t at);
void finding_list_clear(struct finding_list *list);

/* Is it the signature as a report writes it, with '?' for bytes that are no UTF-8? */
bool finding_is_written_as(const char *signature, const char *written);

/* Adds a stack. Takes the title and the stack over. Returns 0 or -ENOMEM. */
int finding_add_stack(struct finding *finding, char *title, struct symbol_stack stack);

/* Adds a sentence that explains the finding. Takes it over; NULL is ignored. Returns 0 or -ENOMEM. */
int finding_add_line(struct finding *finding, char *line);

/* Returns true where the statements change shared arrays, and verification shows no failure without that. */
bool finding_is_users(const struct finding *finding);

/* Returns the suspect before any trial. */
struct suspect finding_suspect(const struct finding *finding);

/* Returns the only finding with this severity, or NULL. *ret_n: the number of them. */
struct finding *finding_list_only(const struct finding_list *list, enum severity severity, size_t *ret_n);
/* Finds it by its id, or by its former one. */
struct finding *finding_list_find(const struct finding_list *list, const char *id);
/* Makes the id of a finding anew after its signature changed, so that it does not depend on the first sight. Returns
 * false where it stays. */
bool finding_list_rename(const struct finding_list *list, struct finding *finding);

/* Sorts by severity, with consequences last. */
void finding_list_sort(struct finding_list *list);
