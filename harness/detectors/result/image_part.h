/* A part of an image: one value that is no container, or the head of one. What the files of the image share. */
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "detectors/result/image.h"

#define PART_DIMS 64
#define PART_SCRATCH 64

/* What the bytes of a part are; all of it must be equal for two parts to be comparable byte for byte. */
struct part_head {
    char
        kind; /* a ndarray, n NumPy scalar, ( tuple, [ list; of Python: N None, b bool, i int, f float, c complex,
                     s str, y bytes */
    char element; /* as NumPy says it: b i u f c m M S U V */
    bool swapped; /* not in this machine's byte order */
    uint8_t nd;
    uint32_t itemsize;
    uint64_t bytes; /* of a container: its items */
};

_Static_assert(sizeof(struct part_head) == 16, "heads are compared byte for byte");

struct part {
    struct part_head head;
    const Py_ssize_t *dims;
    const char *bytes; /* in the value, in scratch, or in gathered */
    char *gathered;    /* elements of an array that is not contiguous: free it */
    _Alignas(16) char scratch[PART_SCRATCH];
};

/* Returns 0, -ENOTSUP for what is unfit, or -ENOMEM. The value must live as long as the part. */
int part_of(struct part *part, PyObject *value, const struct image_inputs *inputs);

/* Compares the bytes of two parts with equal heads; on IMAGE_DIFFERENT *ret_at is the first element that differs. */
enum image_verdict part_compare(const struct part_head *head, const char *now, const char *was,
                                size_t *ret_at);

/* May this be the address of something, or its hash? No two calls need to give the same one. */
bool part_is_address(const struct part *part);

/* "float64", "tuple", "array of shape (3, 4) of float64"; an element as a person reads it. */
void part_print_type(const struct part_head *head, const Py_ssize_t *dims, char *text, size_t size);
void part_print_element(const struct part_head *head, const char *bytes, size_t at, char *text, size_t size);
