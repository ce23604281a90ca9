#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void text_add(char *text, size_t size, const char *separator, const char *format, ...)
{
    size_t used = strlen(text);
    va_list arguments;
    if (used > 0)
        used += strlen(strncat(text, separator, size - used - 1) + used);
    va_start(arguments, format);
    vsnprintf(text + used, size - used, format, arguments);
    va_end(arguments);
}

int text_join(char **text, const char *separator, const char *more)
{
    char *joined;
    if (asprintf(&joined, "%s%s%s", *text ? *text : "", *text ? separator : "", more) < 0)
        return -ENOMEM;
    free(*text);
    *text = joined;
    return 0;
}

void text_hide_addresses(char *text)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    for (char *at = text; (at = strstr(at, "0x"));) {
        size_t n = strspn(at + 2, digits);
        at += 2;
        if (n < 6)
            continue;
        *at = '?';
        memmove(at + 1, at + n, strlen(at + n) + 1);
    }
}
