#include "child/space/array.h"

#include <stdlib.h>
#include <string.h>

#include "detectors/common/array_api.h"
#include "heap/guard/guard.h"

#define ALIGNMENT 64

bool array_is_exact(PyObject *object)
{
    return PyArray_API && PyArray_CheckExact(object);
}

static void free_buffer(PyObject *capsule)
{
    free(PyCapsule_GetPointer(capsule, NULL));
}

/* Makes a filled, aligned buffer. Returns the capsule that owns it. */
static PyObject *new_buffer(const struct recipe *recipe, const struct recipe_layout *layout, uint64_t seed,
                            uint64_t stream)
{
    char *buffer;
    if (posix_memalign((void **)&buffer, ALIGNMENT, layout->buffer_size + 1))
        return PyErr_NoMemory();
    memset(buffer, 0, layout->buffer_size + 1);
    recipe_fill(recipe, seed, stream, buffer + recipe->offset);
    char dtype[16];
    recipe_dtype(recipe, dtype);
    if (recipe->itemsize <= UINT8_MAX)
        guard_tag(buffer, (struct block_array){dtype[1], (uint8_t)recipe->itemsize, 1, 0});
    PyObject *capsule = PyCapsule_New(buffer, NULL, free_buffer);
    if (!capsule)
        free(buffer);
    return capsule;
}

static PyArray_Descr *new_descr(const struct recipe *recipe)
{
    char text[16];
    recipe_dtype(recipe, text);
    PyObject *name = PyUnicode_FromString(text);
    PyArray_Descr *descr = NULL;
    if (name && !PyArray_DescrConverter(name, &descr))
        descr = NULL;
    Py_XDECREF(name);
    return descr;
}

PyObject *array_build(const struct recipe *recipe, uint64_t seed, uint64_t stream)
{
    struct recipe_layout layout;
    recipe_layout(recipe, &layout);
    PyObject *capsule = new_buffer(recipe, &layout, seed, stream);
    PyArray_Descr *descr = capsule ? new_descr(recipe) : NULL;
    if (!descr) {
        Py_XDECREF(capsule);
        return NULL;
    }
    char *data = (char *)PyCapsule_GetPointer(capsule, NULL) + layout.start;
    int flags = recipe->readonly || recipe->nbcast >= 0 ? 0 : NPY_ARRAY_WRITEABLE;
    PyObject *array = PyArray_NewFromDescr(&PyArray_Type, descr, layout.ndim, layout.shape, layout.strides,
                                           data, flags, NULL);
    if (!array || PyArray_SetBaseObject((PyArrayObject *)array, capsule) < 0) {
        Py_XDECREF(array);
        return NULL;
    }
    return array;
}
