/* Recipes in memory: the layout and the base's bytes. Pure functions on the caller's memory: any thread. recipe_parse
 * has accepted every recipe here, so sizes fit and indices are in range. */
#include "core/plan/recipe.h"

#include <float.h>
#include <stdio.h>
#include <string.h>

#include "base/prng.h"

_Static_assert(LDBL_MANT_DIG == 64 && sizeof(long double) == 16, "f16 and c32 are x87 numbers in 16 bytes");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "recipes call little-endian native");

#define PART_MAX 16
#define X87_BYTES 10

static void lay_base(const struct recipe *r, struct recipe_layout *l)
{
    *l = (struct recipe_layout){.base_items = 1, .start = r->offset, .ndim = r->ndim};
    for (int axis = 0; axis < r->ndim; axis++)
        l->base_items *= (size_t)r->shape[axis];
    l->buffer_size = r->offset + l->base_items * r->itemsize;
    /* An empty base gets strides of 0, as in NumPy, so no view of it starts outside the buffer. */
    int64_t stride = l->base_items > 0 ? (int64_t)r->itemsize : 0;
    for (int axis = r->ndim - 1; axis >= 0; axis--) {
        l->shape[axis] = r->shape[axis];
        l->strides[axis] = stride;
        stride *= r->shape[axis];
    }
}

/* The elements of an axis that a slice takes: the first, the step, the number. */
struct span {
    int64_t start, step, count;
};

static int64_t clip_bound(int64_t bound, int64_t length, bool backward)
{
    if (bound < 0)
        bound += length;
    if (bound < 0)
        return backward ? -1 : 0;
    if (bound >= length)
        return backward ? length - 1 : length;
    return bound;
}

static struct span span_of(const struct recipe_slice *s, int64_t length)
{
    if (s->is_index)
        return (struct span){.start = s->start < 0 ? s->start + length : s->start};
    int64_t step = s->has_step ? s->step : 1;
    bool backward = step < 0;
    if (step < -INT64_MAX)
        step = -INT64_MAX;
    int64_t start = backward ? length - 1 : 0;
    int64_t stop = backward ? -1 : length;
    if (s->has_start)
        start = clip_bound(s->start, length, backward);
    if (s->has_stop)
        stop = clip_bound(s->stop, length, backward);
    int64_t distance = backward ? start - stop : stop - start;
    if (distance <= 0)
        return (struct span){.step = 1};
    return (struct span){start, step, (distance - 1) / (backward ? -step : step) + 1};
}

static void lay_index(const struct recipe_op *op, struct recipe_layout *l)
{
    static const struct recipe_slice whole;
    int kept = 0;
    for (int axis = 0; axis < l->ndim; axis++) {
        const struct recipe_slice *s = axis < op->nslices ? &op->slices[axis] : &whole;
        int64_t length = l->shape[axis], stride = l->strides[axis];
        struct span span = span_of(s, length);
        l->start += (size_t)(stride * span.start);
        if (s->is_index)
            continue;
        /* A step that takes one element may be huge; the product wraps, unused, as it does in NumPy. */
        l->strides[kept] = (int64_t)((uint64_t)stride * (uint64_t)span.step);
        l->shape[kept++] = span.count;
    }
    l->ndim = kept;
}

static void lay_transpose(struct recipe_layout *l)
{
    const struct recipe_layout old = *l;
    for (int axis = 0; axis < l->ndim; axis++) {
        l->shape[axis] = old.shape[l->ndim - 1 - axis];
        l->strides[axis] = old.strides[l->ndim - 1 - axis];
    }
}

static void lay_bcast(const struct recipe *r, struct recipe_layout *l)
{
    int added = r->nbcast - l->ndim;
    /* From the last axis down, each old entry is read before a new one takes its place. */
    for (int axis = r->nbcast - 1; axis >= 0; axis--) {
        bool stretched = axis < added || l->shape[axis - added] == 1;
        l->strides[axis] = stretched ? 0 : l->strides[axis - added];
        l->shape[axis] = r->bcast[axis];
    }
    l->ndim = r->nbcast;
}

void recipe_layout(const struct recipe *recipe, struct recipe_layout *layout)
{
    lay_base(recipe, layout);
    for (int i = 0; i < recipe->nops; i++) {
        if (recipe->ops[i].kind == RECIPE_OP_TRANSPOSE)
            lay_transpose(layout);
        else
            lay_index(&recipe->ops[i], layout);
    }
    if (recipe->nbcast >= 0)
        lay_bcast(recipe, layout);
}

/* An element has parts that are drawn and byte-swapped one by one: the two halves of a complex number, the characters
 * of a string, or the element itself. */
static size_t part_width(const struct recipe *r)
{
    switch (r->kind) {
    case 'c':
        return r->itemsize / 2;
    case 'S':
        return 1;
    case 'U':
        return 4;
    default:
        return r->itemsize;
    }
}

/* Ordinary numbers of both signs. The difference is exact, so a fused multiply-add could not change the
 * result. */
static double draw_real(struct prng *p)
{
    return 200 * (prng_unit(p) - 0.5);
}

static void draw_float(struct prng *p, size_t width, unsigned char *part)
{
    if (width == 2) {
        /* Sign and fraction at random, 2^-3 to 2^5 in magnitude: half precision without the compiler's help. */
        uint64_t bits = prng_next(p), exponent = 12 + (bits >> 16) % 8;
        uint16_t half = (uint16_t)((bits & 0x83ff) | exponent << 10);
        memcpy(part, &half, sizeof half);
    } else if (width == 4) {
        float single = (float)draw_real(p);
        memcpy(part, &single, sizeof single);
    } else if (width == 8) {
        double real = draw_real(p);
        memcpy(part, &real, sizeof real);
    } else {
        long double extended = (long double)draw_real(p);
        memcpy(part, &extended, X87_BYTES);
    }
}

/* Little-endian, whatever the recipe's order; bytes that the value does not reach stay 0. */
static void draw_part(struct prng *p, char kind, size_t width, unsigned char part[static PART_MAX])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    memset(part, 0, PART_MAX);
    if (kind == 'f' || kind == 'c') {
        draw_float(p, width, part);
        return;
    }
    uint64_t value = prng_next(p);
    if (kind == 'b')
        value &= 1;
    else if (kind == 'S' || kind == 'U')
        value = (uint64_t)letters[value % (sizeof letters - 1)];
    else /* small, and fits the signed type of the width too */
        value >>= 64 - (width == 1 ? 7 : width == 2 ? 15 : 20);
    memcpy(part, &value, sizeof value);
}

void recipe_fill(const struct recipe *recipe, uint64_t seed, uint64_t stream, void *base)
{
    struct prng p = prng_stream(seed, stream);
    size_t width = part_width(recipe);
    struct recipe_layout layout;
    recipe_layout(recipe, &layout);
    unsigned char *at = base;
    for (size_t left = layout.base_items * recipe->itemsize; left > 0; left -= width) {
        unsigned char part[PART_MAX];
        draw_part(&p, recipe->kind, width, part);
        memcpy(at, part, width);
        for (size_t i = 0; recipe->order == '>' && i < width; i++)
            at[i] = part[width - 1 - i];
        at += width;
    }
}

void recipe_dtype(const struct recipe *recipe, char text[static 16])
{
    snprintf(text, 16, "%c%c%zu", recipe->order, recipe->kind,
             recipe->kind == 'U' ? recipe->itemsize / 4 : recipe->itemsize);
}
