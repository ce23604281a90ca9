#include "driver/report/sentence.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
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

char *sentence_no_turn(const json_t *report)
{
    char text[256] = "";
    size_t i;
    const json_t *name;
    json_array_foreach (json_object_get(report, "no_turn"), i, name)
        text_add(text, sizeof text, ", ", "%s", json_is_string(name) ? json_string_value(name) : "");
    text_add(text, sizeof text, " ", "%s", *text ? "had no turn" : "");
    return strdup(text);
}

/* An older ftstress counted serial calls, too. */
static long long count_tested(const json_t *report)
{
    return json_object_get(report, "tested_calls")
               ? document_number(report, "tested_calls")
               : document_number(report, "calls") + document_number(report, "serial_calls");
}

char *sentence_silence(const json_t *report)
{
    char text[512] = "nothing found";
    double below = document_real(report, "rate_below");
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): cleanup_free */
    cleanup_free char *no_turn = sentence_no_turn(report);
    if (no_turn && *no_turn)
        text_add(text, sizeof text, ", but ", "%s", no_turn);
    if (below > 0)
        text_add(text, sizeof text, ": ", "0 in %lld calls", count_tested(report));
    else if (document_number(report, "calls") > 0)
        text_add(text, sizeof text, ": ", "%lld calls were counted", document_number(report, "calls"));
    if (below > 0 && document_number(report, "threads") > 1)
        text_add(text, sizeof text, ", ", "overlap %.0f %%", 100 * document_real(report, "overlap"));
    if (below > 0)
        text_add(text, sizeof text, ", ", "the rate is below %.2g %% at 95 %% confidence", 100 * below);
    return strdup(text);
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
}
