/* Makes text of children and users safe inside HTML and Markdown. Input is UTF-8. Driver. */
#pragma once

#include <stdio.h>

/* Copies the text without control characters but tab and newline, and without characters that XML 1.0 forbids. The
 * caller frees it; NULL without memory. */
char *markup_clean(const char *text);

/* Writes text for an element, or for an attribute in double quotes. */
void markup_text(const char *text, FILE *out);

/* Writes one line of Markdown; the text makes no emphasis, link, mention, issue number or HTML. */
void markup_prose(const char *text, FILE *out);
/* Writes the format, and each %s in it as markup_prose() does; it knows no other conversion. */
void markup_format(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes a fenced block that the text cannot close. `language` may be "". */
void markup_fence(const char *language, const char *text, FILE *out);
