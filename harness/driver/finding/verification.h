/* What verification found out: trials of each arm, and the sentences that follow. Plain data. An arm ends with its
 * first hit, the plan as it was with its third. */
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
    struct trials again;              /* the plan as it was */
    struct trials alone;              /* one thread */
    struct trials gil;                /* the GIL on */
    struct trials plain;              /* only statements that are the interpreter's own */
    struct trials ladder[RUNG_COUNT]; /* rungs below the plan's own */
    struct knock_out
        knock_outs[VERIFICATION_CALLS]; /* all steps that make this call replaced by what they gave once */
    unsigned nknock_outs;
    struct knock_out inputs[VERIFICATION_CALLS]; /* this name private, the rest shared */
    unsigned ninputs;
    enum rung share; /* of the plan as it was */
    bool mutates;    /* its statements change what they share */
    bool all_plain;  /* all statements are the interpreter's own */
    struct {         /* to the first hit, of the trials of `again` that hit */
        uint64_t calls;
        double seconds;
    } first[VERIFICATION_HITS];
    unsigned nfirst;
    bool over;                 /* `again` is */
    char *without;             /* statements of other findings that were left out meanwhile, or NULL */
    char *root;                /* id of the finding that this is about; NULL: all of the run */
    struct verification *next; /* about another finding of the run */
};

/* 95 % interval of a rate (Wilson), in percent. */
void verification_interval(const struct trials *trials, double *ret_low, double *ret_high);

/* Were so many trials without a hit to be expected by chance, at the rate of `again`, less than once in twenty
 * times? */
bool verification_is_telling(const struct verification *verification, const struct trials *trials);

/* Medians; 0 without a hit. */
double verification_first_calls(const struct verification *verification);
double verification_first_seconds(const struct verification *verification);

/* The lowest rung that fails, where it was found out; else the plan's own. */
enum rung verification_rung(const struct verification *verification);
/* The rule that follows from the lowest rung: one sentence, "" when it was not found out. */
const char *verification_say_rung(const struct verification *verification);

/* The one call that the failure cannot do without; of several the one that is not the interpreter's own. NULL when
 * there is none or are several. */
const struct knock_out *verification_guilty(const struct verification *verification);

/* "still fails without scipy.stats.somersd; never fails without numpy.repeat: look at numpy.repeat"; also what the
 * controls say. "" when no arm says anything. */
void verification_say_guilty(const struct verification *verification, char *text, size_t size);

/* With all that follow. NULL is fine. */
void verification_free(struct verification *verification);
