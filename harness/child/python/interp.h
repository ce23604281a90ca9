/* The one interpreter of the child. Child main. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "core/wire/record.h"

/* Starts Python as `executable` would: the python of a venv gives the packages of the venv. hooks: with CPython's debug
 * hooks around every block of memory, for the detector pyheap. On failure `error` is one sentence.
 * Returns 0 or -ENOEXEC. */
int interp_start(const char *executable, bool gil, bool hooks, char *error, size_t error_size);

/* Sends the version, the ABI and the state of the GIL. Attached. */
void interp_send_environment(int wire);

void interp_send_fact(int wire, enum fact_kind kind, int64_t value, const char *text);
