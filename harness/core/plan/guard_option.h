/* Settings of the guard, from a plan's key `guard` or the option --guard: words separated by commas. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GUARD_OPTIONS                                                                                             \
    "whole, stacks, every=N, pages=N (up to 4096), quarantine=BYTES (4096 to 1073741824), interval=MICROSECONDS " \
    "(100 to 10000000)"

struct guard_option {
    bool whole;  /* overwrite freed blocks completely */
    bool stacks; /* keep the stack of every allocation */
    uint64_t
        every; /* one block in this number lies between inaccessible pages; 0: only the first of each site */
    uint64_t pages;      /* most blocks between inaccessible pages at once */
    uint64_t quarantine; /* bytes of freed blocks that each thread keeps back */
    uint64_t interval;   /* least microseconds that the checker sleeps between two pieces of work */
};

/* "whole,stacks,every=1000"; NULL for the defaults. On failure `error` is one sentence. Returns 0 or -EINVAL. */
int guard_option_parse(const char *text, struct guard_option *option, char *error, size_t error_size);
