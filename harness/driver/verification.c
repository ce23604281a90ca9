#include "driver/verification.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define Z 1.96

void verification_interval(const struct trials *trials, double *ret_low, double *ret_high)
{
    double n = trials->of, rate = n > 0 ? trials->hit / n : 0;
    if (n == 0) {
        *ret_low = 0;
        *ret_high = 100;
        return;
    }
    double centre = rate + Z * Z / (2 * n), width = Z * sqrt(rate * (1 - rate) / n + Z * Z / (4 * n * n));
    *ret_low = fmax(0, 100 * (centre - width) / (1 + Z * Z / n));
    *ret_high = fmin(100, 100 * (centre + width) / (1 + Z * Z / n));
}

bool verification_is_telling(const struct verification *verification, const struct trials *trials)
{
    double rate = (verification->again.hit + 0.5) / (verification->again.of + 1.0);
    return verification->again.hit > 0 && trials->of > 0 && pow(1 - rate, trials->of) < 0.05;
}

static void append(char *text, size_t size, const char *separator, const char *word)
{
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s", used ? separator : "", word);
}

void verification_say_guilty(const struct verification *verification, char *text, size_t size)
{
    char innocent[256] = "", guilty[256] = "", line[640];
    text[0] = '\0';
    for (unsigned i = 0; i < verification->nknock_outs; i++) {
        const struct knock_out *out = &verification->knock_outs[i];
        if (out->trials.hit > 0)
            append(innocent, sizeof innocent, " or ", out->call);
        else if (verification_is_telling(verification, &out->trials))
            append(guilty, sizeof guilty, " or ", out->call);
    }
    if (*innocent) {
        snprintf(line, sizeof line, "still fails without %s", innocent);
        append(text, size, "; ", line);
    }
    if (*guilty) {
        snprintf(line, sizeof line, "never fails without %s: look at %s", guilty, guilty);
        append(text, size, "; ", line);
    }
    if (verification->gil.hit > 0)
        append(text, size, "; ", "fails with the GIL on, too: not a matter of free threading");
    if (verification->alone.hit > 0)
        append(text, size, "; ", "fails on one thread, too: not a race");
}

void verification_free(struct verification *verification)
{
    for (unsigned i = 0; verification && i < verification->nknock_outs; i++)
        free(verification->knock_outs[i].call);
    free(verification);
}
