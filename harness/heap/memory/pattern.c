#include "heap/memory/pattern.h"

EXEMPT void pattern_fill(char *from, const char *to, uint64_t word)
{
    for (; from < to && ((uintptr_t)from & 15); from++)
        *from = pattern_byte(word, from);
    char *end = (char *)((uintptr_t)to & ~(uintptr_t)15);
    if (from < end) {
        pattern_fill_aligned(from, end, word);
        from = end;
    }
    for (; from < to; from++)
        *from = pattern_byte(word, from);
}

EXEMPT static const char *first_wrong_byte(const char *from, const char *to, uint64_t word)
{
    for (; from < to; from++)
        if (*(const volatile char *)from != pattern_byte(word, from))
            return from;
    return NULL;
}

const char *pattern_first_wrong(const char *from, const char *to, uint64_t word)
{
    const char *body = (const char *)(((uintptr_t)from + 15) & ~(uintptr_t)15), *wrong;
    const char *end = (const char *)((uintptr_t)to & ~(uintptr_t)15);
    if (body >= end)
        return first_wrong_byte(from, to, word);
    if ((wrong = first_wrong_byte(from, body, word)))
        return wrong;
    if (pattern_differs_aligned(body, end, word) && (wrong = first_wrong_byte(body, end, word)))
        return wrong;
    return first_wrong_byte(end, to, word);
}

EXEMPT const char *pattern_last_wrong(const char *from, const char *to, uint64_t word)
{
    for (const char *at = to; at > from; at--)
        if (*(const volatile char *)(at - 1) != pattern_byte(word, at - 1))
            return at - 1;
    return from;
}
