/* A part of an image: one value that is no container, or the head of a container. */
#pragma once

#include <Python.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detectors/common/array_api.h"
#include "detectors/result/image.h"

#define PART_DIMS 64
#define PART_SCRATCH 64

/* The type of a part. Two parts with equal heads can be compared byte for byte. */
struct part_head {
    /* a ndarray, n NumPy scalar, ( tuple, [ list, { dict; of Python: N None, b bool, i int, f float, c complex, s str,
     * y bytes */
    char kind;
    char element; /* NumPy's kind: b i u f c m M S U V */
    bool swapped; /* not in native byte order */
    uint8_t nd;
    uint32_t itemsize;
    uint64_t bytes; /* of a container: the number of items or pairs */
};

_Static_assert(sizeof(struct part_head) == 16, "heads are compared byte for byte");

struct part {
    struct part_head head;
    const Py_ssize_t *dims;
    const char *bytes; /* in the value, in scratch, or in gathered */
    char *gathered;    /* elements of an array that is not contiguous; to be freed */
    _Alignas(16) char scratch[PART_SCRATCH];
};

/* Returns 0, -ENOTSUP for an unfit value, or -ENOMEM. The part borrows from the value. */
int part_of(struct part *part, PyObject *value, const struct image_inputs *inputs);

/* Returns false for an input, and for a view outside its input: a damaged shape leads out of the buffer. */
bool part_may_read(PyArrayObject *array, const struct image_inputs *inputs);

/* Compares the bytes of two parts with equal heads; for IMAGE_DIFFERENT *ret_at is the first element that differs. */
enum image_verdict part_compare(const struct part_head *head, const char *now, const char *was,
                                size_t *ret_at);

/* Returns true if this may be an address, or a hash of one: these may differ between calls. */
bool part_is_address(const struct part *part);

/* Print a type, such as "an array f8 of shape (3, 4)", and the value of an element. */
void part_print_type(const struct part_head *head, const Py_ssize_t *dims, char *text, size_t size);
void part_print_element(const struct part_head *head, const char *bytes, size_t at, char *text, size_t size);
