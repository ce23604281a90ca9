/* Size classes: slots of 48 to 1,024 bytes in steps of 16, then eight steps for each doubling. Pure functions. */
#pragma once

#include <stddef.h>

#define CLASS_STEP 16
#define CLASS_SLOT_MIN 48
#define CLASS_FINE_MAX 1024 /* a power of two */
#define CLASS_FINE ((CLASS_FINE_MAX - CLASS_SLOT_MIN) / CLASS_STEP + 1)
/* Slots up to this size share spans; larger ones have a mapping of their own. */
#define CLASS_SLAB_MAX 65536
#define CLASS_SLABS (CLASS_FINE + 6 * 8)

/* The smallest class with slots of at least `need` bytes. */
static inline unsigned class_of(size_t need)
{
    if (need <= CLASS_SLOT_MIN)
        return 0;
    if (need <= CLASS_FINE_MAX)
        return (unsigned)((need + CLASS_STEP - 1) / CLASS_STEP - CLASS_SLOT_MIN / CLASS_STEP);
    unsigned shift = 63U - (unsigned)__builtin_clzll(need - 1);
    return CLASS_FINE + (shift - 10) * 8 + (unsigned)((need - 1) >> (shift - 3) & 7);
}

static inline size_t class_slot_size(unsigned class)
{
    if (class < CLASS_FINE)
        return CLASS_SLOT_MIN + (size_t) class * CLASS_STEP;
    unsigned doubling = (class - CLASS_FINE) / 8, eighth = (class - CLASS_FINE) % 8;
    return (size_t)(9 + eighth) << (doubling + 7);
}
