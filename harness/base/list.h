/* Arrays that grow by one entry at a time, kept as a pointer and a count. Any thread, on the caller's own array.
 *
 * An empty list is NULL and 0. An array that LIST_ADD grows must have been grown by it from empty: the room is not
 * stored, it is the next power of two.
 */
#pragma once

#include <stddef.h>
#include <string.h>

/* Makes room for entry n. `items` is the address of the pointer to the array. On failure the array stays as it was.
 * Returns 0 or -ENOMEM. */
int list_grow(void *items, size_t n, size_t size);

/* Adds a zeroed entry and counts it. Its address, or NULL when memory is out. The macro reads `items` and `n` more than
 * once:
 *     struct loss *loss = LIST_ADD(losses->items, losses->n);
 */
#define LIST_ADD(items, n)                                                                                   \
    (list_grow(&(items), (n), sizeof *(items)) < 0 ? NULL : memset(&(items)[(n)++], 0, sizeof *(items)))

/* Adds a copy of text. Returns 0 or -ENOMEM. */
int strings_add(char ***strings, size_t *n, const char *text);

/* Adds text itself, which the list then owns; frees it on failure. NULL counts as out of memory. Returns 0 or
 * -ENOMEM. */
int strings_take(char ***strings, size_t *n, char *text);

void strings_free(char **strings, size_t n);
