/* An error for the user in two parts: what is wrong, and what to do about it. Any thread. */
#pragma once

struct sentence {
    char what[768], remedy[384]; /* either may be "" */
};

/* Returns code. A part that does not fit is cut. */
int sentence_fail(int code, struct sentence *ret, const char *remedy, const char *what, ...)
    __attribute__((format(printf, 4, 5)));

void sentence_set_remedy(struct sentence *sentence, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* "WHAT; REMEDY". The caller's, or NULL without memory. */
char *sentence_text(const struct sentence *sentence);
