#include "core/plan/value.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static const struct unit {
    const char *name;
    uint64_t nanoseconds;
} units[] = {
    {"h", 3600 * CLOCK_SECOND},  {"m", 60 * CLOCK_SECOND},       {"s", CLOCK_SECOND},
    {"ms", CLOCK_SECOND / 1000}, {"us", CLOCK_SECOND / 1000000}, {"ns", 1},
};

int value_number(const char *text, uint64_t low, uint64_t high, uint64_t *ret_number)
{
    char *end;
    errno = 0;
    uint64_t n = strtoull(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
    if (errno || *end || !isdigit((unsigned char)*text) || n < low || n > high)
        return -EINVAL;
    *ret_number = n;
    return 0;
}

static uint64_t unit_named(const char *name)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(units[i].name, name) == 0)
            return units[i].nanoseconds;
    return 0;
}

/* The digits after the point, as ns of this unit: "0.25s" has 250,000,000. Parts of 1 ns are cut. */
static uint64_t parse_fraction(const char *digits, char **end, const char *no_unit)
{
    char *after = (char *)digits;
    while (isdigit((unsigned char)*after))
        after++;
    uint64_t unit = unit_named(*after ? after : no_unit), sum = 0;
    for (const char *digit = digits; digit < after && unit > 1; digit++) {
        unit /= 10;
        sum += unit * (uint64_t)(*digit - '0');
    }
    *end = after;
    return sum;
}

int value_time(const char *text, uint64_t *ret_nanoseconds)
{
    if (!isdigit((unsigned char)*text))
        return -EINVAL;
    char *end;
    errno = 0;
    uint64_t n = strtoull(text, &end, 10);
    uint64_t fraction =
        *end == '.' && isdigit((unsigned char)end[1]) ? parse_fraction(end + 1, &end, "s") : 0;
    uint64_t unit = unit_named(*end ? end : "s");
    if (errno || unit == 0 || __builtin_mul_overflow(n, unit, &n) || __builtin_add_overflow(n, fraction, &n))
        return -EINVAL;
    *ret_nanoseconds = n;
    return 0;
}

int value_size(const char *text, uint64_t *ret_bytes)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    int shift = *end == 'K' ? 10 : *end == 'M' ? 20 : *end == 'G' ? 30 : *end == 'T' ? 40 : 0;
    bool whole = end != text && (*end == '\0' || (shift && end[1] == '\0'));
    if (errno || !whole || strchr(text, '-') || number == 0 || number > UINT64_MAX >> (shift + 1))
        return -EINVAL;
    *ret_bytes = (uint64_t)number << shift;
    return 0;
}

void value_print_time(uint64_t nanoseconds, char text[static 32])
{
    const struct unit *unit = units;
    while (nanoseconds % unit->nanoseconds != 0)
        unit++;
    if (nanoseconds == 0)
        snprintf(text, 32, "0s");
    else
        snprintf(text, 32, "%" PRIu64 "%s", nanoseconds / unit->nanoseconds, unit->name);
}
