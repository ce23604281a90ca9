/* A bandit: gives more turns to the members of the portfolio that find more in a second, and some to the others,
 * because little is known of a member with little time (Thompson sampling of rates). Driver. Plain data. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/prng.h"

#define BANDIT_CHOICES_MAX 32

struct bandit {
    struct prng prng;
    struct {
        unsigned found;
        double seconds;
    } choices[BANDIT_CHOICES_MAX];
};

void bandit_init(struct bandit *bandit, uint64_t seed);

/* Adds a turn of a choice: its seconds, and how much it found. */
void bandit_reward(struct bandit *bandit, size_t choice, unsigned found, double seconds);

/* Returns one of the n choices for which `wanted` is true; n if there is none. */
size_t bandit_choose(struct bandit *bandit, const bool *wanted, size_t n);
