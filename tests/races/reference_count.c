/* Plain reference count: each call takes a reference to a buffer and releases it, without atomics. A lost increment
 * frees the buffer while the instance refers to it; a lost decrement keeps it for ever. The twin counts with
 * atomics. */
#include "narrow.h"

#include <stdlib.h>

struct buffer {
    long count;
    long values[4];
};

struct twin_buffer {
    atomic_long count;
    long values[4];
};

struct holder {
    PyObject ob_base;
    struct buffer *buffer;
    struct twin_buffer *twin_buffer;
};

static inline void release(struct buffer *buffer)
{
    if (--buffer->count == 0)
        free(buffer);
}

static inline void twin_release(struct twin_buffer *buffer)
{
    if (atomic_fetch_sub_explicit(&buffer->count, 1, memory_order_acq_rel) == 1)
        free(buffer);
}

static PyObject *reference_count(PyObject *self, PyObject *argument)
{
    long x;
    if (!narrow_long(argument, &x))
        return NULL;
    struct buffer *buffer = ((struct holder *)self)->buffer;
    buffer->count++;
    PyObject *result = PyLong_FromLong(x * buffer->values[x & 3]);
    release(buffer);
    return result;
}

static PyObject *reference_count_twin(PyObject *self, PyObject *argument)
{
    long x;
    if (!narrow_long(argument, &x))
        return NULL;
    struct twin_buffer *buffer = ((struct holder *)self)->twin_buffer;
    atomic_fetch_add_explicit(&buffer->count, 1, memory_order_relaxed);
    PyObject *result = PyLong_FromLong(x * buffer->values[x & 3]);
    twin_release(buffer);
    return result;
}

static PyObject *new_holder(PyTypeObject *type, PyObject *Py_UNUSED(arguments), PyObject *Py_UNUSED(names))
{
    struct holder *holder = (struct holder *)type->tp_alloc(type, 0);
    if (!holder)
        return NULL;
    holder->buffer = malloc(sizeof *holder->buffer);
    holder->twin_buffer = malloc(sizeof *holder->twin_buffer);
    if (!holder->buffer || !holder->twin_buffer) {
        free(holder->buffer);
        free(holder->twin_buffer);
        holder->buffer = NULL;
        Py_DECREF(holder);
        return PyErr_NoMemory();
    }
    *holder->buffer = (struct buffer){1, {2, 3, 5, 7}};
    *holder->twin_buffer = (struct twin_buffer){1, {2, 3, 5, 7}};
    return (PyObject *)holder;
}

static void dealloc(PyObject *self)
{
    struct holder *holder = (struct holder *)self;
    PyTypeObject *type = Py_TYPE(self);
    if (holder->buffer) {
        release(holder->buffer);
        twin_release(holder->twin_buffer);
    }
    type->tp_free(self);
    Py_DECREF(type);
}

int narrow_add_reference_count(PyObject *module)
{
    static PyMethodDef methods[] = {
        {"reference_count", reference_count, METH_O, NULL},
        {"reference_count_twin", reference_count_twin, METH_O, NULL},
        {NULL, NULL, 0, NULL},
    };
    static PyType_Slot slots[] = {{Py_tp_methods, methods},
                                  {Py_tp_new, (void *)new_holder},
                                  {Py_tp_dealloc, (void *)dealloc},
                                  {0, NULL}};
    static PyType_Spec spec = {"narrow.Holder", sizeof(struct holder), 0, Py_TPFLAGS_DEFAULT, slots};
    return narrow_add_type(module, &spec);
}
