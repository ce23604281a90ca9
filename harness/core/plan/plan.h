/* A plan: everything that one run does. The user writes it as YAML, the command line builds one, and each child reads
 * one. Plain data that owns its strings. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/plan/recipe.h"

#define PLAN_THREADS_MAX 256
#define PLAN_INPUTS_MAX 64
#define PLAN_STEPS_MAX 64
#define PLAN_OUTCOME_ROLES_MAX 4

/* The only tool to run a child under: in plans, and the name of its program. */
#define PLAN_TOOL "valgrind"

/* How threads share inputs, the lowest sharing level first. */
enum rung { RUNG_PRIVATE, RUNG_READONLY, RUNG_ONE_WRITER, RUNG_ALL, RUNG_COUNT };
extern const char *const rung_names[RUNG_COUNT]; /* private, readonly, one-writer, all */

struct plan_input {
    char *name;   /* a Python identifier */
    char *recipe; /* its text; plan_check parses it */
};

/* Strings may be NULL unless it says otherwise. */
struct plan {
    char *name;         /* the name of the run in reports; never NULL after plan_check */
    char *about;        /* one line for `ftstress list` */
    char *native;       /* a compiled scenario of the child, called instead of Python steps */
    char *setup;        /* Python, run once in each round before its inputs are used */
    char *thread_setup; /* Python, run by each worker in its own namespace */
    struct plan_input *inputs;
    unsigned ninputs;
    char **steps; /* statements of one body, run in order by every thread */
    unsigned nsteps;
    char **roles; /* instead of steps: thread i runs roles[i % nroles] */
    unsigned nroles;
    /* Statements, as Python's ast.unparse prints them, to run once before the threads: their results are used after. */
    char **leave_out;
    unsigned nleave_out;
    /* Names, separated by commas, of inputs and setup objects of which each thread has its own at every sharing
     * level. */
    char *private;
    /* Python that writes to shared objects between calls: thread 0 runs it at one-writer, every thread at all. */
    char *writer;
    char *fresh; /* key `new`: Python to run instead of the steps when each call must bring something new */
    uint64_t budget; /* bytes of compiled code and its data that a call of `new` may add; 0: any number */
    char *release;   /* Python that frees what the calls keep, for the detectors of leaks */
    char **audit;    /* names or expressions of objects to count references of; none: all of them */
    unsigned naudit;
    char **raises; /* classes of exceptions, between commas: a statement that raises one has returned */
    unsigned nraises;
    uint32_t threads;
    uint64_t time;       /* nanoseconds for the whole run; 0 with iterations: no limit */
    uint64_t iterations; /* of each thread; 0: until the time is over */
    uint64_t seed;
    uint64_t
        draw; /* what perturbations draw follows from it and the seed: each child of a run has another one */
    enum rung share;
    uint32_t detect;  /* DETECTOR_BIT()s */
    uint32_t perturb; /* bits of enum perturb */
    char *members;    /* names of the members of the portfolio that have turns, with commas; NULL: all */
    char *guard;      /* settings of the guard (guard_option.h) */
    char *focus;      /* allocation sites to put blocks of between inaccessible pages (heap/site.h) */
    char *under;      /* the tool to run the child under: PLAN_TOOL */
    bool stop_on_first;
    bool outcome; /* compare outcomes of meetings with those of all orders of the statements */
    char *state;  /* for outcome: expression for the state of the shared objects; NULL: their values */
    char *check;  /* for outcome: expression that is true after each meeting; or NULL */
};

/* Defaults: 8 threads, 10 s, every cheap detector, sharing level readonly, seed 0 (the driver draws one). */
void plan_init(struct plan *plan);
void plan_clear(struct plan *plan);
void plan_input_clear(struct plan_input *input);

/* Grow the lists; the text is copied. Return 0, -ENOMEM, or -E2BIG past the maximum. */
int plan_add_input(struct plan *plan, const char *name, const char *recipe);
int plan_add_text(char ***texts, unsigned *n, const char *text);

/* The seed of what perturbations draw. */
uint64_t plan_perturb_seed(const struct plan *plan);

/* The stream of an input's bytes (recipe_fill), which its name alone decides: a plan with other inputs beside it fills
 * it alike. */
uint64_t plan_input_stream(const struct plan *plan, size_t input);

/* Checks bounds, identifiers, recipes, and that there is something to run. On failure `error` is one sentence that
 * includes the remedy. Returns 0 or -EINVAL or -EOVERFLOW. */
int plan_check(const struct plan *plan, char *error, size_t error_size);

/* Reads a YAML file and calls plan_check. On failure `error` is one sentence with file and line
 * ("somersd.yaml:3: unknown key 'thraeds'; the keys are …"). *plan must be initialised; keys that the file
 * does not have keep their values. Returns 0 or -errno. */
int plan_load(const char *path, struct plan *plan, char *error, size_t error_size);

/* Sets the threads of a plan with `outcome`: one for each role, or 2 where there is one body, unless -t gave a number.
 * On failure `error` is one sentence. Returns 0 or -EINVAL. */
int plan_settle_outcome(struct plan *plan, bool gave_threads, char *error, size_t error_size);

/* Is the name one of `private`? */
bool plan_is_private(const struct plan *plan, const char *name);

/* Is this class one of `raises`? class: "json.decoder.JSONDecodeError", or "ValueError" for a builtin. A declared name
 * without a module fits any module; of a module only the first name counts. */
bool plan_declares(const struct plan *plan, const char *class);

/* The same for one declared name, of this length. */
bool plan_names_class(const char *class, const char *declared, size_t length);

/* Text that plan_load reads back to an equal plan. On success *ret_text is the caller's. Returns 0 or -errno. */
int plan_print(const struct plan *plan, char **ret_text);
