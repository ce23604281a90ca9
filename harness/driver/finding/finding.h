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
    char *file; /* NULL: the statement that a worker runs, whose text `function` is */
    int line;   /* 0: not known */
};

struct verification;

struct finding_stack {
    char *title;
    struct symbol_stack stack;
    /* Of a thread at a crash or a hang; zero for any other stack. */
    pid_t tid;
    int worker;                    /* its number; -1: it is none of ours, or nobody knows */
    struct finding_python *python; /* innermost first */
    size_t npython;
    uint32_t more_python,
        more_native; /* frames that there are below; native ones: not 0, they are not counted */
    size_t same_as;  /* index of the first stack that is the same, most often its own */
};

/* A thread when its process ended. */
struct finding_end {
    uint64_t calls;
    char *inside; /* the statement, or NULL between calls */
    bool crashed;
};

struct finding {
    char id[12];
    enum finding_kind kind;
    enum severity severity;
    enum detector_id detector;
    struct evidence suspicion;
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
    char *evidence;          /* the end of standard error, or NULL */
    struct violation *block; /* what the guard knows of the block concerned, or NULL */
    char *alias;             /* a second signature: the site's, or NULL */
    char *site;              /* where the block was made, as --focus takes it, or NULL */
    bool trapped;            /* the guilty instruction itself was caught: the function is its */
    char *signature;
    char *cause;   /* id of the finding that explains this one, or NULL; set once, after verification */
    bool inherits; /* the blame of its cause */
    char *behind;  /* id of the one whose statement had to be left out before this one was seen, or NULL */
    unsigned out_from;                       /* child from which on its statement was left out; 0: never */
    const struct verification *verification; /* what running it again found out, or NULL; the report's */
    uint64_t count;                          /* times seen */
    unsigned hit, of;                        /* children that saw it, of those that could */
    unsigned last_child;
    size_t order; /* of first sight */
    struct finding_stack *stacks;
    size_t nstacks;
    char **lines; /* what explains the evidence, a sentence each */
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
};

extern const char *const finding_kind_names[FINDING_KINDS];
extern const char *const finding_severity_names[SEVERITIES];

/* Control characters become blanks. NULL is left alone. */
void finding_make_printable(char *text);

/* Takes the texts over. Merges with a finding of the same signature, which keeps its own texts and stacks. Returns the
 * finding in the list, or NULL without memory (the texts are freed then too). */
struct finding *finding_list_add(struct finding_list *list, struct finding *finding, unsigned child);
void finding_free(struct finding *finding);
void finding_list_remove(struct finding_list *list, size_t at);
void finding_list_clear(struct finding_list *list);

/* Adds a stack and what it shows; takes both over. Returns 0 or -ENOMEM. */
int finding_add_stack(struct finding *finding, char *title, struct symbol_stack stack);

/* Of a worker that ran no statement when the others were stopped: it waited for the next round. */
bool finding_stack_is_idle(const struct finding_stack *stack);

/* Adds a sentence that explains the evidence; takes it over, NULL is ignored. Returns 0 or -ENOMEM. */
int finding_add_line(struct finding *finding, char *line);

/* Do the statements cause it by what they do to shared arrays, as far as verification does not show otherwise? */
bool finding_is_users(const struct finding *finding);

/* Returns the suspect by the evidence of the judges; the blame stage starts from it. */
struct suspect finding_suspect(const struct finding *finding);

/* The only finding with this severity, or NULL. *ret_n: how many have it. */
struct finding *finding_list_only(const struct finding_list *list, enum severity severity, size_t *ret_n);
struct finding *finding_list_find(const struct finding_list *list, const char *id);

/* Most severe first, consequences last. */
void finding_list_sort(struct finding_list *list);
