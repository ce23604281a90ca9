#include "driver/report/sentence.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "driver/report/document.h"

/* Blame rests on the owner of the block if the damaging instruction itself was not trapped. */
static bool is_likely(const json_t *finding)
{
    const json_t *block = json_object_get(finding, "block");
    return json_is_object(block) && !document_is_true(block, "trapped") &&
           !*document_text(finding, "cause") && strcmp(document_text(finding, "blame"), "target") == 0;
}

char *sentence_blame(const json_t *finding)
{
    char *text;
    const char *function = document_text(finding, "function"), *package = document_text(finding, "package");
    const char *blame = document_text(finding, "blame"), *cause = document_text(finding, "cause");
    const char *fault = "not known from this evidence alone";
    int n;
    if (strcmp(blame, "target") == 0)
        fault = "the target's fault";
    if (strcmp(blame, "interpreter") == 0)
        fault = "the interpreter's fault";
    if (strcmp(blame, "user") == 0) {
        fault =
            "user error: the statements change an array while others use it, which NumPy documents as unsafe";
        function = package = "";
    }
    if (is_likely(finding))
        n = asprintf(&text, "most likely the target's: the block is of %s in %s",
                     *function ? function : "a function without a name",
                     *package ? package : "an unknown package");
    else
        n = asprintf(&text, "%s%s%s%s%s%s%s%s", fault, *function ? ": " : "", function,
                     *package ? " in " : "", package, *cause ? " (a consequence of " : "", cause,
                     *cause ? ")" : "");
    return n < 0 ? NULL : text;
}

char *sentence_seen(const json_t *finding)
{
    char *text;
    const json_t *runs = json_object_get(finding, "runs"), *plan = json_object_get(finding, "plan");
    long long count = document_number(finding, "count"), threads = document_number(plan, "threads"),
              hit = document_number(runs, "hit"), of = document_number(runs, "of");
    int n;
    if (document_is_true(finding, "serial"))
        n = asprintf(&text, "seen %lld time%s, in %lld of %lld children; one thread is enough to see it",
                     count, count == 1 ? "" : "s", hit, of);
    else
        n = asprintf(&text, "seen %lld time%s, in %lld of %lld children, %lld threads, sharing level %s",
                     count, count == 1 ? "" : "s", hit, of, threads, document_text(finding, "rung"));
    return n < 0 ? NULL : text;
}

char *sentence_share(const json_t *report)
{
    char *text;
    const char *share = document_text(report, "share");
    bool rises = *document_text(json_object_get(report, "environment"), "mutates") &&
                 (strcmp(share, "readonly") == 0 || strcmp(share, "one-writer") == 0);
    int n = asprintf(&text, rises ? "all, because the statements change what they share (--share %s)" : "%s",
                     share);
    return n < 0 ? NULL : text;
}

char *sentence_title(const json_t *finding)
{
    char *text;
    const char *function = document_text(finding, "function"), *package = document_text(finding, "package");
    cleanup_free char *statement = document_line(document_text(finding, "statement"));
    const char *where = *function || !statement ? function : statement;
    char *kind = strdup(document_text(finding, "kind"));
    for (char *c = kind; c && *c; c++)
        if (*c == '-')
            *c = ' ';
    int n = kind ? asprintf(&text, "%s%s%s%s%s%s", kind, *where ? " in " : "", where, *package ? " (" : "",
                            package, *package ? ")" : "")
                 : -1;
    free(kind);
    return n < 0 ? NULL : text;
}
