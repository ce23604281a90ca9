/* An image: the value of a result as plain bytes, so that two results can be compared without Python.
 *
 * Exact ndarrays and NumPy scalars of plain bytes; None, bool, int, float, complex, str, bytes; tuples (named ones
 * too), lists and exact dicts of all these; the order of a dict counts. Other objects are read by their forms (form.h),
 * or are unfit. Values that look like an address are unfit.
 *
 * Contract. One thread takes an image while no other runs. Any number of threads compare with it at once, attached: it
 * does not change then. Only the forms run Python code, or wait for more than the lock of a dict. The data of a result
 * may lie in an input that other threads write to: the comparison then uses the bytes that this thread reads.
 */
#pragma once

#include <Python.h>

#include <stdbool.h>
#include <stddef.h>

#include "detectors/watch/watched.h"

/* Larger results are unfit: an image stays in memory until the child ends. */
#define IMAGE_BYTES_MAX (16u << 20)

struct image {
    char *bytes;
    size_t size;
    bool reads; /* some object in it was read by its form */
};

/* Which objects are read by their forms. */
enum image_reads {
    IMAGE_READS_NONE,
    IMAGE_READS_ALONE, /* all, and attributes that differ are struck out: while no other thread runs */
    IMAGE_READS_LATER, /* all, after their calls: while no other thread runs */
    IMAGE_READS_OWN    /* those that only this thread refers to */
};

/* The inputs: they are no results, and a view outside its input must not be read. */
struct image_inputs {
    const struct watched *watched;
    unsigned n;
    enum image_reads reads;
    unsigned refs; /* to a result that only this thread refers to */
};

enum image_verdict {
    IMAGE_SAME,  /* all bits are equal */
    IMAGE_CLOSE, /* floats differ in their last bits */
    IMAGE_DIFFERENT,
    IMAGE_SHARED, /* other threads may refer to it: not compared */
    IMAGE_UNFIT
};

/* Returns 0; or -ENOTSUP for an unfit value or -ENOMEM, and the text is the reason: "a value of type set cannot be
 * compared". */
int image_take(struct image *image, PyObject *value, const struct image_inputs *inputs, char *text,
               size_t size);
void image_clear(struct image *image);

/* Returns true if the value is surely the same: the quick look at a plain value, before image_compare. */
bool image_is_same(const struct image *image, PyObject *value);

/* The text of a different value is the difference: "gives 12.0 as result['a'] under threads, 45.0 on one thread". The
 * text of an unfit value is the reason. */
enum image_verdict image_compare(const struct image *image, PyObject *value,
                                 const struct image_inputs *inputs, char *text, size_t size);
