/* How an error rises: as its code, with one sentence for the edge that will speak it. Any thread. */
#pragma once

#include <stddef.h>

/* error: size bytes; the sentence is cut where it does not fit. Returns code. */
int fail(int code, char *error, size_t size, const char *format, ...) __attribute__((format(printf, 4, 5)));
