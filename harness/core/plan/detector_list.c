#include "core/plan/detector_list.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define ROW(id, detector, text) [DETECTOR_##id] = {.name = #detector, .about = text},
const struct detector_row detector_rows[DETECTOR_COUNT] = {DETECTOR_LIST(ROW, ROW)};

static void append_names(uint32_t bits, char *text, size_t size, const char *separator)
{
    for (int id = 0; id < DETECTOR_COUNT; id++)
        if (bits & DETECTOR_BIT(id))
            text_add(text, size, separator, "%s", detector_rows[id].name);
}

static bool same(const char *word, int length, const char *name)
{
    return strlen(name) == (size_t)length && memcmp(word, name, (size_t)length) == 0;
}

static int word_bits(const char *word, int length, uint32_t *ret_bits)
{
    static const struct {
        const char *name;
        uint32_t bits;
    } groups[] = {{"all", DETECTOR_ALL}, {"none", 0}, {"default", DETECTOR_DEFAULT}};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        if (same(word, length, groups[i].name)) {
            *ret_bits = groups[i].bits;
            return 0;
        }
    }
    for (int id = 0; id < DETECTOR_COUNT; id++) {
        if (same(word, length, detector_rows[id].name)) {
            *ret_bits = DETECTOR_BIT(id);
            return 0;
        }
    }
    return -EINVAL;
}

static int unknown(const char *word, int length, char *error, size_t error_size)
{
    char names[256] = "";
    append_names(DETECTOR_ALL, names, sizeof names, ", ");
    snprintf(error, error_size, "unknown detector '%.*s'; the names are %s, or all, none, default",
             length < 40 ? length : 40, word, names);
    return -EINVAL;
}

int detector_parse(const char *text, uint32_t *ret_bits, char *error, size_t error_size)
{
    uint32_t bits = 0, more;
    for (const char *at = text;; at++) {
        at += strspn(at, " ");
        int whole = (int)strcspn(at, ","), length = whole;
        while (length > 0 && at[length - 1] == ' ')
            length--;
        if (word_bits(at, length, &more) < 0)
            return unknown(at, length, error, error_size);
        bits |= more;
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
    if (bits == DETECTOR_ALL)
        text_add(text, size, "", "all");
    else if (bits == DETECTOR_DEFAULT)
        text_add(text, size, "", "default");
    else if (bits == 0)
        text_add(text, size, "", "none");
    else
        append_names(bits, text, size, ",");
}
