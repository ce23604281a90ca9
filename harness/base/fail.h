/* Errors rise as a code and one sentence, which only the edge prints. Any thread. */
#pragma once

#include <stddef.h>

/* Writes the sentence to `error`, cut to `size` bytes. Returns code. */
int fail(int code, char *error, size_t size, const char *format, ...) __attribute__((format(printf, 4, 5)));
