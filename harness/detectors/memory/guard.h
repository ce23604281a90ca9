/* The guard for Python: CPython's domains for buffers and NumPy's array data use it too, so that their blocks have a
 * kind and a site, whichever allocator CPython and NumPy would choose. */
#pragma once

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "core/plan/plan.h"

/* Chooses the allocator behind malloc for good. Before Python starts, on the child's first thread. Returns 0 or
 * -errno. */
int guard_begin(const struct plan *plan, int wire);

/* Takes over PyMem_RawMalloc and PyMem_Malloc. Child main, before Python starts. */
void guard_take_domains(void);

/* Makes the guard the allocator of one domain. `before`: gets the allocator before, and must stay valid. */
void guard_take_domain(PyMemAllocatorDomain domain, PyMemAllocatorEx *before);

/* Takes over the array data of the calling thread's later arrays. Attached, after NumPy has been imported; does nothing
 * without the guard or NumPy. */
void guard_take_arrays(void);

/* Puts some blocks between inaccessible pages from now on. Before the first statement. */
void guard_start_sampling(void);

/* Checks all blocks. Returns true where the guard has reported a violation, then or before. Child main, while no worker
 * runs. */
bool guard_finds(void);
/* Has the guard reported a violation? */
bool guard_has_found(void);

/* Fills the statistics of the record RECORD_FINISHED. */
void guard_count(int64_t *values);
