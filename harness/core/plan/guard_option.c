#include "core/plan/guard_option.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "core/plan/value.h"

#define WORDS "whole, stacks, every=N, pages=N, quarantine=BYTES, interval=MICROSECONDS"

static const struct word {
    const char *name;
    size_t to;
    bool flag;
    uint64_t low, high;
} words[] = {
    {"whole", offsetof(struct guard_option, whole), .flag = true},
    {"stacks", offsetof(struct guard_option, stacks), .flag = true},
    {"every", offsetof(struct guard_option, every), .high = UINT32_MAX},
    {"pages", offsetof(struct guard_option, pages), .high = 4096},
    {"quarantine", offsetof(struct guard_option, quarantine), .low = 4096, .high = UINT64_C(1) << 30},
    {"interval", offsetof(struct guard_option, interval), .low = 100, .high = 10000000},
};

static bool read_value(const struct word *word, const char *text, size_t length, void *to)
{
    char copy[32];
    if (word->flag) {
        *(bool *)to = true;
        return length == 0;
    }
    if (length < 2 || length > sizeof copy || text[0] != '=')
        return false;
    snprintf(copy, sizeof copy, "%.*s", (int)length - 1, text + 1);
    return value_number(copy, word->low, word->high, to) == 0;
}

static bool read_word(const char *text, size_t length, struct guard_option *option)
{
    size_t name = 0;
    while (name < length && text[name] != '=')
        name++;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i].name) == name && memcmp(words[i].name, text, name) == 0)
            return read_value(&words[i], text + name, length - name, (char *)option + words[i].to);
    return false;
}

int guard_option_parse(const char *text, struct guard_option *option, char *error, size_t error_size)
{
    *option = (struct guard_option){.every = 20000, .pages = 256};
    for (const char *at = text; at && *at;) {
        size_t length = strcspn(at, ",");
        if (!read_word(at, length, option))
            return fail(-EINVAL, error, error_size,
                        "'%.*s' is no setting of the guard; the settings are " WORDS,
                        length < 60 ? (int)length : 60, at);
        at += length + (at[length] == ',');
    }
    return 0;
}
