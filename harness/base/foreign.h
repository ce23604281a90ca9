/* Reads of memory that the target may write at the same moment, such as its inputs. The race is the target's and the
 * value may be half of a change; the read itself is exempt from the sanitizers.
 *
 * Contract. Any thread, signal handlers too. The memory is mapped. Words are read once, whole where they are aligned.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/exempt.h"

EXEMPT static inline int64_t foreign_word(const void *at)
{
    return *(const volatile int64_t *)at;
}

EXEMPT static inline int foreign_int(const void *at)
{
    return *(const volatile int *)at;
}

EXEMPT static inline uint8_t foreign_byte(const void *at)
{
    return *(const volatile uint8_t *)at;
}

EXEMPT static inline void foreign_copy(void *to, const void *from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((volatile uint8_t *)to)[i] = foreign_byte((const uint8_t *)from + i);
}

/* memcmp is the fastest, but ThreadSanitizer checks it wherever it is called from. */
EXEMPT static inline bool foreign_differs(const void *foreign, const void *own, size_t n)
{
#ifdef EXEMPT_SANITIZED
    for (size_t i = 0; i < n; i++)
        if (foreign_byte((const uint8_t *)foreign + i) != ((const uint8_t *)own)[i])
            return true;
    return false;
#else
    return memcmp(foreign, own, n) != 0;
#endif
}
