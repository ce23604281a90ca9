/* A command line as its words, parsed as on a real one, with the sentence of a refusal. Included after cmocka.h. */
#pragma once

#include <stddef.h>

#include "core/plan/option.h"

#define WORDS_MAX 160

static char error[512];

/* The parser also reads the word before argv, as on a real command line. The words end with NULL. */
static inline int parse_for(enum option_command command, struct request *request, const char *const *words)
{
    static char *line[WORDS_MAX + 2] = {(char *)"ftstress"};
    int n = 0;
    for (; words[n]; n++)
        line[n + 1] = (char *)words[n];
    line[n + 1] = NULL;
    error[0] = '\0';
    request_init(request);
    return option_parse(command, n, line + 1, request, error, sizeof error);
}

static inline int parse_into(struct request *request, const char *const *words)
{
    return parse_for(OPTION_RUN, request, words);
}

#define PARSE(request, ...) parse_into(request, (const char *const[]){__VA_ARGS__, NULL})

static inline void assert_positionals(const struct request *request, const char *const *words)
{
    unsigned n = 0;
    for (; words[n]; n++) {
        assert_true(n < request->npositionals);
        assert_string_equal(request->positionals[n], words[n]);
    }
    assert_int_equal(request->npositionals, n);
}

#define POSITIONALS(request, ...) assert_positionals(request, (const char *const[]){__VA_ARGS__, NULL})
