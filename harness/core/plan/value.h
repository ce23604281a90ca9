/* Numbers, times and sizes as people write them, in plan files and in options. Pure functions: any thread. */
#pragma once

#include <stdint.h>

/* Decimal, or hexadecimal after 0x. Returns 0, or -EINVAL for anything else and for what is out of bounds. */
int value_number(const char *text, uint64_t low, uint64_t high, uint64_t *ret_number);

/* "10", "10s", "2.5s", "500ms", "2m", "2h" to nanoseconds. Returns 0 or -EINVAL. */
int value_time(const char *text, uint64_t *ret_nanoseconds);

/* "4G", "512M", "16K" or bytes, not 0. Returns 0 or -EINVAL. */
int value_size(const char *text, uint64_t *ret_bytes);

/* The reverse of value_time. */
void value_print_time(uint64_t nanoseconds, char text[static 32]);
