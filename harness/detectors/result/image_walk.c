/* The steps of a walk, its end, and what it adds. */
#include "detectors/result/image_walk.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int walk_append(struct image *image, const void *bytes, size_t n)
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

int walk_end(struct walk *walk, enum image_verdict verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(walk->text, walk->size, format, arguments);
    va_end(arguments);
    walk->verdict = verdict;
    return verdict == IMAGE_UNFIT ? -ENOTSUP : -ECANCELED;
}

static bool is_plain_key(PyObject *key)
{
    return PyUnicode_CheckExact(key) || PyLong_CheckExact(key) || PyBytes_CheckExact(key);
}

static void print_step(const struct step *step, char *text, size_t size)
{
    PyObject *repr = step->kind == STEP_VALUE && is_plain_key(step->key) ? PyObject_Repr(step->key) : NULL;
    const char *name = repr ? PyUnicode_AsUTF8(repr) : NULL;
    if (step->kind == STEP_ITEM)
        snprintf(text, size, "[%zd]", step->i);
    else if (name && strlen(name) <= WALK_KEY)
        snprintf(text, size, "[%s]", name);
    else
        snprintf(text, size, ".%s()[%zd]", step->kind == STEP_KEY ? "keys" : "values", step->i);
    PyErr_Clear();
    Py_XDECREF(repr);
}

const char *walk_place(const struct walk *walk, char text[static WALK_PLACE])
{
    static const char as[] = " as ";
    char *place = text + sizeof as - 1;
    const size_t rest = WALK_PLACE - sizeof as;
    text[0] = '\0';
    if (walk->depth > 0)
        snprintf(text, WALK_PLACE, "%sresult", as);
    for (unsigned i = 0; i < walk->depth; i++) {
        size_t n = strlen(place);
        if (walk->steps[i].kind == STEP_PART)
            form_print(walk->steps[i].part, place, rest);
        else
            print_step(&walk->steps[i], place + n, rest - n);
    }
    return text;
}

int walk_differs(struct walk *walk, const char *now, const char *was)
{
    char place[WALK_PLACE];
    return walk_end(walk, IMAGE_DIFFERENT, "gives %s%s under threads, %s on one thread", now,
                    walk_place(walk, place), was);
}

int walk_step(struct walk *walk, struct step step, PyObject *value)
{
    if (step.kind != STEP_KEY && walk->items++ == WALK_ITEMS)
        return walk_end(walk, IMAGE_UNFIT, "a result of more than %u items cannot be compared", WALK_ITEMS);
    walk->steps[walk->depth++] = step;
    int result = walk->visit(walk, value);
    walk->depth--;
    return result;
}
