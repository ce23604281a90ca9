/* The functions and data of the file under test, as dlsym finds them. */
#pragma once

struct target_cache {
    long filled, value;
};

typedef long target_call(struct target_cache *cache, long n);
