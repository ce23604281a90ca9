/* An object in an image: its type, and the parts of its form, each with its length, so that a part that was struck out
 * later is passed over. See image.h for the contract. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "detectors/result/image_walk.h"

/* References to an object that is an item: of the container and of this walk; or of a pickle, too. */
#define REFS_ITEM 2
#define REFS_INSIDE 3

/* Returns the name of a type, a module, or a function of one, which stand for themselves; or NULL. */
static const char *name_of(PyObject *object)
{
    if (PyType_Check(object))
        return ((PyTypeObject *)object)->tp_name;
    if (PyModule_Check(object))
        return PyModule_GetName(object);
    if (PyCFunction_Check(object) &&
        (!PyCFunction_GET_SELF(object) || PyModule_Check(PyCFunction_GET_SELF(object))))
        return ((PyCFunctionObject *)object)->m_ml->ml_name;
    PyObject *name = PyFunction_Check(object) ? ((PyFunctionObject *)object)->func_qualname : NULL;
    const char *text = name ? PyUnicode_AsUTF8(name) : NULL;
    return text && !strchr(text, '<') ? text : NULL;
}

static int append_head(struct walk *walk, const struct part_head *head, const char *name)
{
    int result = walk_append(walk->take, head, sizeof *head);
    return result ? result : walk_append(walk->take, name, head->kind == 'o' ? head->bytes : 0);
}

static int read_part(struct walk *walk, struct form_part *part, PyObject *object)
{
    char raised[96];
    PyObject *value = form_read(part, object, raised, sizeof raised);
    struct step step = {STEP_PART, 0, NULL, part};
    if (!value && (walk->take || walk->inputs->reads == IMAGE_READS_LATER))
        return -ENOTSUP;
    walk->inside++;
    walk->attributes += part->means == FORM_ATTRIBUTE;
    int result;
    if (value) {
        result = walk_step(walk, step, value);
    } else {
        walk->steps[walk->depth++] = step;
        result = walk_differs(walk, raised, "a value");
        walk->depth--;
    }
    walk->attributes -= part->means == FORM_ATTRIBUTE;
    walk->inside--;
    Py_XDECREF(value);
    return result;
}

/* Attributes of attributes are not read: they lead to parents and owners. */
static bool is_read(const struct walk *walk, const struct form *form, unsigned i)
{
    return form_is_needed(form, i) && !(walk->attributes && form->parts[i].means == FORM_ATTRIBUTE);
}

/* A part that cannot be compared is struck out. */
static int take_part(struct walk *walk, struct form *form, unsigned i, PyObject *object, uint32_t *n)
{
    struct image *image = walk->take;
    size_t at = image->size;
    unsigned items = walk->items;
    struct part_head head = {.kind = '.', .itemsize = i};
    int result = append_head(walk, &head, NULL);
    if (!result)
        result = read_part(walk, &form->parts[i], object);
    if (result == -ENOMEM)
        return result;
    if (result) {
        image->size = at;
        walk->items = items;
        walk->verdict = IMAGE_SAME;
        form->parts[i].struck = true;
        return 0;
    }
    head.bytes = image->size - at - sizeof head;
    memcpy(image->bytes + at, &head, sizeof head);
    ++*n;
    return 0;
}

static int take_object(struct walk *walk, PyObject *object)
{
    const char *name = name_of(object), *type = Py_TYPE(object)->tp_name;
    struct part_head head = {.kind = 'o', .element = name ? 'q' : 'o', .bytes = strlen(name ? name : type)};
    struct form *form = name ? NULL : form_make(Py_TYPE(object));
    size_t at = walk->take->size;
    walk->take->reads = true;
    int result = append_head(walk, &head, name ? name : type);
    if (walk->depth < WALK_DEPTH)
        for (unsigned i = 0; form && !result && i < form->n; i++)
            if (is_read(walk, form, i))
                result = take_part(walk, form, i, object, &head.itemsize);
    if (result)
        return result == -ENOTSUP
                   ? walk_end(walk, IMAGE_UNFIT, "a result that is too large cannot be compared")
                   : result;
    if (head.itemsize == 0 && !name && !walk->inside)
        return walk_end(walk, IMAGE_UNFIT, "a value of type %.80s cannot be compared", type);
    memcpy(walk->take->bytes + at, &head, sizeof head);
    return 0;
}

/* The value of an attribute that depends on the call is no part of the result. */
static int compare_part(struct walk *walk, struct form *form, PyObject *object, unsigned *used)
{
    struct part_head head;
    enum image_verdict verdict = walk->verdict;
    memcpy(&head, walk->with->bytes + walk->at, sizeof head);
    struct form_part *part = &form->parts[head.itemsize];
    size_t end = walk->at + sizeof head + head.bytes;
    walk->at += sizeof head;
    int result = part->struck ? 0 : read_part(walk, part, object);
    if (result && walk->inputs->reads == IMAGE_READS_ALONE && part->means == FORM_ATTRIBUTE)
        part->struck = true;
    else if (result && result != -EAGAIN)
        return result;
    *used += !part->struck;
    if (result)
        walk->verdict = verdict;
    walk->at = end;
    return 0;
}

/* Other threads may read or change an object that does not belong to this one alone. */
static bool is_own(const struct walk *walk, PyObject *object)
{
    Py_ssize_t refs = walk->inside ? REFS_INSIDE : walk->depth ? REFS_ITEM : (Py_ssize_t)walk->inputs->refs;
    return walk->inputs->reads != IMAGE_READS_OWN || Py_REFCNT(object) <= refs;
}

static int compare_type(struct walk *walk, const struct part_head *was, const char *now)
{
    char a[96], b[192];
    Py_ssize_t dims[PART_DIMS];
    const char *at = walk->with->bytes + walk->at + sizeof *was;
    if (was->kind == 'o' && was->bytes == strlen(now) && memcmp(at, now, was->bytes) == 0)
        return 0;
    snprintf(a, sizeof a, "a %.80s", now);
    memcpy(dims, at, was->nd * sizeof *dims);
    part_print_type(was, dims, b, sizeof b);
    if (was->kind == 'o')
        snprintf(b, sizeof b, "a %.*s", (int)(was->bytes < 80 ? was->bytes : 80), at);
    return walk_differs(walk, a, b);
}

static int compare_object(struct walk *walk, PyObject *object)
{
    struct part_head was;
    unsigned used = 0;
    memcpy(&was, walk->with->bytes + walk->at, sizeof was);
    const char *name = name_of(object);
    struct form *form = name ? NULL : form_find(Py_TYPE(object));
    int result = compare_type(walk, &was, name ? name : Py_TYPE(object)->tp_name);
    if (result)
        return result;
    walk->at += sizeof was + was.bytes;
    if (was.itemsize == 0)
        return 0;
    if (!form)
        return walk_end(walk, IMAGE_UNFIT, "a value of a new type cannot be compared");
    if (!is_own(walk, object))
        return walk->inside ? -EAGAIN : walk_end(walk, IMAGE_SHARED, "%s", "");
    for (unsigned i = 0; i < was.itemsize && !result; i++)
        result = compare_part(walk, form, object, &used);
    if (!result && used == 0 && !walk->inside)
        return walk_end(walk, IMAGE_UNFIT, "one thread gets different results");
    return result;
}

/* An int may be too long for a part, and an array may be an input. */
static bool is_part(const struct walk *walk, PyObject *object)
{
    return PyLong_CheckExact(object) ||
           (PyArray_API && PyArray_Check(object) && !part_may_read((PyArrayObject *)object, walk->inputs));
}

int walk_object(struct walk *walk, PyObject *object)
{
    if (is_part(walk, object))
        return walk_end(walk, IMAGE_UNFIT, "a value of type %.80s cannot be compared",
                        Py_TYPE(object)->tp_name);
    int result = walk->take ? take_object(walk, object) : compare_object(walk, object);
    PyErr_Clear();
    return result;
}
