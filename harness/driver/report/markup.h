/* Text of children and users, made safe inside XML, HTML and Markdown. Input is UTF-8. Driver. */
#pragma once

#include <stdio.h>

/* A copy without what XML 1.0 forbids and other controls but tab and newline. The caller frees it; NULL without memory. */
char *markup_clean(const char *text);

/* For an element or an attribute between double quotes. */
void markup_text(const char *text, FILE *out);

/* Markdown prose on one line: no emphasis, links, mentions, issue numbers or HTML come from it. */
void markup_prose(const char *text, FILE *out);
/* A fenced block that the text cannot close. `language` may be "". */
void markup_fence(const char *language, const char *text, FILE *out);
