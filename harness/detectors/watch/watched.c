/* See watched.h for the contract. */
#include "detectors/watch/watched.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/foreign.h"
#include "base/text.h"
#include "detectors/common/array_api.h"
#include "detectors/watch/tripwire.h"

_Static_assert(sizeof(npy_intp) == sizeof(Py_ssize_t), "one type for extents");

size_t watched_span(PyArrayObject *array, char **ret_low)
{
    const npy_intp *dims = PyArray_DIMS(array), *strides = PyArray_STRIDES(array);
    char *low = PyArray_BYTES(array), *high = low + PyArray_ITEMSIZE(array);
    *ret_low = low;
    for (int i = 0; i < PyArray_NDIM(array); i++) {
        if (dims[i] == 0)
            return 0;
        Py_ssize_t reach = (dims[i] - 1) * strides[i];
        *(reach < 0 ? &low : &high) += reach;
    }
    *ret_low = low;
    return (size_t)(high - low);
}

static const PyArrayObject_fields *fields_of(const struct watched *watched)
{
    return (const PyArrayObject_fields *)(const void *)watched->array;
}

static int copy_bytes(struct watched *watched)
{
    if (watched->size == 0 || watched->size > WATCHED_BYTES_MAX)
        return 0;
    watched->bytes = malloc(watched->size);
    if (!watched->bytes)
        return -ENOMEM;
    memcpy(watched->bytes, watched->low, watched->size);
    return 0;
}

int watched_take(struct watched *watched, const char *name, PyObject *object)
{
    PyArrayObject *array = (PyArrayObject *)object;
    *watched = (struct watched){.nd = PyArray_NDIM(array)};
    if (watched->nd > WATCHED_DIMS || PyDataType_REFCHK(PyArray_DESCR(array)))
        return -EINVAL;
    watched->name = strdup(name);
    if (!watched->name)
        return -ENOMEM;
    watched->array = Py_NewRef(object);
    watched->flags = PyArray_FLAGS(array);
    watched->data = PyArray_DATA(array);
    watched->extents = PyArray_DIMS(array);
    size_t bytes = (size_t)watched->nd * sizeof(Py_ssize_t);
    if (bytes > 0) {
        memcpy(watched->dims, PyArray_DIMS(array), bytes);
        memcpy(watched->strides, PyArray_STRIDES(array), bytes);
    }
    watched->size = watched_span(array, &watched->low);
    return copy_bytes(watched);
}

void watched_drop(struct watched *watched)
{
    if (watched->region)
        tripwire_release(watched->region);
    Py_CLEAR(watched->array);
    free(watched->bytes);
    free(watched->name);
    *watched = (struct watched){0};
}

void watched_print_tuple(char *text, size_t size, int nd, const Py_ssize_t *values)
{
    snprintf(text, size, "(");
    for (int i = 0; i < nd; i++)
        text_add(text, size, "", nd == 1 ? "%zd," : i ? ", %zd" : "%zd", values[i]);
    text_add(text, size, "", ")");
}

static bool tuple_differs(const char *what, const struct watched *watched, const Py_ssize_t *now,
                          const Py_ssize_t *was, char *text, size_t size)
{
    Py_ssize_t seen[WATCHED_DIMS];
    bool differs = false;
    for (int i = 0; i < watched->nd; i++) {
        seen[i] = foreign_word(&now[i]);
        differs |= seen[i] != was[i];
    }
    if (!differs)
        return false;
    char a[256], b[256];
    watched_print_tuple(a, sizeof a, watched->nd, seen);
    watched_print_tuple(b, sizeof b, watched->nd, was);
    snprintf(text, size, "its %s became %s, was %s", what, a, b);
    return true;
}

static const Py_ssize_t *tuple_at(const void *pointer)
{
    return (const Py_ssize_t *)(uintptr_t)foreign_word(pointer); /* NOLINT(performance-no-int-to-ptr) */
}

bool watched_metadata_differs(const struct watched *watched, char *text, size_t size)
{
    const PyArrayObject_fields *now = fields_of(watched);
    int nd = foreign_int(&now->nd);
    if (nd != watched->nd) {
        snprintf(text, size, "its number of dimensions became %d, was %d", nd, watched->nd);
        return true;
    }
    if (tuple_differs("shape", watched, tuple_at(&now->dimensions), watched->dims, text, size) ||
        tuple_differs("strides", watched, tuple_at(&now->strides), watched->strides, text, size))
        return true;
    int flags = foreign_int(&now->flags);
    if (flags != watched->flags) {
        snprintf(text, size, "its flags became %#x, were %#x", (unsigned)flags, (unsigned)watched->flags);
        return true;
    }
    if (foreign_word(&now->data) != (intptr_t)watched->data) {
        snprintf(text, size, "its data pointer moved");
        return true;
    }
    return false;
}

bool watched_bytes_differ(const struct watched *watched, char *text, size_t size)
{
    if (!watched->bytes || !foreign_differs(watched->low, watched->bytes, watched->size))
        return false;
    size_t at = 0;
    while (at < watched->size && foreign_byte(&watched->low[at]) == (uint8_t)watched->bytes[at])
        at++;
    /* Another thread may have restored the byte between the two reads. */
    if (at == watched->size)
        return false;
    snprintf(text, size, "its data changed, first at byte %zu of %zu", at, watched->size);
    return true;
}

bool watched_data_differs(const struct watched *watched, char *text, size_t size)
{
    return !watched->out && !watched->mutable_data && !watched->mutable_metadata &&
           watched_bytes_differ(watched, text, size);
}

bool watched_learn(struct watched *watched, char *text, size_t size)
{
    watched->reshaped |= fields_of(watched)->dimensions != watched->extents;
    if (!watched->mutable_metadata && watched_metadata_differs(watched, text, size)) {
        watched->mutable_metadata = true;
        return true;
    }
    bool data = watched_data_differs(watched, text, size);
    watched->mutable_data |= data;
    return data;
}

static void restore_metadata(struct watched *watched)
{
    PyArrayObject_fields *now = (PyArrayObject_fields *)(void *)watched->array;
    if (now->nd != watched->nd)
        return;
    size_t bytes = (size_t)watched->nd * sizeof(Py_ssize_t);
    if (bytes > 0) {
        memcpy(now->dimensions, watched->dims, bytes);
        memcpy(now->strides, watched->strides, bytes);
    }
    now->flags = watched->flags;
}

void watched_restore(struct watched *watched, bool all)
{
    char text[64];
    if (watched->loose)
        return;
    bool metadata = !watched->mutable_metadata && watched_metadata_differs(watched, text, sizeof text);
    bool bytes = ((all && !watched->inside) || !watched->mutable_data) &&
                 watched_bytes_differ(watched, text, sizeof text);
    if (!metadata && !bytes)
        return;
    if (watched->region)
        tripwire_open(watched->region);
    if (metadata)
        restore_metadata(watched);
    if (bytes && fields_of(watched)->data == watched->data)
        memcpy(watched->low, watched->bytes, watched->size);
    if (watched->region)
        tripwire_close(watched->region);
}
