#include "driver/report/sentence.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "driver/finding/verification.h"
#include "driver/report/document.h"

/* Results count as compared in all calls if at most one part in ALL_BUT of these is without. */
#define ALL_BUT 10

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
    if (strcmp(blame, "user") == 0 && strcmp(document_text(finding, "detector"), "outcome") == 0)
        fault =
            "user error: a statement is several operations, or changes an array, and another role comes in between";
    if (is_likely(finding))
        n = asprintf(&text, "most likely the target's: the block is of %s%s%s", function,
                     *function ? " in " : "", *package ? package : "an unknown package");
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
        n = asprintf(&text,
                     "seen %lld time%s, in %lld of %lld children; calls from one thread are enough to see it",
                     count, count == 1 ? "" : "s", hit, of);
    else
        n = asprintf(&text, "seen %lld time%s, in %lld of %lld children, %lld threads, sharing level %s",
                     count, count == 1 ? "" : "s", hit, of, threads, document_text(finding, "rung"));
    return n < 0 ? NULL : text;
}

char *sentence_state(const json_t *finding)
{
    char *text;
    const json_t *known = json_object_get(finding, "known");
    const char *link = document_text(known, "link"), *reason = document_text(known, "reason"),
               *state = document_text(finding, "state");
    if (!document_is_known(finding))
        return strdup(strcmp(state, "new") == 0 ? "NEW: the baseline does not have it"
                      : strcmp(state, "regressed") == 0
                          ? "REGRESSED: it is back, and was fixed in the baseline"
                          : "");
    int n = asprintf(&text, "KNOWN: %s%s%s%s", *reason ? reason : "the baseline has it", *link ? " (" : "",
                     link, *link ? ")" : "");
    return n < 0 ? NULL : text;
}

char *sentence_excused(const json_t *report)
{
    char *text, known[256] = "";
    bool has_errors = false;
    size_t i;
    const json_t *finding;
    json_array_foreach (json_object_get(report, "findings"), i, finding) {
        if (document_is_known(finding))
            text_add(known, sizeof known, ", ", "%s", document_text(finding, "id"));
        else
            has_errors = true;
    }
    int n = asprintf(&text, "nothing but %s%s%s%s%s: exit status 0%s", *known ? "known findings (" : "",
                     known, *known ? ")" : "", *known && has_errors ? " and " : "",
                     has_errors ? "documented user errors" : "", has_errors ? " (--strict: 1)" : "");
    return n < 0 ? NULL : text;
}

char *sentence_share(const json_t *report)
{
    char *text;
    const char *share = document_text(report, "share");
    const char *mutates = document_text(json_object_get(report, "environment"), "mutates");
    bool rises = *mutates && (strcmp(share, "readonly") == 0 || strcmp(share, "one-writer") == 0);
    int n = asprintf(&text,
                     !rises ? "%s"
                     : strcmp(mutates, "maybe") == 0
                         ? "all, because the statements may change what they share (--share %s)"
                         : "all, because the statements change what they share (--share %s)",
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

/* Returns "" if its results were compared and its exceptions judged. */
static char *say_compared(const json_t *entry)
{
    char *text;
    bool results = document_is_true(entry, "results"), exceptions = document_is_true(entry, "exceptions");
    const char *why = document_text(entry, "reason"), *muted = document_text(entry, "exceptions_reason");
    cleanup_free char *statement = document_line(document_text(entry, "statement"));
    int n;
    if (results && exceptions)
        return strdup("");
    if (results || exceptions)
        n = asprintf(&text, "%s: %s: %s", statement,
                     results ? "exceptions not judged" : "results not compared", results ? muted : why);
    else if (strcmp(why, muted) == 0)
        n = asprintf(&text, "%s: results not compared, exceptions not judged: %s", statement, why);
    else
        n = asprintf(&text, "%s: results not compared: %s; exceptions not judged: %s", statement, why, muted);
    return n < 0 ? NULL : text;
}

json_t *sentence_list_compared(const json_t *report)
{
    json_t *list = json_array(), *entry;
    size_t i;
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): cleanup_free */
    json_array_foreach (json_object_get(report, "compared"), i, entry) {
        cleanup_free char *sentence = say_compared(entry);
        if (sentence && *sentence)
            json_array_append_new(list, json_string(sentence));
    }
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
    return list;
}

/* Returns how many of the statements lack it, and says so. */
static size_t say_lack(const json_t *report, const char *key, const char *what, const char *done, char *text,
                       size_t size)
{
    const json_t *all = json_object_get(report, "compared"), *entry;
    size_t lack = 0, n = json_array_size(all), i;
    json_array_foreach (all, i, entry)
        lack += !document_is_true(entry, key);
    if (lack > 0 && lack == n)
        text_add(text, size, ", ", "%s were not %s", what, done);
    else if (lack > 0)
        text_add(text, size, ", ", "the %s of %zu of %zu statements were not %s", what, lack, n, done);
    return lack;
}

/* Returns the fewest results that were compared of a statement, if that is not of all calls; else 0. */
static long long count_compared(const json_t *report)
{
    const json_t *all = json_object_get(report, "compared"), *entry;
    long long least = 0, tested = count_tested(report);
    size_t i;
    json_array_foreach (all, i, entry) {
        long long calls = document_number(entry, "calls");
        if (document_is_true(entry, "results") && (least == 0 || calls < least))
            least = calls;
    }
    return least * (long long)json_array_size(all) < tested - tested / ALL_BUT ? least : 0;
}

/* Of a run with outcomes. */
static char *say_no_outcome(const json_t *report)
{
    char *text;
    const json_t *outcomes = json_object_get(report, "outcomes");
    size_t lacks = json_array_size(json_object_get(outcomes, "not_compared"));
    int n = asprintf(
        &text,
        "nothing found%s: an order of the calls gives each outcome of %lld meetings%s, overlap %.0f %%",
        lacks ? ", but not all is compared" : "", document_number(outcomes, "meetings"),
        lacks ? ", as far as it is compared" : "", 100 * document_real(report, "overlap"));
    return n < 0 ? NULL : text;
}

char *sentence_silence(const json_t *report)
{
    char text[512] = "nothing found", lacks[256] = "";
    double below = document_real(report, "rate_below");
    if (json_is_object(json_object_get(report, "outcomes")))
        return say_no_outcome(report);
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): cleanup_free */
    cleanup_free char *no_turn = sentence_no_turn(report);
    if (no_turn && *no_turn)
        text_add(lacks, sizeof lacks, ", ", "%s", no_turn);
    size_t lack = say_lack(report, "results", "results", "compared", lacks, sizeof lacks);
    lack += say_lack(report, "exceptions", "exceptions", "judged", lacks, sizeof lacks);
    if (json_is_false(json_object_get(report, "growth_looked")))
        text_add(lacks, sizeof lacks, ", ", "growth of memory was not looked for");
    if (*lacks)
        text_add(text, sizeof text, ", but ", "%s", lacks);
    if (below > 0)
        text_add(text, sizeof text, ": ", "0 in %lld calls", count_tested(report));
    else if (document_number(report, "calls") > 0)
        text_add(text, sizeof text, ": ", "%lld calls were counted", document_number(report, "calls"));
    if (below > 0 && document_number(report, "threads") > 1)
        text_add(text, sizeof text, ", ", "overlap %.0f %%", 100 * document_real(report, "overlap"));
    if (below > 0)
        text_add(text, sizeof text, ", ", "the rate%s is below %.2g %% at 95 %% confidence",
                 lack ? " of other failures" : "", 100 * below);
    long long compared = below > 0 ? count_compared(report) : 0;
    if (compared > 0)
        text_add(text, sizeof text, "; ",
                 "%lld results were compared, the rate of wrong ones is below %.2g %%", compared,
                 100 * verification_bound((double)compared));
    return strdup(text);
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
}
