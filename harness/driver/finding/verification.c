#include "driver/finding/verification.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "driver/finding/curve.h"

#define Z 1.96

void verification_interval(const struct trials *trials, double *ret_low, double *ret_high)
{
    double n = trials->of, rate = n > 0 ? trials->hit / n : 0;
    *ret_low = 0;
    *ret_high = 100;
    if (n == 0)
        return;
    double centre = rate + Z * Z / (2 * n), width = Z * sqrt(rate * (1 - rate) / n + Z * Z / (4 * n * n));
    *ret_low = fmax(0, 100 * (centre - width) / (1 + Z * Z / n));
    *ret_high = fmin(100, 100 * (centre + width) / (1 + Z * Z / n));
}

double verification_bound(double n)
{
    return -expm1(log(0.05) / n);
}

bool verification_is_telling(const struct verification *verification, const struct trials *trials)
{
    double rate = (verification->again.hit + 0.5) / (verification->again.of + 1.0);
    return verification->again.hit > 0 && trials->of > 0 && pow(1 - rate, trials->of) < 0.05;
}

double verification_first_calls(const struct verification *verification)
{
    double values[VERIFICATION_HITS];
    for (unsigned i = 0; i < verification->nfirst; i++)
        values[i] = (double)verification->first[i].calls;
    return curve_median(values, verification->nfirst);
}

double verification_first_seconds(const struct verification *verification)
{
    double values[VERIFICATION_HITS];
    for (unsigned i = 0; i < verification->nfirst; i++)
        values[i] = verification->first[i].seconds;
    return curve_median(values, verification->nfirst);
}

enum rung verification_rung(const struct verification *verification)
{
    for (int rung = RUNG_PRIVATE; rung < (int)verification->share; rung++)
        if (verification->ladder[rung].hit > 0)
            return (enum rung)rung;
    return verification->mutates && verification->share > RUNG_PRIVATE ? RUNG_ALL : verification->share;
}

/* Returns true where the level below does not fail, or is none. */
static bool is_lowest(const struct verification *verification, enum rung rung)
{
    enum rung below = rung < verification->share ? rung : verification->share;
    return verification->again.hit > 0 &&
           (below == RUNG_PRIVATE || verification_is_telling(verification, &verification->ladder[below - 1]));
}

const char *verification_say_rung(const struct verification *verification)
{
    static const char *const rules[RUNG_COUNT] = {
        [RUNG_PRIVATE] =
            "fails where the threads share nothing but what the called code keeps to itself: its fault, "
            "whatever the caller does",
        [RUNG_READONLY] =
            "needs inputs that are shared, and only read: that is supported, so it is not the caller's "
            "fault",
        [RUNG_ONE_WRITER] =
            "needs one thread that writes what the others read: for arrays that is documented as "
            "unsafe, and the caller's to avoid; for containers broken memory is still a bug",
        [RUNG_ALL] =
            "needs threads that change what they share: for arrays that is documented as unsafe, and the "
            "caller's to avoid; for containers broken memory is still a bug",
    };
    enum rung rung = verification_rung(verification);
    return is_lowest(verification, rung) ? rules[rung] : "";
}

static bool is_guilty(const struct verification *verification, const struct knock_out *out)
{
    return out->trials.hit == 0 && verification_is_telling(verification, &out->trials);
}

const struct knock_out *verification_guilty(const struct verification *verification)
{
    const struct knock_out *guilty[2] = {NULL, NULL};
    unsigned n[2] = {0, 0};
    for (unsigned i = 0; i < verification->nknock_outs; i++) {
        const struct knock_out *out = &verification->knock_outs[i];
        if (!is_guilty(verification, out))
            continue;
        guilty[out->plain] = out;
        n[out->plain]++;
    }
    bool plain = n[false] == 0;
    return n[plain] == 1 ? guilty[plain] : NULL;
}

static void say_calls(const struct verification *verification, char *text, size_t size)
{
    char innocent[256] = "", guilty[256] = "";
    for (unsigned i = 0; i < verification->nknock_outs; i++) {
        const struct knock_out *out = &verification->knock_outs[i];
        if (out->trials.hit > 0)
            text_add(innocent, sizeof innocent, " or ", "%s", out->call);
        else if (is_guilty(verification, out))
            text_add(guilty, sizeof guilty, " or ", "%s", out->call);
    }
    if (*innocent)
        text_add(text, size, "; ", "still fails without %s", innocent);
    if (*guilty)
        text_add(text, size, "; ", "never fails without %s: look at %s", guilty, guilty);
}

static void say_inputs(const struct verification *verification, char *text, size_t size)
{
    char needed[256] = "";
    for (unsigned i = 0; i < verification->ninputs; i++)
        if (is_guilty(verification, &verification->inputs[i]))
            text_add(needed, sizeof needed, " and ", "%s", verification->inputs[i].call);
    if (*needed)
        text_add(text, size, "; ", "needs %s to be shared", needed);
}

void verification_say_guilty(const struct verification *verification, char *text, size_t size)
{
    text[0] = '\0';
    say_calls(verification, text, size);
    say_inputs(verification, text, size);
    if (verification->plain.hit > 0)
        text_add(text, size, "; ",
                 "fails with the statements that touch no package, too: the interpreter's own");
    if (verification->gil.hit > 0)
        text_add(text, size, "; ", "fails with the GIL on, too: not a matter of free threading");
    if (verification->alone.hit > 0)
        text_add(text, size, "; ", "fails with calls from one thread, too: no race between calls");
}

static void knock_outs_free(struct knock_out *outs, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        free(outs[i].call);
        free(outs[i].package);
        free(outs[i].sources);
    }
}

void verification_free(struct verification *verification)
{
    while (verification) {
        struct verification *next = verification->next;
        knock_outs_free(verification->knock_outs, verification->nknock_outs);
        knock_outs_free(verification->inputs, verification->ninputs);
        free(verification->root);
        free(verification->without);
        free(verification);
        verification = next;
    }
}
