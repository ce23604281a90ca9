/* A number that differs between two builds of a file. Driver. */
#pragma once

#include <stdint.h>

/* Returns a hash of the content; 0 where the file cannot be read. */
uint64_t file_id(const char *path);
