/* One Python object as one part of an image, and as text. */
#include "detectors/result/image_part.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/common/array_api.h"
#include "detectors/memory/readable.h"
#include "detectors/common/pycompat.h"

/* Relative to the largest element of an array: a small sum of large elements is mostly rounding error. */
#define TOLERANCE_DOUBLE 1e-12
#define TOLERANCE_SINGLE 1e-5

static int set_bytes(struct part *part, char kind, char element, size_t itemsize, const void *bytes, size_t n)
{
    part->head.kind = kind;
    part->head.element = element;
    part->head.itemsize = (uint32_t)itemsize;
    part->head.bytes = n;
    part->bytes = bytes;
    return 0;
}

static int set_scratch(struct part *part, char kind, char element, const void *bytes, size_t n)
{
    memcpy(part->scratch, bytes, n);
    return set_bytes(part, kind, element, n, part->scratch, n);
}

static int of_int(struct part *part, PyObject *value)
{
    Py_ssize_t n = PyLong_AsNativeBytes(value, part->scratch, PART_SCRATCH, Py_ASNATIVEBYTES_DEFAULTS);
    if (n < 0 || n > PART_SCRATCH) {
        PyErr_Clear();
        return -ENOTSUP;
    }
    return set_bytes(part, 'i', 'i', PART_SCRATCH, part->scratch, PART_SCRATCH);
}

/* Element by element in logical order, the last dimension fastest. */
static void gather(PyArrayObject *array, char *to)
{
    Py_ssize_t at[PART_DIMS] = {0};
    int nd = PyArray_NDIM(array);
    size_t itemsize = (size_t)PyArray_ITEMSIZE(array);
    const char *from = PyArray_BYTES(array);
    for (;;) {
        memcpy(to, from, itemsize);
        to += itemsize;
        int i = nd - 1;
        while (i >= 0 && ++at[i] == PyArray_DIM(array, i)) {
            from -= (at[i] - 1) * PyArray_STRIDE(array, i);
            at[i--] = 0;
        }
        if (i < 0)
            return;
        from += PyArray_STRIDE(array, i);
    }
}

bool part_may_read(PyArrayObject *array, const struct image_inputs *inputs)
{
    const PyArrayObject *owner = array_api_owner(array);
    for (unsigned i = 0; i < inputs->n; i++) {
        const struct watched *watched = &inputs->watched[i];
        char *low;
        if (watched->array != (const PyObject *)owner)
            continue;
        size_t size = watched_span(array, &low);
        return owner != array && low >= watched->low && low + size <= watched->low + watched->size;
    }
    return true;
}

/* The padding of a long double is undefined, and elements with references are not plain bytes. */
static bool has_plain_elements(PyArray_Descr *descr)
{
    int type = descr->type_num;
    return type >= 0 && type < NPY_USERDEF && type != NPY_LONGDOUBLE && type != NPY_CLONGDOUBLE &&
           !PyDataType_REFCHK(descr) && PyDataType_ELSIZE(descr) > 0;
}

static int of_array(struct part *part, PyArrayObject *array, const struct image_inputs *inputs)
{
    PyArray_Descr *descr = PyArray_DESCR(array);
    if (!has_plain_elements(descr) || PyArray_NDIM(array) > PART_DIMS || !part_may_read(array, inputs))
        return -ENOTSUP;
    size_t n = (size_t)PyArray_NBYTES(array);
    if (n > IMAGE_BYTES_MAX)
        return -ENOTSUP;
    part->head.nd = (uint8_t)PyArray_NDIM(array);
    part->head.swapped = PyArray_ISBYTESWAPPED(array);
    part->dims = PyArray_DIMS(array);
    if (n > 0 && !PyArray_IS_C_CONTIGUOUS(array)) {
        part->gathered = malloc(n);
        if (!part->gathered)
            return -ENOMEM;
        gather(array, part->gathered);
    }
    return set_bytes(part, 'a', descr->kind, (size_t)PyDataType_ELSIZE(descr),
                     part->gathered ? part->gathered : PyArray_BYTES(array), n);
}

/* NumPy's own static types only: a subclass may run Python code. */
static int of_scalar(struct part *part, PyObject *value)
{
    bool number = PyArray_IsScalar(value, Number) || PyArray_IsScalar(value, Bool) ||
                  PyArray_IsScalar(value, Datetime) || PyArray_IsScalar(value, Timedelta);
    if (!number || PyType_HasFeature(Py_TYPE(value), Py_TPFLAGS_HEAPTYPE))
        return -ENOTSUP;
    PyArray_Descr *descr = PyArray_DescrFromScalar(value);
    if (!descr) {
        PyErr_Clear();
        return -ENOTSUP;
    }
    size_t size = (size_t)PyDataType_ELSIZE(descr);
    bool fits = has_plain_elements(descr) && size <= PART_SCRATCH;
    if (fits) {
        PyArray_ScalarAsCtype(value, part->scratch);
        set_bytes(part, 'n', descr->kind, size, part->scratch, size);
    }
    Py_DECREF(descr);
    return fits ? 0 : -ENOTSUP;
}

int part_of(struct part *part, PyObject *value, const struct image_inputs *inputs)
{
    memset(part, 0, sizeof *part);
    if (value == Py_None)
        return set_bytes(part, 'N', 'N', 1, "", 0);
    if (PyBool_Check(value))
        return set_scratch(part, 'b', 'b', &(bool){value == Py_True}, 1);
    if (PyLong_CheckExact(value))
        return of_int(part, value);
    if (PyFloat_CheckExact(value))
        return set_scratch(part, 'f', 'f', &(double){PyFloat_AS_DOUBLE(value)}, sizeof(double));
    if (PyComplex_CheckExact(value))
        return set_scratch(part, 'c', 'c', &((PyComplexObject *)value)->cval, sizeof(Py_complex));
    if (PyUnicode_CheckExact(value))
        return set_bytes(part, 's', 's', (size_t)PyUnicode_KIND(value), PyUnicode_DATA(value),
                         (size_t)PyUnicode_KIND(value) * (size_t)PyUnicode_GET_LENGTH(value));
    if (PyBytes_CheckExact(value))
        return set_bytes(part, 'y', 'y', 1, PyBytes_AS_STRING(value), (size_t)PyBytes_GET_SIZE(value));
    if (PyTuple_Check(value))
        return set_bytes(part, '(', '(', 1, "", (size_t)PyTuple_GET_SIZE(value));
    if (PyList_CheckExact(value))
        return set_bytes(part, '[', '[', 1, "", (size_t)PyList_GET_SIZE(value));
    if (PyDict_CheckExact(value))
        return set_bytes(part, '{', '{', 1, "", (size_t)PyDict_GET_SIZE(value));
    if (!PyArray_API)
        return -ENOTSUP;
    return PyArray_CheckExact(value) ? of_array(part, (PyArrayObject *)value, inputs)
                                     : of_scalar(part, value);
}

static bool is_string(const struct part_head *head)
{
    return head->kind == 's' || head->kind == 'y';
}

/* Comparing */

static double real_at(size_t width, const char *bytes, size_t i)
{
    double wide;
    float narrow;
    memcpy(width == sizeof wide ? (void *)&wide : &narrow, bytes + i * width, width);
    return width == sizeof wide ? wide : (double)narrow;
}

static double largest(size_t width, const char *bytes, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++) {
        double size = fabs(real_at(width, bytes, i));
        if (isfinite(size) && size > most)
            most = size;
    }
    return most;
}

/* The width of native floats, single or double; 0 for anything else. */
static size_t width_of_reals(const struct part_head *head)
{
    size_t width = head->element == 'c' ? head->itemsize / 2 : head->element == 'f' ? head->itemsize : 0;
    return !head->swapped && (width == sizeof(float) || width == sizeof(double)) ? width : 0;
}

static enum image_verdict compare_reals(const struct part_head *head, size_t width, const char *now,
                                        const char *was, size_t *ret_at)
{
    size_t n = head->bytes / width;
    double distance =
        largest(width, was, n) * (width == sizeof(double) ? TOLERANCE_DOUBLE : TOLERANCE_SINGLE);
    for (size_t i = 0; i < n; i++) {
        double a = real_at(width, now, i), b = real_at(width, was, i);
        if (a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= distance)
            continue;
        *ret_at = i * width / head->itemsize;
        return IMAGE_DIFFERENT;
    }
    return IMAGE_CLOSE;
}

enum image_verdict part_compare(const struct part_head *head, const char *now, const char *was,
                                size_t *ret_at)
{
    if (head->bytes == 0 || memcmp(now, was, head->bytes) == 0)
        return IMAGE_SAME;
    size_t width = width_of_reals(head), at = 0;
    if (width > 0)
        return compare_reals(head, width, now, was, ret_at);
    while (at < head->bytes && now[at] == was[at])
        at++;
    /* Another thread may have restored the byte between the two reads. */
    if (at == head->bytes)
        return IMAGE_SAME;
    *ret_at = at / head->itemsize;
    return IMAGE_DIFFERENT;
}

bool part_is_address(const struct part *part)
{
    uint64_t number = 0;
    const struct part_head *head = &part->head;
    /* "<object object at 0x7f…>" */
    if (is_string(head))
        return memmem(part->bytes, head->bytes, "0x", 2) != NULL;
    if ((head->kind != 'i' && head->kind != 'n') || (head->element != 'i' && head->element != 'u') ||
        head->itemsize < sizeof number)
        return false;
    memcpy(&number, part->bytes, sizeof number);
    if (number < UINT64_C(1) << 20)
        return false;
    /* An object lies at a multiple of 16, and its hash is its address rotated by four bits. */
    uint64_t rotated = number << 4 | number >> 60;
    readable_forget();
    return readable((const void *)(uintptr_t)number, 1) || readable((const void *)(uintptr_t)rotated, 1);
}

/* Printing */

static const char *name_of(char kind)
{
    static const char *const names[UINT8_MAX + 1] = {
        ['('] = "a tuple", ['['] = "a list",  ['N'] = "None",      ['b'] = "a bool",
        ['i'] = "an int",  ['f'] = "a float", ['c'] = "a complex", ['s'] = "a str",
        ['y'] = "a bytes", ['{'] = "a dict",  ['o'] = "an object",
    };
    const char *name = names[(unsigned char)kind];
    return name ? name : "a value";
}

void part_print_type(const struct part_head *head, const Py_ssize_t *dims, char *text, size_t size)
{
    char element[24], shape[160];
    snprintf(element, sizeof element, "%s%c%u", head->swapped ? ">" : "", head->element, head->itemsize);
    if (head->kind == 'n')
        snprintf(text, size, "a NumPy scalar %s", element);
    else if (head->kind == '(' || head->kind == '[' || head->kind == '{')
        snprintf(text, size, "%s of %llu", name_of(head->kind), (unsigned long long)head->bytes);
    else if (is_string(head))
        snprintf(text, size, "%s of %llu bytes", name_of(head->kind), (unsigned long long)head->bytes);
    else if (head->kind != 'a')
        snprintf(text, size, "%s", name_of(head->kind));
    else {
        watched_print_tuple(shape, sizeof shape, head->nd, dims);
        snprintf(text, size, "an array %s of shape %s", element, shape);
    }
}

static void print_hex(const char *bytes, size_t n, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "0x");
    for (size_t i = 0; i < n && i < 16 && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%02x", (unsigned char)bytes[i]);
}

static void print_reals(const struct part_head *head, size_t width, const char *at, char *text, size_t size)
{
    int digits = width == sizeof(double) ? 17 : 9;
    if (head->element == 'f')
        snprintf(text, size, "%.*g", digits, real_at(width, at, 0));
    else
        snprintf(text, size, "%.*g%+.*gj", digits, real_at(width, at, 0), digits, real_at(width, at, 1));
}

/* Little-endian, as x86-64 is. */
static void print_integer(const struct part_head *head, const char *at, char *text, size_t size)
{
    size_t width = head->itemsize < 8 ? head->itemsize : 8;
    int64_t number = 0;
    memcpy(&number, at, width);
    unsigned unused = (unsigned)(64 - 8 * width);
    if (head->element == 'u' || head->element == 'b')
        snprintf(text, size, "%llu", (unsigned long long)number);
    else
        snprintf(text, size, "%lld", (long long)((int64_t)((uint64_t)number << unused) >> unused));
}

void part_print_element(const struct part_head *head, const char *bytes, size_t at, char *text, size_t size)
{
    const char *element = bytes + at * head->itemsize;
    size_t width = width_of_reals(head);
    bool is_wide = false; /* an int of Python that needs more than eight bytes is too long to be printed */
    for (size_t i = 8; i < head->itemsize; i++)
        is_wide |= element[i] != (element[7] < 0 ? -1 : 0);
    if (head->kind == 'b') {
        snprintf(text, size, "%s", *element ? "True" : "False");
    } else if (is_string(head)) {
        char hex[40];
        print_hex(element, head->itemsize, hex, sizeof hex);
        snprintf(text, size, "%s with %s at %zu", name_of(head->kind), hex, at);
    } else if (width > 0) {
        print_reals(head, width, element, text, size);
    } else if (!head->swapped && strchr("biu", head->element) && !is_wide) {
        print_integer(head, element, text, size);
    } else if (head->kind == 'i') {
        uint64_t end;
        memcpy(&end, element, sizeof end);
        snprintf(text, size, "an int that ends in %#llx", (unsigned long long)end);
    } else {
        print_hex(element, head->itemsize, text, size);
    }
}
