/* What verification found out: trials of each arm, and the sentences that follow. Plain data. An arm ends with its
 * first hit, the plan as it was with its third. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define VERIFICATION_CALLS 16

struct trials {
    unsigned hit, of;
};

struct verification {
    struct trials again; /* the plan as it was */
    struct trials alone; /* one thread */
    struct trials apart; /* private inputs */
    struct trials gil;   /* the GIL on */
    struct knock_out {
        char *call; /* numpy.repeat */
        struct trials trials;
    } knock_outs[VERIFICATION_CALLS]; /* all steps that make this call replaced by what they gave once */
    unsigned nknock_outs;
};

/* 95 % interval of a rate (Wilson), in percent. */
void verification_interval(const struct trials *trials, double *ret_low, double *ret_high);

/* Were so many trials without a hit to be expected by chance, at the rate of `again`, more than once in twenty
 * times? */
bool verification_is_telling(const struct verification *verification, const struct trials *trials);

/* "still fails without scipy.stats.somersd; never fails without numpy.repeat: look at numpy.repeat"; also what the
 * controls say. "" when no arm says anything. */
void verification_say_guilty(const struct verification *verification, char *text, size_t size);

/* NULL is fine. */
void verification_free(struct verification *verification);
