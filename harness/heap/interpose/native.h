/* The C library's own allocator, and a table of the blocks that it allocated before the guard started.
 *
 * Contract. Any thread; lock-free. native_add records a pointer until native_remove. A full table records no more
 * pointers (native_is_complete).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* glibc's entry points by their other names: no dlsym, and no recursion through it. */
/* NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): glibc's names */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *at, size_t size);
extern void *__libc_memalign(size_t align, size_t size);
extern void __libc_free(void *at);
/* NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming) */

void native_add(const void *at);
/* Returns false if the pointer is not in the table. */
bool native_remove(const void *at);
bool native_is_complete(void);
