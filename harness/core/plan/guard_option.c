#include "core/plan/guard_option.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "core/plan/value.h"

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

static bool read_word(char *text, struct guard_option *option)
{
    char *value = strchr(text, '=');
    if (value)
        *value++ = '\0';
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        void *to = (char *)option + words[i].to;
        if (strcmp(words[i].name, text) != 0 || words[i].flag != !value)
            continue;
        if (value)
            return value_number(value, words[i].low, words[i].high, to) == 0;
        *(bool *)to = true;
        return true;
    }
    return false;
}

int guard_option_parse(const char *text, struct guard_option *option, char *error, size_t error_size)
{
    *option = (struct guard_option){.every = 20000, .pages = 256};
    for (const char *at = text; at && *at;) {
        char word[40];
        size_t length = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        if (length >= sizeof word || !read_word(word, option))
            return fail(-EINVAL, error, error_size,
                        "'%.*s' is none of the guard's settings, which are " GUARD_OPTIONS,
                        length < 60 ? (int)length : 60, at);
        at += length + (at[length] == ',');
    }
    return 0;
}
