/* The guard as Python sees it: CPython's domains for buffers and NumPy's array data go through it too, so that their
 * blocks are known for what they are, whatever allocator CPython and NumPy would choose. */
#pragma once

#include <stdint.h>

#include "core/plan/plan.h"

/* Before Python starts, on the child's first thread. Decides for good who answers malloc. Returns 0 or -errno. */
int guard_begin(const struct plan *plan, int wire);

/* Child main, before Python starts: what CPython and extension modules get from PyMem_RawMalloc and PyMem_Malloc. */
void guard_take_domains(void);

/* After NumPy has been imported: array data of the calling thread's arrays from now on. Attached; does nothing without
 * the guard or NumPy. */
void guard_take_arrays(void);

/* The statements begin: from now on some blocks lie between inaccessible pages. */
void guard_arm(void);

/* Statistics for the record of the end. */
void guard_count(int64_t *values);
