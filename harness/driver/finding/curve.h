/* Curves: does a count grow with the calls, or did it only settle? Pure; the points lie between windows of calls, some
 * of them twice as long as the others, so that growth with every call and growth with every window look different. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CURVE_POINTS 16

struct curve {
    unsigned n;                  /* points; point 0 lies before the first window */
    int64_t calls[CURVE_POINTS]; /* since point 0 */
    int64_t values[CURVE_POINTS];
};

enum curve_shape {
    CURVE_SHORT,   /* too few windows to say anything */
    CURVE_FLAT,    /* as after the first windows */
    CURVE_ONE_OFF, /* a step, and flat from then on */
    CURVE_STEADY,  /* grows or falls with the calls */
    CURVE_NOISE,   /* up and down */
};

struct curve_look {
    enum curve_shape shape;
    double rate; /* per call; 0 unless steady */
};

/* unit: smaller changes in all count as none (1 object, 64 bytes). */
struct curve_look curve_look(const struct curve *curve, int64_t unit);

/* Sorts the values. Returns their median; 0 for none. */
double curve_median(double *values, unsigned n);

/* Verdicts on the variants together. An empty curve: the variant was not run. */
enum growth_verdict {
    GROWTH_NONE,
    GROWTH_NOISE,     /* of an allocator */
    GROWTH_ONE_OFF,   /* made once, and kept */
    GROWTH_FLOOR,     /* kept for as long as the process lives */
    GROWTH_CACHE,     /* kept until the release step */
    GROWTH_UNBOUNDED, /* one more for each new call, until the release step */
    GROWTH_JIT,       /* code that was compiled, and what belongs to it */
    GROWTH_RETAINED,  /* one more for each new call, also after the release step */
    GROWTH_LEAK,      /* one more for every call */
    GROWTH_VERDICTS
};

extern const char *const growth_verdict_names[GROWTH_VERDICTS];

struct growth_arms {
    struct curve calls, fresh, released;
    /* executable memory in the variants `fresh` and `released`: code that is given back takes what belongs to it
     * along */
    struct curve code, code_released;
    bool has_release;           /* a release step was run after equal calls: */
    int64_t before, held, left; /* before the first call, after the last, after the release step */
};

/* *ret_rate: per call of the variant that decides; 0 where nothing grows. */
enum growth_verdict growth_judge(const struct growth_arms *arms, int64_t unit, double *ret_rate);
