/* The C library's own allocator, behind ours, and the blocks that came from it: those of before the guard was on.
 *
 * Contract. Any thread; lock-free. native_keep remembers a pointer as long as native_forget has not been called; the
 * table is full at some point, and then knows nothing of further ones (native_is_complete).
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

void native_keep(const void *at);
/* Returns false when the table does not have it. */
bool native_forget(const void *at);
bool native_is_complete(void);
