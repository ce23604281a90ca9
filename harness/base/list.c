#include "base/list.h"

#include <errno.h>
#include <stdlib.h>

int list_grow(void *items, size_t n, size_t size)
{
    size_t bytes;
    void *array;
    if (n & (n - 1)) /* no power of two: there is room up to the next one */
        return 0;
    memcpy(&array, items, sizeof array); /* through any pointer type */
    void *grown = __builtin_mul_overflow(n ? 2 * n : 1, size, &bytes) ? NULL : realloc(array, bytes);
    if (!grown)
        return -ENOMEM;
    memcpy(items, &grown, sizeof grown);
    return 0;
}

int strings_take(char ***strings, size_t *n, char *text)
{
    if (!text || list_grow(strings, *n, sizeof **strings) < 0) {
        free(text);
        return -ENOMEM;
    }
    (*strings)[(*n)++] = text;
    return 0;
}

int strings_add(char ***strings, size_t *n, const char *text)
{
    return strings_take(strings, n, strdup(text));
}

void strings_free(char **strings, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(strings[i]);
    free(strings);
}
