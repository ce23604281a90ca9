/* Heads of Python objects: reference counts, owner, lock and type, which the interpreter guards. Any thread; reads
 * through the kernel, so that any address will do. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Does an object begin at this address? */
bool head_is_at(uintptr_t address);

/* Is this word in the head of an object? */
bool head_contains(uintptr_t word);
