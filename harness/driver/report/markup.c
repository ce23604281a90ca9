#include "driver/report/markup.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* Length of a character that may not stand in XML or HTML: C0 and C1 controls, DEL, U+FFFE and U+FFFF; else 0. */
static size_t forbidden(const char *at)
{
    const unsigned char *byte = (const unsigned char *)at;
    if ((byte[0] < ' ' && byte[0] != '\n' && byte[0] != '\t') || byte[0] == 0x7f)
        return 1;
    if (byte[0] == 0xc2 && byte[1] >= 0x80 && byte[1] <= 0x9f)
        return 2;
    return byte[0] == 0xef && byte[1] == 0xbf && byte[2] >= 0xbe ? 3 : 0;
}

static const char *entity(char c, bool in_attribute)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return in_attribute ? "&quot;" : NULL;
    case '\n':
        return in_attribute ? "&#10;" : NULL;
    case '\t':
        return in_attribute ? "&#9;" : NULL;
    default:
        return NULL;
    }
}

static void escape(const char *text, bool in_attribute, FILE *out)
{
    while (*text) {
        size_t skip = forbidden(text);
        const char *name = entity(*text, in_attribute);
        if (!skip && name)
            fputs(name, out);
        else if (!skip)
            fputc(*text, out);
        text += skip ? skip : 1;
    }
}

void markup_plain(const char *text, FILE *out)
{
    while (*text) {
        size_t skip = forbidden(text);
        if (!skip)
            fputc(*text, out);
        text += skip ? skip : 1;
    }
}

void markup_text(const char *text, FILE *out)
{
    escape(text, false, out);
}

void markup_attribute(const char *text, FILE *out)
{
    escape(text, true, out);
}

/* Inside a word an underscore is none of Markdown's, and the title of a report is read as plain text too. */
static bool is_markdown(const char *start, const char *at)
{
    if (*at == '_')
        return at == start || !isalnum((unsigned char)at[-1]) || !isalnum((unsigned char)at[1]);
    return strchr("\\`*[]~|", *at);
}

/* Mentions and issue numbers are found after backslashes are resolved: only a reference hides them. */
void markup_prose(const char *text, FILE *out)
{
    const char *start = text;
    while (*text) {
        size_t skip = forbidden(text);
        if (!skip && strchr("@#&<>", *text))
            fprintf(out, "&#%d;", *text);
        else if (!skip && is_markdown(start, text))
            fprintf(out, "\\%c", *text);
        else if (!skip)
            fputc(*text == '\n' || *text == '\t' ? ' ' : *text, out);
        text += skip ? skip : 1;
    }
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

static void print_ticks(size_t n, FILE *out)
{
    while (n-- > 0)
        fputc('`', out);
}

void markup_fence(const char *language, const char *text, FILE *out)
{
    size_t ticks = longest_ticks(text) + 1, length = strlen(text);
    ticks = ticks < 3 ? 3 : ticks;
    print_ticks(ticks, out);
    fprintf(out, "%s\n", language);
    markup_plain(text, out);
    if (length > 0 && text[length - 1] != '\n')
        fputc('\n', out);
    print_ticks(ticks, out);
    fputc('\n', out);
}
