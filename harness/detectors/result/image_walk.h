/* A walk through a value, in the order of the parts in its image: adds them, or compares with them. */
#pragma once

#include "detectors/result/form.h"
#include "detectors/result/image_part.h"

#define WALK_DEPTH 8u
#define WALK_ITEMS 256u
/* Longer keys are printed as a position. */
#define WALK_KEY 48
#define WALK_PLACE (16 + WALK_DEPTH * (WALK_KEY + 24))

/* To a value inside: the item i of a sequence, the key or the value of the pair i of a dict, or a part of a form. */
struct step {
    enum { STEP_ITEM, STEP_KEY, STEP_VALUE, STEP_PART } kind;
    Py_ssize_t i;
    PyObject *key;
    const struct form_part *part;
};

struct walk {
    int (*visit)(struct walk *walk, PyObject *value); /* adds or compares a value and what it holds */
    const struct image_inputs *inputs;
    struct image *take;       /* to add to, or */
    const struct image *with; /* to compare with, from `at` on */
    size_t at;
    struct step steps[WALK_DEPTH]; /* to this value */
    unsigned depth, items;
    unsigned inside, attributes; /* parts and attributes among the steps */
    enum image_verdict verdict;
    char *text;
    size_t size;
};

/* All of these return 0; -ENOTSUP, -ENOMEM, -ECANCELED with another verdict, or -EAGAIN for a part that other threads
 * may use. */
int walk_step(struct walk *walk, struct step step, PyObject *value);
int walk_append(struct image *image, const void *bytes, size_t n);

/* Ends the walk. */
__attribute__((format(printf, 3, 4))) int walk_end(struct walk *walk, enum image_verdict verdict,
                                                   const char *format, ...);
/* Prints " as result['a'][0]", or nothing for the result itself. */
const char *walk_place(const struct walk *walk, char text[static WALK_PLACE]);
int walk_differs(struct walk *walk, const char *now, const char *was);

/* image_object.c: an object that is no part, by its form. */
int walk_object(struct walk *walk, PyObject *object);
