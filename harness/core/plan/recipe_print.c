/* Recipes to text. Pure functions on the caller's memory: any thread. */
#include "core/plan/recipe.h"

#include <inttypes.h>
#include <stdarg.h>

static size_t dtype_number(const struct recipe *r)
{
    return r->kind == 'U' ? r->itemsize / 4 : r->itemsize;
}

void recipe_dtype(const struct recipe *recipe, char text[static 16])
{
    snprintf(text, 16, "%c%c%zu", recipe->order, recipe->kind, dtype_number(recipe));
}

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

int recipe_print(const struct recipe *recipe, char *text, size_t size)
{
    struct writer w = {text, size, 0};
    put(&w, "%s%c%zu", recipe->order == '>' ? ">" : "", recipe->kind, dtype_number(recipe));
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
