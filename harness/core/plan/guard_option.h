/* How the guard of a run is set, as a plan's key `guard` and the option --guard say it: words separated by commas. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guard_option {
    bool whole;     /* poison freed blocks whole */
    bool stacks;    /* keep the stack of every allocation */
    uint64_t every; /* one block in so many lies between inaccessible pages; 0: only the first of each site */
    uint64_t pages; /* at most so many do at once */
    uint64_t quarantine; /* bytes of freed blocks that each thread keeps from use */
    uint64_t interval;   /* microseconds that the checker sleeps at least between two pieces of work */
};

/* "whole,stacks,every=1000"; NULL for the defaults. On failure `error` is one sentence. Returns 0 or -EINVAL. */
int guard_option_parse(const char *text, struct guard_option *option, char *error, size_t error_size);
