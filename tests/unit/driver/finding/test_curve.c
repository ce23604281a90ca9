/* The classifier, on synthetic curves with noise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"
#include "driver/finding/curve.h"

#define N 9
#define SEEDS 200

/* What one window adds, from its number and calls. */
struct maker {
    const char *name;
    int64_t (*add)(unsigned window, int64_t calls, struct prng *prng);
    int64_t unit;
    enum curve_shape shape;
    double low, high; /* of the rate */
};

static int64_t noise(struct prng *prng, int64_t width)
{
    return (int64_t)(prng_next(prng) % (uint64_t)(2 * width + 1)) - width;
}

static int64_t nothing(unsigned window, int64_t calls, struct prng *prng)
{
    (void)window;
    (void)calls;
    (void)prng;
    return 0;
}

static int64_t one_a_call(unsigned window, int64_t calls, struct prng *prng)
{
    (void)window;
    return calls + noise(prng, 2);
}

static int64_t half_a_call(unsigned window, int64_t calls, struct prng *prng)
{
    return one_a_call(window, calls, prng) / 2;
}

static int64_t one_in_100(unsigned window, int64_t calls, struct prng *prng)
{
    (void)window;
    return calls / 100 + noise(prng, 1);
}

static int64_t two_less_a_call(unsigned window, int64_t calls, struct prng *prng)
{
    (void)window;
    return -2 * calls + noise(prng, 2);
}

static int64_t bytes_64(unsigned window, int64_t calls, struct prng *prng)
{
    (void)window;
    return 64 * calls + noise(prng, 2048);
}

/* A race loses some, never the same number. */
static int64_t by_chance(unsigned window, int64_t calls, struct prng *prng)
{
    (void)window;
    int64_t lost = 0;
    for (int64_t i = 0; i < calls; i++)
        lost += prng_next(prng) % 50 == 0;
    return lost;
}

static int64_t warms_up(unsigned window, int64_t calls, struct prng *prng)
{
    (void)calls;
    (void)prng;
    return window == 1 ? 70000 : window == 2 ? 300 : 0;
}

static int64_t late_step(unsigned window, int64_t calls, struct prng *prng)
{
    (void)calls;
    (void)prng;
    return window == 5 ? 4096 : 0;
}

/* A list that the harness itself makes longer at each look. */
static int64_t one_a_window(unsigned window, int64_t calls, struct prng *prng)
{
    (void)window;
    (void)calls;
    return 40 + noise(prng, 2);
}

static int64_t up_and_down(unsigned window, int64_t calls, struct prng *prng)
{
    (void)calls;
    return window % 2 ? 2048 + noise(prng, 100) : -2048 + noise(prng, 100);
}

/* Pages come and go. */
static int64_t resident(unsigned window, int64_t calls, struct prng *prng)
{
    (void)window;
    (void)calls;
    return 4096 * noise(prng, 5);
}

/* A cache of 16 fills up in the first window. */
static int64_t fills(unsigned window, int64_t calls, struct prng *prng)
{
    (void)prng;
    return window == 1 ? (calls < 16 ? calls : 16) : 0;
}

/* One in a hundred thousand: too few to distinguish from chance. */
static int64_t rare(unsigned window, int64_t calls, struct prng *prng)
{
    (void)calls;
    (void)prng;
    return window % 3 == 0;
}

static const struct maker makers[] = {
    {"nothing", nothing, 1, CURVE_FLAT, 0, 0},
    {"one a call", one_a_call, 1, CURVE_STEADY, 0.97, 1.03},
    {"half a call", half_a_call, 1, CURVE_STEADY, 0.45, 0.55},
    {"one in a hundred", one_in_100, 1, CURVE_STEADY, 0.007, 0.013},
    {"two less a call", two_less_a_call, 1, CURVE_STEADY, -2.05, -1.95},
    {"64 bytes a call", bytes_64, 64, CURVE_STEADY, 60, 68},
    {"by chance", by_chance, 1, CURVE_STEADY, 0.01, 0.03},
    {"warms up", warms_up, 1, CURVE_ONE_OFF, 0, 0},
    {"late step", late_step, 64, CURVE_ONE_OFF, 0, 0},
    {"one a window", one_a_window, 1, CURVE_NOISE, 0, 0},
    {"up and down", up_and_down, 64, CURVE_NOISE, 0, 0},
    {"fills", fills, 1, CURVE_ONE_OFF, 0, 0},
    {"rare", rare, 1, CURVE_NOISE, 0, 0},
};

static void make(const struct maker *maker, uint64_t seed, struct curve *curve)
{
    struct prng prng = prng_stream(seed, 0);
    *curve = (struct curve){.n = N, .values = {1000}};
    for (unsigned i = 1; i < N; i++) {
        int64_t calls = i == 1 ? 40 : i < 6 ? 1000 : 2000;
        curve->calls[i] = curve->calls[i - 1] + calls;
        curve->values[i] = curve->values[i - 1] + maker->add(i, calls, &prng);
    }
}

static void curves_have_their_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
            struct curve curve;
            make(&makers[i], seed, &curve);
            struct curve_look look = curve_look(&curve, makers[i].unit);
            if (look.shape != makers[i].shape)
                fail_msg("%s, seed %d: shape %d", makers[i].name, (int)seed, look.shape);
            if (look.rate < makers[i].low || look.rate > makers[i].high)
                fail_msg("%s, seed %d: rate %g", makers[i].name, (int)seed, look.rate);
        }
}

static void resident_memory_is_never_steady_for_long(void **state)
{
    (void)state;
    static const struct maker maker = {"resident", resident, 4096, CURVE_NOISE, 0, 0};
    unsigned steady = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct curve curve;
        make(&maker, seed, &curve);
        steady += curve_look(&curve, maker.unit).shape == CURVE_STEADY;
    }
    assert_in_range(steady, 0, SEEDS / 20);
}

static void few_windows_are_undecided(void **state)
{
    (void)state;
    struct curve curve;
    make(&makers[1], 1, &curve);
    for (curve.n = 0; curve.n < 6; curve.n++)
        assert_int_equal(curve_look(&curve, 1).shape, CURVE_SHORT);
}

static const struct {
    const char *name;
    int calls, fresh, released; /* indices of makers; -1: not run */
    int code, code_released;
    bool has_release;
    int64_t held, left;
    enum growth_verdict verdict;
} verdicts[] = {
    {"a leak", 1, -1, -1, 0, 0, false, 0, 0, GROWTH_LEAK},
    {"a leak that a release cures", 1, 1, 0, 0, 0, true, 9000, 0, GROWTH_LEAK},
    {"retained", 0, 1, 1, 0, 0, true, 0, 0, GROWTH_RETAINED},
    {"an unbounded cache", 0, 1, 0, 0, 0, true, 1, 0, GROWTH_UNBOUNDED},
    {"unknown whether it lets go", 0, 1, -1, 0, 0, false, 0, 0, GROWTH_UNBOUNDED},
    {"compiled code", 7, 1, 1, 5, 5, true, 0, 0, GROWTH_JIT},
    {"compiled code that a release gives back", 7, 1, 0, 5, 0, true, 0, 0, GROWTH_JIT},
    {"retained beside code that a release gives back", 7, 1, 1, 5, 0, true, 0, 0, GROWTH_RETAINED},
    {"held by a cache", 7, 0, 0, 0, 0, true, 1, 0, GROWTH_CACHE},
    {"a floor", 7, 0, 0, 0, 0, true, 3, 3, GROWTH_FLOOR},
    {"one-off", 7, -1, -1, 0, 0, false, 0, 0, GROWTH_ONE_OFF},
    {"noise", 10, 0, -1, 0, 0, false, 0, 0, GROWTH_NOISE},
    {"a bounded cache", 11, 11, -1, 0, 0, false, 0, 0, GROWTH_ONE_OFF},
    {"nothing", 0, 0, 0, 0, 0, true, 0, 0, GROWTH_NONE},
};

static void arms_have_their_verdicts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        struct growth_arms arms = {
            .has_release = verdicts[i].has_release, .held = verdicts[i].held, .left = verdicts[i].left};
        double rate;
        make(&makers[verdicts[i].calls], i + 1, &arms.calls);
        make(&makers[verdicts[i].code], i + 1, &arms.code);
        make(&makers[verdicts[i].code_released], i + 1, &arms.code_released);
        if (verdicts[i].fresh >= 0)
            make(&makers[verdicts[i].fresh], i + 1, &arms.fresh);
        if (verdicts[i].released >= 0)
            make(&makers[verdicts[i].released], i + 1, &arms.released);
        enum growth_verdict verdict = growth_judge(&arms, 1, &rate);
        if (verdict != verdicts[i].verdict)
            fail_msg("%s: %s", verdicts[i].name, growth_verdict_names[verdict]);
        assert_true((rate > 0) == (verdict >= GROWTH_UNBOUNDED));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curves_have_their_shapes),
        cmocka_unit_test(resident_memory_is_never_steady_for_long),
        cmocka_unit_test(few_windows_are_undecided),
        cmocka_unit_test(arms_have_their_verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
