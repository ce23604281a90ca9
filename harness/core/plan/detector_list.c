#include "core/plan/detector_list.h"

#include <errno.h>
#include <string.h>

#include "base/fail.h"
#include "base/text.h"

#define ROW(id, detector, ...) [DETECTOR_##id] = {#detector, __VA_ARGS__},
const struct detector_row detector_rows[DETECTOR_COUNT] = {DETECTOR_LIST(ROW, ROW)};

/* What a list may name: groups, then each detector. */
#define GROUPS 3
#define WORDS (GROUPS + DETECTOR_COUNT)
#define WORD(id, detector, ...) {#detector, DETECTOR_BIT(DETECTOR_##id)},
static const struct {
    const char *name;
    uint32_t bits;
} words[WORDS] = {
    {"all", DETECTOR_ALL}, {"default", DETECTOR_DEFAULT}, {"none", 0}, DETECTOR_LIST(WORD, WORD)};

static void append_names(uint32_t bits, char *text, size_t size, const char *separator)
{
    for (int id = 0; id < DETECTOR_COUNT; id++)
        if (bits & DETECTOR_BIT(id))
            text_add(text, size, separator, "%s", detector_rows[id].name);
}

static int unknown(const char *word, int length, char *error, size_t error_size)
{
    char names[256] = "";
    append_names(DETECTOR_ALL, names, sizeof names, ", ");
    return fail(-EINVAL, error, error_size,
                "unknown detector '%.*s'; the names are %s, or all, none, default", length < 40 ? length : 40,
                word, names);
}

int detector_parse(const char *text, uint32_t *ret_bits, char *error, size_t error_size)
{
    uint32_t bits = 0;
    for (const char *at = text;; at++) {
        at += strspn(at, " ");
        size_t whole = strcspn(at, ","), length = whole, i = 0;
        while (length > 0 && at[length - 1] == ' ')
            length--;
        while (i < WORDS && (strncmp(at, words[i].name, length) != 0 || words[i].name[length]))
            i++;
        if (i == WORDS)
            return unknown(at, (int)length, error, error_size);
        if (words[i].bits == 0 && strchr(text, ','))
            return fail(-EINVAL, error, error_size, "none stands alone; leave it or the other names out");
        bits |= words[i].bits;
        at += whole;
        if (*at == '\0')
            break;
    }
    *ret_bits = bits;
    return 0;
}

void detector_print(uint32_t bits, char *text, size_t size)
{
    bits &= DETECTOR_ALL;
    if (size == 0)
        return;
    text[0] = '\0';
    size_t group = 0;
    while (group < GROUPS && words[group].bits != bits)
        group++;
    if (group < GROUPS)
        text_add(text, size, "", "%s", words[group].name);
    else
        append_names(bits, text, size, ",");
}
