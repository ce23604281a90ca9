#include "base/sentence.h"

#include <stdarg.h>
#include <stdio.h>

int sentence_fail(int code, struct sentence *ret, const char *remedy, const char *what, ...)
{
    va_list arguments;
    va_start(arguments, what);
    vsnprintf(ret->what, sizeof ret->what, what, arguments);
    va_end(arguments);
    sentence_set_remedy(ret, "%s", remedy);
    return code;
}

void sentence_set_remedy(struct sentence *sentence, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence->remedy, sizeof sentence->remedy, format, arguments);
    va_end(arguments);
}

char *sentence_text(const struct sentence *sentence)
{
    char *text;
    const char *separator = sentence->what[0] && sentence->remedy[0] ? "; " : "";
    return asprintf(&text, "%s%s%s", sentence->what, separator, sentence->remedy) < 0 ? NULL : text;
}
