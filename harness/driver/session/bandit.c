#include "driver/session/bandit.h"

#include <math.h>

/* More than this number of findings changes no choice. */
#define FOUND_MAX 50
/* A member without a turn counts as one with this time. */
#define SECONDS_BEFORE 0.5

void bandit_init(struct bandit *bandit, uint64_t seed)
{
    *bandit = (struct bandit){.prng = prng_stream(seed, UINT64_C(0x62616e646974))};
}

void bandit_reward(struct bandit *bandit, size_t choice, unsigned found, double seconds)
{
    if (choice >= BANDIT_CHOICES_MAX)
        return;
    bandit->choices[choice].found += found;
    bandit->choices[choice].seconds += seconds;
}

static double draw_exponential(struct prng *prng)
{
    return -log(1 - prng_unit(prng));
}

/* A number of the gamma distribution with the shape found + 1/2. The square of a normal number has the shape 1/2. */
static double draw_gamma(struct prng *prng, unsigned found)
{
    double cosine = cos(2 * M_PI * prng_unit(prng));
    double sum = draw_exponential(prng) * cosine * cosine;
    for (unsigned i = 0; i < found && i < FOUND_MAX; i++)
        sum += draw_exponential(prng);
    return sum;
}

size_t bandit_choose(struct bandit *bandit, const bool *wanted, size_t n)
{
    size_t best = n;
    double most = -1;
    for (size_t i = 0; i < n && i < BANDIT_CHOICES_MAX; i++) {
        if (!wanted[i])
            continue;
        double rate = draw_gamma(&bandit->prng, bandit->choices[i].found) /
                      (bandit->choices[i].seconds + SECONDS_BEFORE);
        if (rate > most) {
            most = rate;
            best = i;
        }
    }
    return best;
}
