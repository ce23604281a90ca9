/* An image: the value of a result as plain bytes, so that two results can be compared without Python.
 *
 * Exact ndarrays and NumPy scalars of what is plain bytes; None, bool, int, float, complex, str, bytes; tuples (named
 * ones too) and lists of all these. Everything else is unfit, and so is what looks like an address.
 *
 * Contract. Taken by one thread while no other one runs. Compared by any thread, attached, any number of them at once:
 * an image never changes then. Neither waits, nor runs Python code. The data of a result may lie in an input that
 * others write to: its bytes are then what this thread happened to read.
 */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stddef.h>

#include "detectors/watch/watched.h"

/* Larger results are unfit: each image is kept as long as the child lives. */
#define IMAGE_BYTES_MAX (16u << 20)

struct image {
    char *bytes;
    size_t size;
};

/* The inputs: they are no results, and a view that leaves its input must not be read. */
struct image_inputs {
    const struct watched *watched;
    unsigned n;
};

enum image_verdict {
    IMAGE_SAME,  /* bit for bit */
    IMAGE_CLOSE, /* floats that differ in their last bits */
    IMAGE_DIFFERENT,
    IMAGE_UNFIT
};

/* Returns 0, -ENOTSUP for what is unfit, or -ENOMEM. */
int image_take(struct image *image, PyObject *value, const struct image_inputs *inputs);
void image_clear(struct image *image);

/* For a different value the text says how: "gives 12.0 under threads, 45.0 on one thread". */
enum image_verdict image_compare(const struct image *image, PyObject *value,
                                 const struct image_inputs *inputs, char *text, size_t size);
