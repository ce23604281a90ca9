/* Recipes to text, for round trips. */
#pragma once

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/plan/recipe.h"

/* `length` also counts text that did not fit, as snprintf does. */
struct writer {
    char *text;
    size_t size;
    int length;
};

__attribute__((format(printf, 2, 3))) static void put(struct writer *w, const char *format, ...)
{
    bool fits = (size_t)w->length < w->size;
    va_list arguments;
    va_start(arguments, format);
    w->length += vsnprintf(fits ? w->text + w->length : NULL, fits ? w->size - (size_t)w->length : 0, format,
                           arguments);
    va_end(arguments);
}

static void put_dims(struct writer *w, const char *open, int count, const int64_t *dims, const char *close)
{
    put(w, "%s", open);
    for (int i = 0; i < count; i++)
        put(w, "%s%" PRId64, i > 0 ? "," : "", dims[i]);
    put(w, "%s", close);
}

static void put_slice(struct writer *w, const struct recipe_slice *s)
{
    if (s->is_index || s->has_start)
        put(w, "%" PRId64, s->start);
    if (s->is_index)
        return;
    put(w, ":");
    if (s->has_stop)
        put(w, "%" PRId64, s->stop);
    if (s->has_step)
        put(w, ":%" PRId64, s->step);
}

static void put_op(struct writer *w, const struct recipe_op *op)
{
    if (op->kind == RECIPE_OP_TRANSPOSE) {
        put(w, ".T");
        return;
    }
    for (int i = 0; i < op->nslices; i++) {
        put(w, i > 0 ? "," : "[");
        put_slice(w, &op->slices[i]);
    }
    put(w, "]");
}

/* Writes the canonical text: parsing it gives an equal recipe. Returns its length as snprintf does. */
static int recipe_print(const struct recipe *recipe, char *text, size_t size)
{
    struct writer w = {text, size, 0};
    size_t number = recipe->kind == 'U' ? recipe->itemsize / 4 : recipe->itemsize;
    put(&w, "%s%c%zu", recipe->order == '>' ? ">" : "", recipe->kind, number);
    put_dims(&w, "[", recipe->ndim, recipe->shape, "]");
    for (int i = 0; i < recipe->nops; i++)
        put_op(&w, &recipe->ops[i]);
    if (recipe->offset > 0)
        put(&w, "+%zu", recipe->offset);
    if (recipe->nbcast >= 0)
        put_dims(&w, "~bcast(", recipe->nbcast, recipe->bcast, ")");
    put(&w, "%s%s", recipe->readonly ? "@ro" : "", recipe->out ? "@out" : "");
    return w.length;
}
