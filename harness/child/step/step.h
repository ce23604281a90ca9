/* Steps: Python statements, compiled once, and called once in each iteration of each worker.
 *
 * Contract. Parsed by the child's main thread, attached, before any worker. A parsed step is then only read. Each
 * worker binds it to its own names: the callee and the arguments that never change are looked up once, and a plain call
 * `f(a, 1, k=b)` goes straight through vectorcall. Worker functions run attached.
 */
#pragma once

#include <Python.h>

#include <stdbool.h>
#include <stddef.h>

#define STEP_ARGS 24
#define STEP_PATH 8

struct step_arg {
    PyObject *constant; /* or */
    PyObject *name;
    bool changes; /* a step assigns this name: look it up in each call */
};

struct step_call {
    PyObject *path[STEP_PATH]; /* np.linalg.norm: three names */
    int npath;
    struct step_arg args[STEP_ARGS];
    int nargs;         /* positional and keyword */
    PyObject *kwnames; /* tuple or NULL */
    bool changes;      /* one of the args does */
};

struct step {
    char *source;
    PyObject *code;
    struct step_call *call; /* NULL unless it is a plain call */
    PyObject *target;       /* the only name that it assigns, or NULL */
    bool is_query;          /* one call or operator, which has no store */
    bool has_result;        /* it is an expression, or assigns one to the target */
};

/* The statements that one role runs in an iteration. */
struct body {
    struct step *steps;
    unsigned nsteps;
    unsigned first; /* number of its first step among the steps of all bodies */
    bool is_idle;   /* all of its statements are knocked out: `pass` stands for them */
};

/* All bodies of a plan, and their use of names. */
struct program {
    struct body *bodies;
    unsigned nbodies;
    PyObject *assigned;  /* set of names that a step assigns */
    PyObject *used;      /* set of names that a step reads */
    bool uses_iteration; /* a step reads iteration_index */
    bool uses_thread;    /* or thread_index */
    bool has_period;     /* each use of iteration_index is `iteration_index % N`, with N among the periods */
    PyObject *periods;   /* list of (source of N, names that N uses) */
    char *const *leave_out; /* sources of the knocked-out statements; borrowed */
    unsigned nleave_out;
    struct body left; /* the knocked-out statements: run once before the threads, in order */
};

/* Adds a body of these texts without the statements in leave_out; an empty one becomes `pass`. On failure `error` is
 * one sentence. Returns 0, -EINVAL where a text is not Python, or -ENOMEM. */
int program_add(struct program *program, char *const *texts, unsigned n, char *error, size_t error_size);

/* Finds the arguments that change. After the last program_add. */
void program_finish(struct program *program);
void program_clear(struct program *program);

/* Sends a record for each statement, with the objects that it uses. Child main, attached. */
void program_send(const struct program *program, PyObject *names, int wire);

/* A step bound to one thread's names. Zero-initialised before the first binding. */
struct bound_step {
    const struct step *step;
    PyObject *callable;            /* strong; NULL: run the code object */
    bool is_plain;                 /* a call of a function, nothing else, and no step changes its arguments */
    size_t nargs;                  /* positional ones, as vectorcall wants them */
    PyObject *kwnames;             /* borrowed; or NULL */
    PyObject *method;              /* borrowed name: args[0] is the object */
    PyObject *args[STEP_ARGS + 2]; /* strong; slot 0 is scratch for vectorcall */
};

void step_bind(struct bound_step *bound, const struct step *step, PyObject *names);
void step_unbind(struct bound_step *bound);

/* Runs one that is_plain. */
static inline PyObject *step_call_plain(struct bound_step *bound)
{
    return PyObject_Vectorcall(bound->callable, bound->args + 2, bound->nargs, bound->kwnames);
}

/* Runs it once. Returns a new reference to the result (None for a statement), or NULL with an exception set. */
PyObject *step_run(struct bound_step *bound, PyObject *names);
