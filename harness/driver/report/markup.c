#include "driver/report/markup.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

/* Returns the length of a character that XML and HTML forbid (C0 and C1 controls, DEL, U+FFFE, U+FFFF), or 0. */
static size_t forbidden(const char *at)
{
    const unsigned char *byte = (const unsigned char *)at;
    if ((byte[0] < ' ' && byte[0] != '\n' && byte[0] != '\t') || byte[0] == 0x7f)
        return 1;
    if (byte[0] == 0xc2 && byte[1] >= 0x80 && byte[1] <= 0x9f)
        return 2;
    return byte[0] == 0xef && byte[1] == 0xbf && byte[2] >= 0xbe ? 3 : 0;
}

char *markup_clean(const char *text)
{
    char *clean = strdup(text), *end = clean;
    while (clean && *text) {
        size_t skip = forbidden(text);
        if (!skip)
            *end++ = *text;
        text += skip ? skip : 1;
    }
    if (clean)
        *end = '\0';
    return clean;
}

void markup_text(const char *text, FILE *out)
{
    for (; *text; text++)
        if (strchr("&<>\"", *text))
            fprintf(out, "&#%d;", *text);
        else
            fputc(*text, out);
}

/* An underscore inside a word is not Markdown, and a backslash would show where a title is read as plain text. */
static bool is_markdown(const char *start, const char *at)
{
    if (*at == '_')
        return at == start || !isalnum((unsigned char)at[-1]) || !isalnum((unsigned char)at[1]);
    return strchr("\\`*[]~|", *at);
}

/* Trackers find mentions and issue numbers after they resolve backslashes: only a character reference hides them. */
void markup_prose(const char *text, FILE *out)
{
    for (const char *start = text; *text; text++) {
        if (strchr("@#&<>", *text))
            fprintf(out, "&#%d;", *text);
        else if (is_markdown(start, text))
            fprintf(out, "\\%c", *text);
        else
            fputc(*text == '\n' || *text == '\t' ? ' ' : *text, out);
    }
}

void markup_format(FILE *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    for (; *format; format++)
        if (strncmp(format, "%s", 2) == 0) {
            markup_prose(va_arg(arguments, const char *), out);
            format++;
        } else {
            fputc(*format, out);
        }
    va_end(arguments);
}

static size_t longest_ticks(const char *text)
{
    size_t longest = 0;
    while (*(text += strcspn(text, "`"))) {
        size_t n = strspn(text, "`");
        longest = n > longest ? n : longest;
        text += n;
    }
    return longest;
}

void markup_fence(const char *language, const char *text, FILE *out)
{
    size_t ticks = longest_ticks(text) + 1, length = strlen(text);
    ticks = ticks < 3 ? 3 : ticks;
    for (size_t i = 0; i < ticks; i++)
        fputc('`', out);
    fprintf(out, "%s\n%s%s", language, text, length > 0 && text[length - 1] != '\n' ? "\n" : "");
    for (size_t i = 0; i < ticks; i++)
        fputc('`', out);
    fputc('\n', out);
}
