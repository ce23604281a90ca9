#include "core/plan/perturb.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/fail.h"
#include "base/text.h"

#define OFF "off"

static const struct {
    const char *name, *about;
} rows[PERTURB_COUNT] = {
#define ROW(id, word, text) {#word, text},
    PERTURB_LIST(ROW)};

static void append(uint32_t bits, bool says, const char *separator, char *text, size_t size)
{
    if (size > 0)
        text[0] = '\0';
    for (unsigned i = 0; i < PERTURB_COUNT; i++)
        if (bits >> i & 1)
            text_add(text, size, separator, "%s", says ? rows[i].about : rows[i].name);
}

static int unknown(const char *word, int length, char *error, size_t error_size)
{
    char names[256];
    append(UINT32_MAX, false, ", ", names, sizeof names);
    return fail(-EINVAL, error, error_size, "unknown perturbation '%.*s'; the names are %s, or off",
                length < 40 ? length : 40, word, names);
}

int perturb_parse(const char *text, uint32_t *ret_bits, char *error, size_t error_size)
{
    uint32_t bits = 0;
    const char *at = text;
    for (size_t length; (length = text_next_name(&at)) > 0; at += length) {
        if (length == strlen(OFF) && strncmp(at, OFF, length) == 0) {
            bits |= PERTURB_OFF;
            continue;
        }
        unsigned i = 0;
        while (i < PERTURB_COUNT && (strncmp(at, rows[i].name, length) != 0 || rows[i].name[length]))
            i++;
        if (i == PERTURB_COUNT)
            return unknown(at, (int)length, error, error_size);
        bits |= 1U << i;
    }
    if (bits & PERTURB_OFF && bits != PERTURB_OFF)
        return fail(-EINVAL, error, error_size, "off switches all perturbations off; leave out the others");
    *ret_bits = bits;
    return 0;
}

void perturb_print(uint32_t bits, char *text, size_t size)
{
    append(bits, false, ",", text, size);
    if (bits & PERTURB_OFF)
        text_add(text, size, ",", "%s", OFF);
}

/* The bound of PCT: 1/(n k^(d-1)). */
static uint64_t odds(uint32_t threads)
{
    uint64_t n = threads;
    for (unsigned i = 0; i < PCT_CHANGES; i++)
        n *= PCT_POINTS;
    return n;
}

void perturb_say(uint32_t bits, uint32_t threads, char *text, size_t size)
{
    append(bits, true, "; ", text, size);
    if (bits & PERTURB_PCT)
        text_add(
            text, size, "; ",
            "where no wait runs out, an order of depth %d has a chance of at least 1 in %llu in these points",
            PCT_CHANGES + 1, (unsigned long long)odds(threads));
}
