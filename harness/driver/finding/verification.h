/* Verification: the trials of each variant of a plan, and the sentences that follow from them. The trials of a variant
 * end at the first hit, those of the unchanged plan at the third. Plain data. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/plan/plan.h"

#define VERIFICATION_CALLS 16
#define VERIFICATION_HITS 16

struct trials {
    unsigned hit, of;
};

struct knock_out {
    char *call; /* numpy.repeat */
    struct trials trials;
    char *sources; /* of the statements that make it, one after the other; or NULL */
    char *package; /* "numpy 2.2.2", or NULL */
    bool plain;    /* the interpreter's own */
};

struct verification {
    struct trials again;                             /* the unchanged plan */
    struct trials alone;                             /* one thread */
    struct trials gil;                               /* the GIL on */
    struct trials plain;                             /* only statements that are the interpreter's own */
    struct trials ladder[RUNG_COUNT];                /* levels below the plan's own */
    struct knock_out knock_outs[VERIFICATION_CALLS]; /* without this call: its first result stands for it */
    unsigned nknock_outs;
    struct knock_out inputs[VERIFICATION_CALLS]; /* with this name private */
    unsigned ninputs;
    enum rung share; /* of the unchanged plan */
    bool mutates;    /* its statements change what they share */
    bool all_plain;  /* all statements are the interpreter's own */
    struct {         /* from the start to the hit, for each hit of `again` */
        uint64_t calls;
        double seconds;
    } first[VERIFICATION_HITS];
    unsigned nfirst;
    bool over;     /* `again` has ended */
    char *without; /* statements of other findings, which are left out; or NULL */
    char *root;    /* ids of the findings, separated by blanks; NULL: all of the run */
    /* Of one finding with all statements: its trials without those of others, which showed nothing; or NULL. */
    const struct verification *apart;
    struct verification *next; /* of another finding */
};

/* Computes the 95 % interval of a rate (Wilson), in percent. */
void verification_interval(const struct trials *trials, double *ret_low, double *ret_high);

/* Returns the rate that a failure is below, at 95 % confidence, after that many trials without one. It stays unseen in
 * n trials with a chance of (1 - p)^n: the bound is the p where that is 5 %. */
double verification_bound(double n);

/* Returns true where that many trials without a hit are significant: at the rate of `again`, their chance is below 5
 * %. */
bool verification_is_telling(const struct verification *verification, const struct trials *trials);

/* Return medians; 0 without a hit. */
double verification_first_calls(const struct verification *verification);
double verification_first_seconds(const struct verification *verification);

/* Returns the lowest level that fails, or the plan's own where no lower one was tried. */
enum rung verification_rung(const struct verification *verification);
/* Returns the rule for the lowest level that fails, in one sentence; "" where it is not known. */
const char *verification_say_rung(const struct verification *verification);

/* Returns the one call without which the plan never fails; calls of packages come before the interpreter's own. NULL
 * for none or several. */
const struct knock_out *verification_guilty(const struct verification *verification);

/* Says "still fails without scipy.stats.somersd; never fails without numpy.repeat: look at numpy.repeat", and the
 * results of the control runs. "" where no variant is significant. */
void verification_say_guilty(const struct verification *verification, char *text, size_t size);

/* Frees this one and those after it. NULL is fine. */
void verification_free(struct verification *verification);
