/* What the process has mapped. Child main; nothing here uses the heap, for ours must not grow when it is looked at. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Bytes of executable mappings without a file: code that was compiled. `writable`: those that can be written, too,
 * which a tool that the process runs under has of its own. */
int64_t mapped_code(bool writable);
