/* See image.h for the contract. */
#include "detectors/result/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/result/image_walk.h"
#include "detectors/common/pycompat.h"

struct pair {
    PyObject *key, *value;
};

static bool is_container(const struct part_head *head)
{
    return strchr("([{", head->kind) != NULL;
}

static size_t payload_of(const struct part_head *head)
{
    return is_container(head) ? 0 : head->bytes;
}

static int take_part(struct walk *walk, const struct part *part, const char *type)
{
    if (part_is_address(part))
        return walk_end(walk, IMAGE_UNFIT, "a value of type %.80s that may be an address cannot be compared",
                        type);
    int result = walk_append(walk->take, &part->head, sizeof part->head);
    if (!result)
        result = walk_append(walk->take, part->dims, part->head.nd * sizeof *part->dims);
    if (!result)
        result = walk_append(walk->take, part->bytes, payload_of(&part->head));
    return result == -ENOTSUP ? walk_end(walk, IMAGE_UNFIT, "a result of more than %u MiB cannot be compared",
                                         IMAGE_BYTES_MAX >> 20)
                              : result;
}

static int differs_in_bytes(struct walk *walk, const struct part *now, const char *was, size_t at)
{
    char a[96], b[96], place[WALK_PLACE];
    const struct part_head *head = &now->head;
    part_print_element(head, now->bytes, at, a, sizeof a);
    part_print_element(head, was, at, b, sizeof b);
    if (head->kind != 'a')
        return walk_differs(walk, a, b);
    return walk_end(
        walk, IMAGE_DIFFERENT,
        "gives a different array%s under threads: element %zu of %zu is %s, on one thread it is %s",
        walk_place(walk, place), at, (size_t)(head->bytes / head->itemsize), a, b);
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
        return walk_differs(walk, a, b);
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

static int has_changed(struct walk *walk)
{
    return walk_end(walk, IMAGE_UNFIT, "a result that changes after its call cannot be compared");
}

/* Another thread may change a list: takes a reference to each item. */
static int walk_sequence(struct walk *walk, PyObject *sequence, Py_ssize_t n)
{
    int result = 0;
    for (Py_ssize_t i = 0; i < n && !result; i++) {
        PyObject *item = PyTuple_Check(sequence) ? Py_NewRef(PyTuple_GET_ITEM(sequence, i))
                                                 : PyList_GetItemRef(sequence, i);
        PyErr_Clear();
        result = item ? walk_step(walk, (struct step){STEP_ITEM, i, NULL, NULL}, item) : has_changed(walk);
        Py_XDECREF(item);
    }
    return result;
}

/* Copies at most WALK_ITEMS pairs, with references, while no other thread changes the dict. */
static Py_ssize_t copy_pairs(PyObject *dict, struct pair *pairs)
{
    Py_ssize_t n = 0, at = 0;
    PyObject *key, *value;
    Py_BEGIN_CRITICAL_SECTION(dict);
    while (n < WALK_ITEMS && PyDict_Next(dict, &at, &key, &value))
        pairs[n++] = (struct pair){Py_NewRef(key), Py_NewRef(value)};
    Py_END_CRITICAL_SECTION();
    return n;
}

static int walk_pair(struct walk *walk, const struct pair *pair, Py_ssize_t i)
{
    int result = walk_step(walk, (struct step){STEP_KEY, i, pair->key, NULL}, pair->key);
    return result ? result : walk_step(walk, (struct step){STEP_VALUE, i, pair->key, NULL}, pair->value);
}

static int walk_dict(struct walk *walk, PyObject *dict, Py_ssize_t n)
{
    struct pair pairs[WALK_ITEMS];
    Py_ssize_t copied = copy_pairs(dict, pairs);
    int result = copied == n ? 0 : has_changed(walk);
    for (Py_ssize_t i = 0; i < copied && !result; i++)
        result = walk_pair(walk, &pairs[i], i);
    for (Py_ssize_t i = 0; i < copied; i++) {
        Py_DECREF(pairs[i].key);
        Py_DECREF(pairs[i].value);
    }
    return result;
}

static int walk_container(struct walk *walk, PyObject *container, uint64_t n)
{
    if (n > WALK_ITEMS)
        return walk_end(walk, IMAGE_UNFIT, "a result of more than %u items cannot be compared", WALK_ITEMS);
    if (walk->depth == WALK_DEPTH && walk->inside)
        return 0;
    if (walk->depth == WALK_DEPTH)
        return walk_end(walk, IMAGE_UNFIT, "a result nested more than %u deep cannot be compared",
                        WALK_DEPTH);
    return PyDict_Check(container) ? walk_dict(walk, container, (Py_ssize_t)n)
                                   : walk_sequence(walk, container, (Py_ssize_t)n);
}

static int walk_value(struct walk *walk, PyObject *value)
{
    struct part part;
    const char *type = Py_TYPE(value)->tp_name;
    int result = part_of(&part, value, walk->inputs);
    if (result == -ENOTSUP && walk->inputs->reads)
        return walk_object(walk, value);
    if (result)
        result = walk_end(walk, IMAGE_UNFIT, "a value of type %.80s cannot be compared", type);
    else
        result = walk->take ? take_part(walk, &part, type) : compare_part(walk, &part);
    if (!result && is_container(&part.head))
        result = walk_container(walk, value, part.head.bytes);
    free(part.gathered);
    return result;
}

int image_take(struct image *image, PyObject *value, const struct image_inputs *inputs, char *text,
               size_t size)
{
    *image = (struct image){0};
    snprintf(text, size, "there is no memory for a copy of the result");
    int result = walk_value(
        &(struct walk){.visit = walk_value, .inputs = inputs, .take = image, .text = text, .size = size},
        value);
    if (!result && image->reads && image_compare(image, value, inputs, text, size) > IMAGE_CLOSE) {
        snprintf(text, size, "a value of type %.80s that changes when it is read cannot be compared",
                 Py_TYPE(value)->tp_name);
        result = -ENOTSUP;
    }
    if (result)
        image_clear(image);
    return result;
}

void image_clear(struct image *image)
{
    free(image->bytes);
    *image = (struct image){0};
}

static bool is_same_bytes(const struct part_head *was, const char *bytes, const void *now, size_t n)
{
    return n == was->bytes && memcmp(bytes, now, n) == 0;
}

/* An image has the int with its sign in all bytes. */
static bool is_same_int(const char *bytes, PyObject *value)
{
    char now[PART_SCRATCH];
    if (!PyUnstable_Long_IsCompact((PyLongObject *)value))
        return false;
    Py_ssize_t number = PyUnstable_Long_CompactValue((PyLongObject *)value);
    memset(now, number < 0 ? -1 : 0, sizeof now);
    memcpy(now, &number, sizeof number);
    return memcmp(bytes, now, sizeof now) == 0;
}

bool image_is_same(const struct image *image, PyObject *value)
{
    struct part_head was;
    memcpy(&was, image->bytes, sizeof was);
    const char *bytes = image->bytes + sizeof was;
    switch (was.kind) {
    case 'N':
        return value == Py_None;
    case 'b':
        return value == (*bytes ? Py_True : Py_False);
    case 'i':
        return PyLong_CheckExact(value) && is_same_int(bytes, value);
    case 'f':
        return PyFloat_CheckExact(value) &&
               is_same_bytes(&was, bytes, &(double){PyFloat_AS_DOUBLE(value)}, sizeof(double));
    case 's':
        return PyUnicode_CheckExact(value) && PyUnicode_KIND(value) == was.itemsize &&
               is_same_bytes(&was, bytes, PyUnicode_DATA(value),
                             was.itemsize * (size_t)PyUnicode_GET_LENGTH(value));
    case 'y':
        return PyBytes_CheckExact(value) &&
               is_same_bytes(&was, bytes, PyBytes_AS_STRING(value), (size_t)PyBytes_GET_SIZE(value));
    default:
        return false;
    }
}

/* An unfit value is no difference: inputs, and views outside their buffers, are the invariant detector's. */
enum image_verdict image_compare(const struct image *image, PyObject *value,
                                 const struct image_inputs *inputs, char *text, size_t size)
{
    struct walk walk = {.visit = walk_value, .inputs = inputs, .with = image, .text = text, .size = size};
    int result = walk_value(&walk, value);
    return !result || result == -ECANCELED ? walk.verdict : IMAGE_UNFIT;
}
