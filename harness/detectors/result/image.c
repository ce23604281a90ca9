/* See image.h for the contract. */
#include "detectors/result/image.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/result/image_part.h"
#include "detectors/common/pycompat.h"

#define DEPTH_MAX 4
#define ITEMS_MAX 256

/* A walk through a value, in the order of the parts in the image: adds them, or compares with them. */
struct walk {
    const struct image_inputs *inputs;
    struct image *take;       /* to add to, or */
    const struct image *with; /* to compare with, from `at` on */
    size_t at;
    unsigned depth, items;
    enum image_verdict verdict;
    char *text;
    size_t size;
};

static int append(struct image *image, const void *bytes, size_t n)
{
    if (n > IMAGE_BYTES_MAX || image->size + n > IMAGE_BYTES_MAX)
        return -ENOTSUP;
    char *grown = realloc(image->bytes, image->size + n + 1);
    if (!grown)
        return -ENOMEM;
    image->bytes = grown;
    if (n > 0)
        memcpy(grown + image->size, bytes, n);
    image->size += n;
    return 0;
}

static bool is_container(const struct part_head *head)
{
    return head->kind == '(' || head->kind == '[';
}

static size_t payload_of(const struct part_head *head)
{
    return is_container(head) ? 0 : head->bytes;
}

static int take_part(struct walk *walk, const struct part *part)
{
    if (part_is_address(part))
        return -ENOTSUP;
    int result = append(walk->take, &part->head, sizeof part->head);
    if (!result)
        result = append(walk->take, part->dims, part->head.nd * sizeof *part->dims);
    return result ? result : append(walk->take, part->bytes, payload_of(&part->head));
}

__attribute__((format(printf, 2, 3))) static int differs(struct walk *walk, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(walk->text, walk->size, format, arguments);
    va_end(arguments);
    walk->verdict = IMAGE_DIFFERENT;
    return -ECANCELED;
}

static int differs_in_bytes(struct walk *walk, const struct part *now, const char *was, size_t at)
{
    char a[96], b[96];
    const struct part_head *head = &now->head;
    part_print_element(head, now->bytes, at, a, sizeof a);
    part_print_element(head, was, at, b, sizeof b);
    if (head->kind != 'a')
        return differs(walk, "gives %s under threads, %s on one thread", a, b);
    return differs(walk,
                   "gives a different array under threads: element %zu of %zu is %s, on one thread it is %s",
                   at, (size_t)(head->bytes / head->itemsize), a, b);
}

/* The image is packed: its parts are copied before they are read. */
static int compare_part(struct walk *walk, const struct part *now)
{
    struct part_head was;
    Py_ssize_t dims[PART_DIMS];
    char a[192], b[192];
    const char *at = walk->with->bytes + walk->at;
    memcpy(&was, at, sizeof was);
    memcpy(dims, at + sizeof was, was.nd * sizeof *dims);
    at += sizeof was + was.nd * sizeof *dims;
    if (memcmp(&was, &now->head, sizeof was) != 0 ||
        (was.nd > 0 && memcmp(dims, now->dims, was.nd * sizeof *dims) != 0)) {
        part_print_type(&now->head, now->dims, a, sizeof a);
        part_print_type(&was, dims, b, sizeof b);
        return differs(walk, "gives %s under threads, %s on one thread", a, b);
    }
    walk->at = (size_t)(at - walk->with->bytes) + payload_of(&was);
    if (is_container(&was))
        return 0;
    size_t element;
    enum image_verdict verdict = part_compare(&was, now->bytes, at, &element);
    if (verdict == IMAGE_DIFFERENT)
        return differs_in_bytes(walk, now, at, element);
    if (verdict > walk->verdict)
        walk->verdict = verdict;
    return 0;
}

static int walk_value(struct walk *walk, PyObject *value);

/* Another thread may change a list: takes a reference to each item. */
static int walk_item(struct walk *walk, PyObject *container, Py_ssize_t i)
{
    PyObject *item = PyTuple_Check(container) ? Py_NewRef(PyTuple_GET_ITEM(container, i))
                                              : PyList_GetItemRef(container, i);
    if (!item) {
        PyErr_Clear();
        return -ENOTSUP;
    }
    int result = walk_value(walk, item);
    Py_DECREF(item);
    return result;
}

static int walk_items(struct walk *walk, PyObject *container, uint64_t n)
{
    int result = n > ITEMS_MAX || walk->depth == DEPTH_MAX ? -ENOTSUP : 0;
    walk->depth++;
    for (uint64_t i = 0; i < n && !result; i++)
        result = walk->items++ < ITEMS_MAX ? walk_item(walk, container, (Py_ssize_t)i) : -ENOTSUP;
    walk->depth--;
    return result;
}

static int walk_value(struct walk *walk, PyObject *value)
{
    struct part part;
    int result = part_of(&part, value, walk->inputs);
    if (!result)
        result = walk->take ? take_part(walk, &part) : compare_part(walk, &part);
    if (!result && is_container(&part.head))
        result = walk_items(walk, value, part.head.bytes);
    free(part.gathered);
    return result;
}

int image_take(struct image *image, PyObject *value, const struct image_inputs *inputs)
{
    *image = (struct image){0};
    int result = walk_value(&(struct walk){.inputs = inputs, .take = image}, value);
    if (result)
        image_clear(image);
    return result;
}

void image_clear(struct image *image)
{
    free(image->bytes);
    *image = (struct image){0};
}

/* An unfit value is no difference: inputs, and views outside their buffers, are the invariant detector's. */
enum image_verdict image_compare(const struct image *image, PyObject *value,
                                 const struct image_inputs *inputs, char *text, size_t size)
{
    struct walk walk = {.inputs = inputs, .with = image, .text = text, .size = size};
    int result = walk_value(&walk, value);
    return !result || result == -ECANCELED ? walk.verdict : IMAGE_UNFIT;
}
