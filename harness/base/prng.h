/* Seeded streams. The same (seed, stream) gives the same numbers on every machine. Any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct prng {
    uint64_t state;
};

/* One step of splitmix64 as a hash: every bit of the result depends on every bit of x. */
static inline uint64_t prng_mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* A hash of a text, the same on every machine. */
static inline uint64_t prng_text(const char *text)
{
    uint64_t hash = 0;
    for (; *text; text++)
        hash = prng_mix(hash ^ (unsigned char)*text);
    return hash;
}

static inline struct prng prng_stream(uint64_t seed, uint64_t stream)
{
    return (struct prng){prng_mix(seed ^ prng_mix(stream))};
}

static inline uint64_t prng_next(struct prng *p)
{
    uint64_t out = prng_mix(p->state);
    p->state += UINT64_C(0x9e3779b97f4a7c15);
    return out;
}

/* A number below n, which is not 0. */
static inline size_t prng_below(struct prng *p, size_t n)
{
    return (size_t)(prng_next(p) % n);
}

/* Uniform in [0, 1). */
static inline double prng_unit(struct prng *p)
{
    return (double)(prng_next(p) >> 11) * 0x1p-53;
}
