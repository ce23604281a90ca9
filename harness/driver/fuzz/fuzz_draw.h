/* Changes of recipes and calls, as texts. Pure functions of the stream: any thread, on its own stream. */
#pragma once

#include <jansson.h>

#include "base/prng.h"

/* A number below n. */
static inline size_t draw(struct prng *prng, size_t n)
{
    return n ? prng_below(prng, n) : 0;
}

/* A recipe with one change of dtype, shape, stride or attribute; or the same one. The caller's; NULL without memory. */
char *draw_recipe(struct prng *prng, const char *recipe);

/* The text "name(arguments)" with one argument replaced by one of the list, exchanged, left out or added; or the same
 * text. The caller's; NULL without memory. */
char *draw_call(struct prng *prng, const char *call, const json_t *arguments);

/* Adds the positional arguments of the call to the keys of a set. */
void draw_learn(const char *call, json_t *arguments);

/* The keywords of the call, "axis,dtype" or "". The caller's; NULL without memory. */
char *draw_keywords(const char *call);
