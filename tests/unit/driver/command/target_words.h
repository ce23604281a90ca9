/* What the tests of targets share: the words of a command line made to plans, and the error that says why not. Included
 * after cmocka.h. */
#pragma once

#include <string.h>

#include "core/plan/option.h"
#include "driver/command/target.h"

#define WORDS_MAX 80

static char error[1024];

static inline int resolve_words(struct target_list *list, const char *const *words)
{
    static char *line[WORDS_MAX + 2] = {(char *)"run"};
    struct request request;
    int n = 0;
    for (; words[n]; n++)
        line[n + 1] = (char *)words[n];
    line[n + 1] = NULL;
    request_init(&request);
    assert_int_equal(option_parse(OPTION_RUN, n, line + 1, &request, error, sizeof error), 0);
    int result = target_resolve(&request, list, error, sizeof error);
    request_clear(&request);
    return result;
}

#define RESOLVE(list, ...) resolve_words(list, (const char *const[]){__VA_ARGS__, NULL})

static inline void assert_sentence(const char *word)
{
    assert_true(strlen(error) > 10);
    assert_null(strpbrk(error, "\r\n"));
    if (!strstr(error, word))
        fail_msg("\"%s\" does not say '%s'", error, word);
}

static inline void refuse(const char *target, const char *word)
{
    struct target_list list;
    int result = RESOLVE(&list, target);
    if (result >= 0)
        fail_msg("%s is taken", target);
    assert_sentence(word);
    target_list_clear(&list);
}
