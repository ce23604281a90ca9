/* A portrait: a hash of the value of an object, so that results and states of many meetings can be compared.
 *
 * Values of the interpreter's own types count by their contents; the order of a dict or a set does not. Any other
 * object counts by what its pickle would hold; where its type has no equality of its own, also by which object it is
 * among those of the same portrait. An object without a pickle counts by its type, and in a result also by its buffer,
 * its items and its text.
 *
 * Contract. Child main, attached, while no worker runs target code. May run Python code of the target (__reduce_ex__).
 */
#pragma once

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#define PORTRAIT_IDENTITIES 64

struct portrait {
    uint64_t hash;
    unsigned items;                            /* walked so far */
    PyObject *identities[PORTRAIT_IDENTITIES]; /* objects that count by identity, in the order of the walk */
    unsigned nidentities;
    bool unordered; /* inside a dict or a set: no identities */
    bool reads;     /* what is added is a result */
    bool opaque;    /* some object counts by its type only */
    char why[96];   /* "Counter has no pickle" */
};

void portrait_add(struct portrait *portrait, PyObject *object);
/* Adds an exception that was raised: by its type and its text. */
void portrait_add_raised(struct portrait *portrait, PyObject *raised);
/* Drops the references of the walk: without them, another object could get the address of one that a pickle made. */
void portrait_release(struct portrait *portrait);
void portrait_add_number(struct portrait *portrait, uint64_t number);

/* Writes the value for a table, at most `size` bytes: its repr, without addresses. An object without a repr of its own
 * gets a number, the same wherever it is in this outcome. Returns text. */
char *portrait_print(struct portrait *numbers, PyObject *object, char *text, size_t size);
char *portrait_print_raised(PyObject *raised, char *text, size_t size);
