/* A recipe: one line of text for one array.
 *
 *   f8[20]   i4[3,4].T   f8[40][::2]   >c16[5,1]+8   f8[20][::-1]@ro   f4[0]   f8[]   f8[8]~bcast(4,8)   f8[20]@out
 *
 * dtype, base shape, then view operations in order, then the base's byte offset, broadcast, attributes.
 * Plain data: no Python here. Any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECIPE_DIMS 16
#define RECIPE_OPS 16

enum recipe_op_kind {
    RECIPE_OP_INDEX,    /* [::2], [1:3,::-1], [2]: one entry for each leading dimension */
    RECIPE_OP_TRANSPOSE /* .T */
};

/* start:stop:step as written; absent parts as in Python. An integer index drops the dimension. */
struct recipe_slice {
    bool is_index;
    bool has_start, has_stop, has_step;
    int64_t start, stop, step; /* is_index: start */
};

struct recipe_op {
    enum recipe_op_kind kind;
    int nslices;
    struct recipe_slice slices[RECIPE_DIMS];
};

struct recipe {
    char order;      /* '<' or '>'; '|' if byte order has no meaning */
    char kind;       /* b i u f c S U: bool, signed, unsigned, float, complex, bytes, str */
    size_t itemsize; /* bytes for one element: U4 has 16 */
    int ndim;
    int64_t shape[RECIPE_DIMS];
    int nops;
    struct recipe_op ops[RECIPE_OPS];
    size_t offset; /* bytes between an aligned address and the base's first element */
    int nbcast;    /* -1 without ~bcast */
    int64_t bcast[RECIPE_DIMS];
    bool readonly; /* @ro: WRITEABLE is cleared on the view */
    bool out;      /* @out: the target may write to it */
};

/* The recipe in bytes. The view's first element is `start` bytes into the buffer, the base's at `offset`. */
struct recipe_layout {
    size_t base_items;  /* elements of the base */
    size_t buffer_size; /* bytes to allocate at an aligned address: offset + base_items * itemsize */
    size_t start;
    int ndim;
    int64_t shape[RECIPE_DIMS];
    int64_t strides[RECIPE_DIMS]; /* bytes */
};

/* Parses text. On failure *recipe is unspecified and `error` is one sentence: a quotation of the text, the mistake, and
 * what to write instead. Returns 0, -EINVAL, or -EOVERFLOW when the array would need more than
 * 1 TiB or a dimension leaves 63 bits. */
int recipe_parse(const char *text, struct recipe *recipe, char *error, size_t error_size);

/* The base's bytes and the view's shape, strides and start. Never fails on a recipe that recipe_parse accepted. */
void recipe_layout(const struct recipe *recipe, struct recipe_layout *layout);

/* The dtype as NumPy spells it, for example "<f8", "|b1", ">U4". */
void recipe_dtype(const struct recipe *recipe, char text[static 16]);

/* Fills base_items elements with values that the seed and the stream alone decide: finite floats, small distinct
 * integers, 0 and 1 for bools, ASCII for strings. The same arguments give the same bytes. `base` need not be
 * aligned. */
void recipe_fill(const struct recipe *recipe, uint64_t seed, uint64_t stream, void *base);
