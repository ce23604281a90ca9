/* A plan: everything that one run does, as the user writes it (YAML), as the command line builds it, and as a
 * child is told it. Plain data, owned strings. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/plan/recipe.h"

#define PLAN_THREADS_MAX 256
#define PLAN_INPUTS_MAX 32
#define PLAN_STEPS_MAX 64

/* How inputs are shared, lowest rung first (design: three verdicts). */
enum rung { RUNG_PRIVATE, RUNG_READONLY, RUNG_ONE_WRITER, RUNG_ALL, RUNG_COUNT };
extern const char *const rung_names[RUNG_COUNT]; /* private, readonly, one-writer, all */

struct plan_input {
    char *name;   /* a Python identifier */
    char *recipe; /* its text; parsed with recipe_parse when the plan is checked */
};

struct plan {
    char *name;   /* what a report calls the run; never NULL after plan_check */
    char *about;  /* one line for `ftstress list`, or NULL */
    char *native; /* a compiled scenario of the child whose step is called instead of Python steps, or NULL */
    char *setup;  /* Python, run once before each round's inputs are taken into use; may be NULL */
    char *thread_setup; /* Python, run by each worker in its own namespace; may be NULL */
    struct plan_input *inputs;
    unsigned ninputs;
    char **steps; /* lines of one body, run in order by every thread */
    unsigned nsteps;
    char **roles; /* instead of steps: thread i runs roles[i % nroles] */
    unsigned nroles;
    char **
        leave_out; /* statements, as Python's ast.unparse prints them, that are run once and not again: what they
                         gave stands for them */
    unsigned nleave_out;
    char
        *private; /* names, separated by commas, of inputs and setup objects that each thread has for itself at every
                      rung; or NULL */
    char *
        writer; /* Python that writes to what is shared, between calls: thread 0 at one-writer, all at all; or NULL */
    char *fresh; /* Python, instead of the steps where calls are to bring something new each; or NULL */
    uint64_t
        budget; /* bytes that compiled code and what belongs to it may take in a call of `new`; 0: any number */
    char *release; /* Python that lets go of what the calls keep, for the detectors of leaks; or NULL */
    char **
        audit; /* names or expressions of the objects whose references are counted; none: all that there are */
    unsigned naudit;
    uint32_t threads;
    uint64_t time;       /* nanoseconds for the whole run; 0 with iterations means no limit */
    uint64_t iterations; /* for each thread; 0 means until the time is over */
    uint64_t seed;
    enum rung share;
    uint32_t detect; /* DETECTOR_BIT()s */
    char *guard;     /* settings of the guard (guard_option.h), or NULL */
    char *focus;     /* allocation sites whose blocks lie between inaccessible pages (heap/site.h), or NULL */
    char *under;     /* name of the tool that the child runs under (tool.h), or NULL */
    bool stop_on_first;
};

/* Defaults: 8 threads, 10 s, every cheap detector, rung readonly, seed 0 (the driver draws one). */
void plan_init(struct plan *plan);
void plan_clear(struct plan *plan);

/* Grow the lists; the text is copied. Return 0, -ENOMEM, or -E2BIG past the maximum. */
int plan_add_input(struct plan *plan, const char *name, const char *recipe);
int plan_add_step(struct plan *plan, const char *code);
int plan_add_role(struct plan *plan, const char *code);
int plan_add_leave_out(struct plan *plan, const char *statement);
int plan_add_audit(struct plan *plan, const char *expression);

/* Bounds, identifiers, recipes, something to run. On failure `error` is one sentence that says what to do.
 * Returns 0 or -EINVAL or -EOVERFLOW. */
int plan_check(const struct plan *plan, char *error, size_t error_size);

/* YAML through libcyaml. An unknown key, a wrong type, a bad value: `error` is one sentence with file and line
 * ("somersd.yaml:3: unknown key 'thraeds'; the keys are …"). *plan must be initialised; keys that the file
 * does not have keep their values. plan_load calls plan_check. Return 0 or -errno. */
int plan_load(const char *path, struct plan *plan, char *error, size_t error_size);

/* Is the name one of `private`? */
bool plan_is_private(const struct plan *plan, const char *name);

/* Text that plan_load reads back to an equal plan. On success *ret_text is the caller's. Returns 0 or -errno. */
int plan_print(const struct plan *plan, char **ret_text);

/* "10", "10s", "2.5s", "500ms", "2m", "2h" to nanoseconds. Returns 0 or -EINVAL. */
int plan_parse_time(const char *text, uint64_t *ret_nanoseconds);
/* "4G", "512M", "16K" or bytes, not 0. Returns 0 or -EINVAL. */
int plan_parse_size(const char *text, uint64_t *ret_bytes);

void plan_print_time(uint64_t nanoseconds, char text[static 32]);
