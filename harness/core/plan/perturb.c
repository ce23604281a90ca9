#include "core/plan/perturb.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/fail.h"
#include "base/text.h"

static const struct {
    const char *name, *about;
} rows[PERTURB_COUNT] = {
#define ROW(id, word, text) {#word, text},
    PERTURB_LIST(ROW)};

int perturb_parse(const char *text, uint32_t *ret_bits, char *error, size_t error_size)
{
    uint32_t bits = 0;
    for (const char *at = text + strspn(text, ", "); *at; at += strspn(at, ", ")) {
        size_t length = strcspn(at, ", ");
        unsigned i = 0;
        while (i < PERTURB_COUNT && (strncmp(at, rows[i].name, length) != 0 || rows[i].name[length]))
            i++;
        if (i == PERTURB_COUNT)
            return fail(-EINVAL, error, error_size,
                        "unknown perturbation '%.*s'; the names are " PERTURB_NAMES,
                        length < 40 ? (int)length : 40, at);
        bits |= 1U << i;
        at += length;
    }
    *ret_bits = bits;
    return 0;
}

static void add(uint32_t bits, char *text, size_t size, bool says)
{
    if (size > 0)
        text[0] = '\0';
    for (unsigned i = 0; i < PERTURB_COUNT; i++)
        if (bits >> i & 1)
            text_add(text, size, says ? "; " : ",", "%s", says ? rows[i].about : rows[i].name);
}

void perturb_print(uint32_t bits, char *text, size_t size)
{
    add(bits, text, size, false);
}

void perturb_say(uint32_t bits, char *text, size_t size)
{
    add(bits, text, size, true);
}
