#include "core/plan/recipe_scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Quotes only the beginning of a long recipe, so that the buffer has room for the sentence. */
int scan_complain(const struct scan *p, int code, const char *format, ...)
{
    const char *more = strlen(p->text) > 100 ? "..." : "";
    int used = snprintf(p->error, p->error_size, "recipe '%.100s%s': ", p->text, more);
    if (used >= 0 && (size_t)used < p->error_size) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(p->error + used, p->error_size - (size_t)used, format, arguments);
        va_end(arguments);
    }
    return code;
}

int scan_position(const struct scan *p)
{
    return (int)(p->at - p->text) + 1;
}

void scan_blanks(struct scan *p)
{
    while (*p->at == ' ' || *p->at == '\t')
        p->at++;
}

bool scan_word(struct scan *p, const char *word)
{
    size_t length = strlen(word);
    if (strncmp(p->at, word, length) != 0)
        return false;
    p->at += length;
    return true;
}

bool scan_comma(struct scan *p)
{
    scan_blanks(p);
    if (!scan_word(p, ","))
        return false;
    scan_blanks(p);
    return true;
}

int scan_number(struct scan *p, int64_t *ret_value)
{
    if (!isdigit((unsigned char)p->at[*p->at == '-']))
        return -EINVAL;
    char *end;
    errno = 0;
    *ret_value = strtoll(p->at, &end, 10);
    p->at = end;
    return -errno;
}

bool scan_misses_bracket(const char *at, char close)
{
    bool part_ends = *at == '\0' || strchr("[+~@", *at) || strncmp(at, ".T", 2) == 0;
    return part_ends && at[strcspn(at, "[]()")] != close;
}

int scan_close(struct scan *p, const char *close, const char *what, const char *hint)
{
    scan_blanks(p);
    if (scan_word(p, close))
        return 0;
    if (scan_misses_bracket(p->at, *close))
        return scan_complain(p, -EINVAL, "a '%s' is missing after the %s; write %.*s%s%s", close, what,
                             scan_position(p) - 1, p->text, close, p->at);
    return scan_complain(p, -EINVAL, "character %d does not belong in the %s; write %s", scan_position(p),
                         what, hint);
}
