/* See image.h for the contract. */
#include "detectors/result/image.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/result/image_part.h"
#include "detectors/common/pycompat.h"

#define DEPTH_MAX 4u
#define ITEMS_MAX 256u
/* Longer keys are printed as a position. */
#define KEY_MAX 48
#define PLACE_SIZE (16 + DEPTH_MAX * (KEY_MAX + 16))

/* From a container to a value inside: the item i of a sequence, or the key or the value of the pair i of a dict. */
struct step {
    enum { STEP_ITEM, STEP_KEY, STEP_VALUE } kind;
    Py_ssize_t i;
    PyObject *key;
};

struct pair {
    PyObject *key, *value;
};

/* A walk through a value, in the order of the parts in the image: adds them, or compares with them. */
struct walk {
    const struct image_inputs *inputs;
    struct image *take;       /* to add to, or */
    const struct image *with; /* to compare with, from `at` on */
    size_t at;
    struct step steps[DEPTH_MAX]; /* to this value */
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
    return strchr("([{", head->kind) != NULL;
}

static size_t payload_of(const struct part_head *head)
{
    return is_container(head) ? 0 : head->bytes;
}

/* Ends the walk. */
__attribute__((format(printf, 3, 4))) static int end_walk(struct walk *walk, enum image_verdict verdict,
                                                          const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(walk->text, walk->size, format, arguments);
    va_end(arguments);
    walk->verdict = verdict;
    return verdict == IMAGE_UNFIT ? -ENOTSUP : -ECANCELED;
}

static int take_part(struct walk *walk, const struct part *part, const char *type)
{
    if (part_is_address(part))
        return end_walk(walk, IMAGE_UNFIT, "a value of type %.80s that may be an address cannot be compared",
                        type);
    int result = append(walk->take, &part->head, sizeof part->head);
    if (!result)
        result = append(walk->take, part->dims, part->head.nd * sizeof *part->dims);
    if (!result)
        result = append(walk->take, part->bytes, payload_of(&part->head));
    return result == -ENOTSUP ? end_walk(walk, IMAGE_UNFIT, "a result of more than %u MiB cannot be compared",
                                         IMAGE_BYTES_MAX >> 20)
                              : result;
}

static bool is_plain_key(PyObject *key)
{
    return PyUnicode_CheckExact(key) || PyLong_CheckExact(key) || PyBytes_CheckExact(key);
}

static size_t print_step(const struct step *step, char *text, size_t size)
{
    if (step->kind == STEP_ITEM)
        return (size_t)snprintf(text, size, "[%zd]", step->i);
    if (step->kind == STEP_KEY)
        return (size_t)snprintf(text, size, ".keys()[%zd]", step->i);
    PyObject *repr = is_plain_key(step->key) ? PyObject_Repr(step->key) : NULL;
    const char *name = repr ? PyUnicode_AsUTF8(repr) : NULL;
    size_t n = name && strlen(name) <= KEY_MAX ? (size_t)snprintf(text, size, "[%s]", name)
                                               : (size_t)snprintf(text, size, ".values()[%zd]", step->i);
    PyErr_Clear();
    Py_XDECREF(repr);
    return n;
}

/* Prints " as result['a'][0]", or nothing for the result itself. */
static const char *print_place(const struct walk *walk, char text[static PLACE_SIZE])
{
    size_t n = 0;
    text[0] = '\0';
    if (walk->depth > 0)
        n = (size_t)snprintf(text, PLACE_SIZE, " as result");
    for (unsigned i = 0; i < walk->depth; i++)
        n += print_step(&walk->steps[i], text + n, PLACE_SIZE - n);
    return text;
}

static int differs(struct walk *walk, const char *now, const char *was)
{
    char place[PLACE_SIZE];
    return end_walk(walk, IMAGE_DIFFERENT, "gives %s%s under threads, %s on one thread", now,
                    print_place(walk, place), was);
}

static int differs_in_bytes(struct walk *walk, const struct part *now, const char *was, size_t at)
{
    char a[96], b[96], place[PLACE_SIZE];
    const struct part_head *head = &now->head;
    part_print_element(head, now->bytes, at, a, sizeof a);
    part_print_element(head, was, at, b, sizeof b);
    if (head->kind != 'a')
        return differs(walk, a, b);
    return end_walk(
        walk, IMAGE_DIFFERENT,
        "gives a different array%s under threads: element %zu of %zu is %s, on one thread it is %s",
        print_place(walk, place), at, (size_t)(head->bytes / head->itemsize), a, b);
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
        return differs(walk, a, b);
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

static int walk_step(struct walk *walk, struct step step, PyObject *value)
{
    if (step.kind != STEP_KEY && walk->items++ == ITEMS_MAX)
        return end_walk(walk, IMAGE_UNFIT, "a result of more than %u items cannot be compared", ITEMS_MAX);
    walk->steps[walk->depth++] = step;
    int result = walk_value(walk, value);
    walk->depth--;
    return result;
}

static int has_changed(struct walk *walk)
{
    return end_walk(walk, IMAGE_UNFIT, "a result that changes after its call cannot be compared");
}

/* Another thread may change a list: takes a reference to each item. */
static int walk_sequence(struct walk *walk, PyObject *sequence, Py_ssize_t n)
{
    int result = 0;
    for (Py_ssize_t i = 0; i < n && !result; i++) {
        PyObject *item = PyTuple_Check(sequence) ? Py_NewRef(PyTuple_GET_ITEM(sequence, i))
                                                 : PyList_GetItemRef(sequence, i);
        PyErr_Clear();
        result = item ? walk_step(walk, (struct step){STEP_ITEM, i, NULL}, item) : has_changed(walk);
        Py_XDECREF(item);
    }
    return result;
}

/* Copies at most ITEMS_MAX pairs, with references, while no other thread changes the dict. */
static Py_ssize_t copy_pairs(PyObject *dict, struct pair *pairs)
{
    Py_ssize_t n = 0, at = 0;
    PyObject *key, *value;
    Py_BEGIN_CRITICAL_SECTION(dict);
    while (n < ITEMS_MAX && PyDict_Next(dict, &at, &key, &value))
        pairs[n++] = (struct pair){Py_NewRef(key), Py_NewRef(value)};
    Py_END_CRITICAL_SECTION();
    return n;
}

static int walk_pair(struct walk *walk, const struct pair *pair, Py_ssize_t i)
{
    int result = walk_step(walk, (struct step){STEP_KEY, i, pair->key}, pair->key);
    return result ? result : walk_step(walk, (struct step){STEP_VALUE, i, pair->key}, pair->value);
}

static int walk_dict(struct walk *walk, PyObject *dict, Py_ssize_t n)
{
    struct pair pairs[ITEMS_MAX];
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
    if (n > ITEMS_MAX)
        return end_walk(walk, IMAGE_UNFIT, "a result of more than %u items cannot be compared", ITEMS_MAX);
    if (walk->depth == DEPTH_MAX)
        return end_walk(walk, IMAGE_UNFIT, "a result nested more than %u deep cannot be compared", DEPTH_MAX);
    return PyDict_Check(container) ? walk_dict(walk, container, (Py_ssize_t)n)
                                   : walk_sequence(walk, container, (Py_ssize_t)n);
}

static int walk_value(struct walk *walk, PyObject *value)
{
    struct part part;
    const char *type = Py_TYPE(value)->tp_name;
    int result = part_of(&part, value, walk->inputs);
    if (result)
        result = end_walk(walk, IMAGE_UNFIT, "a value of type %.80s cannot be compared", type);
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
    int result =
        walk_value(&(struct walk){.inputs = inputs, .take = image, .text = text, .size = size}, value);
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
    struct walk walk = {.inputs = inputs, .with = image, .text = text, .size = size};
    int result = walk_value(&walk, value);
    return !result || result == -ECANCELED ? walk.verdict : IMAGE_UNFIT;
}
