/* The one interpreter of the child. Child main. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Starts Python as `executable` would: the python of a venv gives the packages of the venv. hooks: with CPython's debug
 * hooks around every block of memory, for the detector pyheap. On failure `error` is one sentence.
 * Returns 0 or -ENOEXEC. */
int interp_start(const char *executable, bool gil, bool hooks, char *error, size_t error_size);

/* Sends the version, the ABI and the state of the GIL. Attached. */
void interp_send_environment(int wire);

/* Sends a record for each mapped library and each top-level module that does not belong to the interpreter: path,
 * import name, and the distribution that owns it, found with importlib.metadata, with its version. Sends only what is
 * new since the last call. Attached. */
void interp_send_packages(int wire);

/* Writes what the streams of Python still hold, for a process that ends without Python's end. Attached. */
void interp_flush(void);
