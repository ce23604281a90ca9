/* Points of PERTURB_ALLOC in CPython's own allocators, which no interposed malloc sees. */
#pragma once

#include <stdint.h>

/* Takes the domains if these bits of enum perturb have PERTURB_ALLOC or PERTURB_PCT. After guard_take_domains, before
 * Python starts. */
void domain_point_take(uint32_t perturb);
