/* Text to recipes. Pure functions on the caller's memory: any thread.
 *
 * The part parsed so far is always a recipe that recipe_layout accepts. So each index and the broadcast are checked
 * against the view that they apply to, while their place in the text is known. */
#include "core/plan/recipe.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/plan/recipe_scan.h"

#define BYTES_MAX (INT64_C(1) << 40)
#define DTYPES "b1 i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 f16 c8 c16 c32"

static bool is_known_dtype(const char *name, size_t length)
{
    char word[8];
    snprintf(word, sizeof word, " %.*s ", (int)length, name);
    return length <= 3 && strstr(" " DTYPES " ", word);
}

/* The number in S8 or U8. NumPy keeps the size of an element in an int. */
static int parse_string_length(struct scan *p)
{
    struct recipe *r = p->recipe;
    int64_t length = 0, bytes;
    int clipped = scan_number(p, &length);
    if (length == 0)
        return scan_complain(p, -EINVAL, "%c0 has no characters; write %c1 or longer", r->kind, r->kind);
    if (clipped || __builtin_mul_overflow(length, r->kind == 'U' ? 4 : 1, &bytes) || bytes > INT_MAX)
        return scan_complain(
            p, -EOVERFLOW,
            "the string dtype needs more than %d bytes for an element; write a smaller number after %c",
            INT_MAX, r->kind);
    r->itemsize = (size_t)bytes;
    return 0;
}

static int parse_kind(struct scan *p)
{
    size_t length = 0;
    while (isalnum((unsigned char)p->at[length]))
        length++;
    if (length == 0)
        return scan_complain(p, -EINVAL, "the dtype is missing at character %d; write for example f8[20]",
                             scan_position(p));
    bool numbered = length > 1 && strspn(p->at + 1, "0123456789") == length - 1;
    bool is_string = numbered && strchr("SU", *p->at);
    if (!is_string && !is_known_dtype(p->at, length))
        return scan_complain(p, -EINVAL, "'%.*s' at character %d is not a dtype; write one of %s, S8 or U8",
                             (int)length, p->at, scan_position(p), DTYPES);
    p->recipe->kind = *p->at++;
    if (is_string)
        return parse_string_length(p);
    p->recipe->itemsize = (size_t)strtol(p->at, NULL, 10);
    p->at += length - 1;
    return 0;
}

static int parse_dtype(struct scan *p)
{
    struct recipe *r = p->recipe;
    r->order = *p->at == '>' ? '>' : '<';
    if (*p->at != '\0' && strchr("<>=|", *p->at))
        p->at++;
    int result = parse_kind(p);
    if (r->itemsize == 1 || r->kind == 'S')
        r->order = '|';
    return result;
}

static int parse_dim(struct scan *p, const char *what, int axis, int64_t *ret_length)
{
    if (axis == RECIPE_DIMS)
        return scan_complain(p, -EINVAL, "the %s has more than %d dimensions; write at most %d", what,
                             RECIPE_DIMS, RECIPE_DIMS);
    int start = scan_position(p);
    int scanned = scan_number(p, ret_length);
    if (scanned == -EINVAL)
        return scan_complain(p, -EINVAL,
                             "a number is missing at character %d, in the %s; write lengths such as 3,4",
                             start, what);
    if (*ret_length < 0)
        return scan_complain(p, -EINVAL, "dimension %d of the %s is negative; write 0 or more", axis, what);
    if (scanned == -ERANGE)
        return scan_complain(
            p, -EOVERFLOW, "dimension %d of the %s does not fit 63 bits; write a smaller number", axis, what);
    return 0;
}

/* The text after the opening bracket, up to and with the closing one. */
static int parse_dims(struct scan *p, const char *close, const char *what, int *ret_count, int64_t *dims)
{
    int count = 0;
    scan_blanks(p);
    bool empty = *p->at == *close || scan_misses_bracket(p->at, *close);
    while (!empty) {
        int result = parse_dim(p, what, count, &dims[count]);
        if (result < 0)
            return result;
        count++;
        if (!scan_comma(p))
            break;
    }
    *ret_count = count;
    return scan_close(p, close, what, "whole numbers separated by commas, such as 3,4");
}

static int parse_shape(struct scan *p)
{
    int before = scan_position(p) - 1;
    if (!scan_word(p, "["))
        return scan_complain(p, -EINVAL, "the shape is missing after %.*s; write %.*s[20], or %.*s[] for 0-d",
                             before, p->text, before, p->text, before, p->text);
    return parse_dims(p, "]", "shape", &p->recipe->ndim, p->recipe->shape);
}

static bool parse_bound(struct scan *p, int64_t *bound)
{
    scan_blanks(p);
    bool given = scan_number(p, bound) != -EINVAL;
    scan_blanks(p);
    return given;
}

static int check_index(struct scan *p, const struct recipe_slice *s, int64_t length, int axis, int start)
{
    if (s->start >= -length && s->start < length)
        return 0;
    if (length == 0)
        return scan_complain(
            p, -EINVAL,
            "the index at character %d is outside axis %d, which is empty; write a slice such as [:]", start,
            axis);
    return scan_complain(p, -EINVAL,
                         "index %" PRId64 " at character %d is outside axis %d of length %" PRId64
                         "; write %" PRId64 " to %" PRId64,
                         s->start, start, axis, length, -length, length - 1);
}

static int parse_slice(struct scan *p, struct recipe_slice *s, int64_t length, int axis)
{
    int start = scan_position(p);
    bool given = parse_bound(p, &s->start);
    s->is_index = given && *p->at != ':';
    s->has_start = given && !s->is_index;
    if (s->is_index)
        return check_index(p, s, length, axis, start);
    if (!scan_word(p, ":"))
        return scan_complain(
            p, -EINVAL,
            "character %d does not start an index; write a number or a slice such as [1:3] or [::2]", start);
    s->has_stop = parse_bound(p, &s->stop);
    if (scan_word(p, ":"))
        s->has_step = parse_bound(p, &s->step);
    if (s->has_step && s->step == 0)
        return scan_complain(
            p, -EINVAL, "the slice at character %d has step 0; write another step or leave it out", start);
    return 0;
}

static int parse_index(struct scan *p, struct recipe_op *op)
{
    struct recipe_layout view;
    recipe_layout(p->recipe, &view);
    scan_word(p, "[");
    do {
        int axis = op->nslices;
        if (axis == view.ndim)
            return scan_complain(
                p, -EINVAL,
                "the index at character %d is one too many for a view with %d dimensions; leave it out",
                scan_position(p), view.ndim);
        int result = parse_slice(p, &op->slices[axis], view.shape[axis], axis);
        if (result < 0)
            return result;
        op->nslices++;
    } while (scan_comma(p));
    return scan_close(p, "]", "index", "slices separated by commas, such as [1:3,::2]");
}

static bool at_op(const struct scan *p)
{
    return *p->at == '[' || strncmp(p->at, ".T", 2) == 0;
}

static int parse_ops(struct scan *p)
{
    struct recipe *r = p->recipe;
    while (at_op(p)) {
        if (r->nops == RECIPE_OPS)
            return scan_complain(p, -EINVAL,
                                 "the view operation at character %d is too many; write at most %d",
                                 scan_position(p), RECIPE_OPS);
        struct recipe_op *op = &r->ops[r->nops];
        op->kind = *p->at == '[' ? RECIPE_OP_INDEX : RECIPE_OP_TRANSPOSE;
        int result = scan_word(p, ".T") ? 0 : parse_index(p, op);
        if (result < 0)
            return result;
        r->nops++;
    }
    return 0;
}

static int parse_offset(struct scan *p)
{
    int64_t offset;
    int scanned = scan_number(p, &offset);
    if (scanned == -EINVAL || offset < 0)
        return scan_complain(p, -EINVAL, "'+' is not followed by a number of bytes; write for example +8");
    if (scanned == -ERANGE)
        return scan_complain(p, -EOVERFLOW,
                             "the offset after '+' does not fit 63 bits; write a smaller number");
    p->recipe->offset = (size_t)offset;
    return 0;
}

/* Does the product of the shape overflow? NumPy refuses it even if a dimension of 0 makes the array empty. */
static bool extent_overflows(size_t itemsize, int ndim, const int64_t *shape)
{
    int64_t extent = (int64_t)itemsize;
    for (int axis = 0; axis < ndim; axis++)
        if (shape[axis] > 0 && __builtin_mul_overflow(extent, shape[axis], &extent))
            return true;
    return false;
}

/* By the rules of np.broadcast_to. */
static int check_bcast(struct scan *p, const struct recipe_layout *view)
{
    const struct recipe *r = p->recipe;
    int added = r->nbcast - view->ndim;
    if (added < 0)
        return scan_complain(p, -EINVAL, "~bcast has %d dimensions but the view has %d; write %d or more",
                             r->nbcast, view->ndim, view->ndim);
    for (int axis = 0; axis < view->ndim; axis++) {
        int64_t length = view->shape[axis], wanted = r->bcast[axis + added];
        if (length != 1 && length != wanted)
            return scan_complain(p, -EINVAL,
                                 "axis %d of length %" PRId64 " does not broadcast to %" PRId64
                                 "; write %" PRId64 " there",
                                 axis, length, wanted, length);
    }
    if (extent_overflows(r->itemsize, r->nbcast, r->bcast))
        return scan_complain(p, -EOVERFLOW, "~bcast needs more than 63 bits; write smaller dimensions");
    return 0;
}

static int parse_bcast(struct scan *p)
{
    struct recipe *r = p->recipe;
    struct recipe_layout view;
    recipe_layout(r, &view);
    if (!scan_word(p, "("))
        return scan_complain(p, -EINVAL, "~bcast is not followed by a shape; write for example ~bcast(4,8)");
    int result = parse_dims(p, ")", "broadcast shape", &r->nbcast, r->bcast);
    return result < 0 ? result : check_bcast(p, &view);
}

/* A word that is an attribute has no parser. */
enum { OFFSET, OUT, READONLY, BCAST, TAILS };
static const struct tail {
    const char *word;
    int (*parse)(struct scan *p);
} tails[TAILS] = {
    [OFFSET] = {"+", parse_offset},
    [OUT] = {"@out", NULL},
    [READONLY] = {"@ro", NULL},
    [BCAST] = {"~bcast", parse_bcast},
};

static int unknown_tail(const struct scan *p, bool after_tail)
{
    if (after_tail && at_op(p))
        return scan_complain(
            p, -EINVAL, "a view operation at character %d comes too late; write it before +N, ~bcast and @",
            scan_position(p));
    return scan_complain(
        p, -EINVAL,
        "'%.20s' at character %d is not part of a recipe; write slices such as [::2], .T, then +8, "
        "~bcast(4,8), @ro or @out",
        p->at, scan_position(p));
}

static int parse_tails(struct scan *p)
{
    unsigned given = 0;
    while (*p->at != '\0') {
        unsigned i = 0;
        while (i < TAILS && !scan_word(p, tails[i].word))
            i++;
        if (i == TAILS)
            return unknown_tail(p, given != 0);
        if (given >> i & 1)
            return scan_complain(p, -EINVAL, "there is more than one %s; write it once", tails[i].word);
        given |= 1U << i;
        int result = tails[i].parse ? tails[i].parse(p) : 0;
        if (result < 0)
            return result;
    }
    p->recipe->out = given >> OUT & 1;
    p->recipe->readonly = given >> READONLY & 1;
    if (p->recipe->readonly && p->recipe->out)
        return scan_complain(p, -EINVAL, "@ro and @out contradict each other; write only one of them");
    return 0;
}

static int check_size(struct scan *p)
{
    const struct recipe *r = p->recipe;
    int64_t size = (int64_t)r->itemsize;
    if (extent_overflows(r->itemsize, r->ndim, r->shape))
        return scan_complain(p, -EOVERFLOW, "the shape needs more than 63 bits; write smaller dimensions");
    for (int axis = 0; axis < r->ndim; axis++)
        size *= r->shape[axis];
    if (__builtin_add_overflow(size, (int64_t)r->offset, &size) || size > BYTES_MAX)
        return scan_complain(p, -EOVERFLOW,
                             "the array needs more than 1 TiB; write a smaller shape or offset");
    return 0;
}

int recipe_parse(const char *text, struct recipe *recipe, char *error, size_t error_size)
{
    static int (*const phases[])(struct scan *) = {parse_dtype, parse_shape, check_size,
                                                   parse_ops,   parse_tails, check_size};
    struct scan p = {text, text, recipe, error, error_size};
    *recipe = (struct recipe){.nbcast = -1};
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
        int result = phases[i](&p);
        if (result < 0)
            return result;
    }
    return 0;
}
