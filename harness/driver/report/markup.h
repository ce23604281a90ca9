/* Text of children and users, made safe inside XML, HTML and Markdown. Input is UTF-8, as all text from
 * JSON is. Driver. */
#pragma once

#include <stdio.h>

/* For a terminal: without what could steer it. */
void markup_plain(const char *text, FILE *out);

/* Characters that XML 1.0 forbids, and other controls but tab and newline, are left out. For the text of an element. */
void markup_text(const char *text, FILE *out);
/* The same between double quotes: newlines and tabs survive as references. */
void markup_attribute(const char *text, FILE *out);

/* Markdown prose on one line: no emphasis, links, mentions, issue numbers or HTML come from it. */
void markup_prose(const char *text, FILE *out);
/* A fenced block that the text cannot close. `language` may be "". */
void markup_fence(const char *language, const char *text, FILE *out);
