/* Forms: how the value of an object can be read that is no plain data, such as an object of an extension.
 *
 * The parts of a form are public: the pickle that the object would have; without one its bytes (buffer protocol), its
 * items, its text, and the attributes that C code holds or computes. Attributes that begin with `_` are not read,
 * and no iterator is advanced. A part that differs between calls on one thread is struck out for the type.
 *
 * Contract. form_make and form_strike: one thread, attached, while no other reads. form_find: any thread. form_read:
 * attached; it runs code of the type, which may wait.
 */
#pragma once

#include <Python.h>

#include <stdbool.h>
#include <stddef.h>

#define FORM_PARTS 40

enum form_means { FORM_PICKLE, FORM_BYTES, FORM_ITEMS, FORM_TEXT, FORM_ATTRIBUTE };

struct form_part {
    enum form_means means;
    const char *name; /* of the attribute */
    bool sorted;      /* the items have no order */
    bool struck;
};

struct form {
    PyTypeObject *type;
    unsigned n;
    struct form_part parts[FORM_PARTS];
};

/* Returns the form of this type, or NULL without memory or with too many types. */
struct form *form_make(PyTypeObject *type);
/* Returns NULL for a type without a form. */
struct form *form_find(const PyTypeObject *type);

/* Is a pickle enough, and do the objects have one? Then the other parts are not read. */
bool form_is_needed(const struct form *form, unsigned part);

/* Returns a new reference to a value that stands for this part; or NULL, and the exception is cleared. */
PyObject *form_read(const struct form_part *part, PyObject *object, char *raised, size_t size);

/* Changes the expression of Python for the object into the one for this part: "result" to "repr(result)". */
void form_print(const struct form_part *part, char *expression, size_t size);
