/* The table of a sweep: what became of the callables. */
#include "driver/report/reporter_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "driver/report/document.h"

#define FAILED_SHOWN 40
#define REASONS_SHOWN 16
#define NAMES_SHOWN 3

/* Keys of a row that count calls, with the words for their sum. */
static const struct {
    const char *key, *words;
} counts[] = {
    {"returned", "returned"},
    {"raised", "raised"},
    {"crashed", "ended their process"},
    {"shown", "failed a check"},
    {"out_of_time", "were out of time"},
    {"out_of_memory", "were out of memory"},
    {"left_out", "were left out behind failures of the same callable"},
    {"left_slow", "were left out behind slow calls of the same callable"},
    {"not_made", "were not made, because the time was over or for a reason below"},
};

static long long sum_of(const json_t *rows, const char *key)
{
    size_t i;
    const json_t *row;
    long long sum = 0;
    json_array_foreach (rows, i, row)
        sum += document_number(row, key);
    return sum;
}

static long long sum_ended(const json_t *rows)
{
    size_t i;
    const json_t *row;
    long long sum = 0;
    json_array_foreach (rows, i, row)
        sum += document_ended(row);
    return sum;
}

static void print_counts(const char *head, const json_t *rows, FILE *out)
{
    bool first = true;
    fprintf(out, "  %s: ", head);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        long long n = sum_of(rows, counts[i].key);
        if (n > 0)
            fprintf(out, "%s%lld %s", first ? "" : ", ", n, counts[i].words);
        first = first && n == 0;
    }
    fputs(first ? "none\n" : "\n", out);
}

/* What is in no other line of all calls that the last line counts. */
static void print_more(const json_t *sweep, const json_t *document, FILE *out)
{
    long long more = document_number(document, "serial_calls") -
                     sum_ended(json_object_get(sweep, "callables")) -
                     sum_ended(json_object_get(sweep, "others"));
    if (more > 0)
        fprintf(out, "  made once more, to try failures and before threads: %lld\n", more);
}

/* Returns why no call of the row returned, "" where one did. The caller's, or NULL without memory. */
static char *why_never(const json_t *row)
{
    const char *why = document_text(row, "why"), *raises = document_text(row, "raises");
    char *text;
    if (*why || document_number(row, "returned") > 0)
        return strdup(why);
    if (json_array_size(json_object_get(row, "failed")) > 0)
        return strdup("failed; see above");
    if (document_number(row, "raised") == 0)
        return strdup("the time was over before its turn");
    int n = asprintf(&text, "each call raises, the first one %.*s", (int)strcspn(raises, ":"), raises);
    return n < 0 ? NULL : text;
}

/* A reason with its callables. */
struct reason {
    char *why, *names;
    unsigned n;
};

static void add_reason(struct reason *reasons, unsigned *n, char *why, const char *name)
{
    unsigned i = 0;
    while (i < *n && !text_equal(reasons[i].why, why))
        i++;
    if (i == *n)
        reasons[(*n)++].why = why;
    else
        free(why);
    if (reasons[i].n++ < NAMES_SHOWN)
        text_join(&reasons[i].names, ", ", name);
}

static int compare(const void *a, const void *b)
{
    const struct reason *one = a, *other = b;
    return (one->n < other->n) - (one->n > other->n);
}

static void print_reasons(struct reason *reasons, unsigned n, const struct text *text)
{
    qsort(reasons, n, sizeof *reasons, compare);
    for (unsigned i = 0; i < n; i++) {
        if (i < REASONS_SHOWN || text->report->whole)
            fprintf(text->out, "    %5u  %s: %s%s\n", reasons[i].n, reasons[i].why,
                    reasons[i].names ? reasons[i].names : "", reasons[i].n > NAMES_SHOWN ? ", …" : "");
        free(reasons[i].why);
        free(reasons[i].names);
    }
    if (n > REASONS_SHOWN && !text->report->whole)
        fprintf(text->out, "    … and %u more reasons, all in the JSON report\n", n - REASONS_SHOWN);
}

static void print_never(const struct text *text, const json_t *rows)
{
    size_t i;
    const json_t *row;
    unsigned n = 0, never = 0;
    struct reason *reasons = calloc(json_array_size(rows) + 1, sizeof *reasons);
    if (!reasons)
        return;
    json_array_foreach (rows, i, row) {
        char *why = why_never(row);
        if (why && *why) {
            add_reason(reasons, &n, why, document_text(row, "name"));
            never++;
        } else {
            free(why);
        }
    }
    fprintf(text->out, "  callables: %zu, of which %zu returned a result or None\n", json_array_size(rows),
            json_array_size(rows) - never);
    if (never > 0)
        fprintf(text->out, "  never returned: %u\n", never);
    print_reasons(reasons, n, text);
    free(reasons);
}

static void print_failed(const struct text *text, const json_t *row, unsigned *shown)
{
    size_t i, k;
    const json_t *failed, *id;
    json_array_foreach (json_object_get(row, "failed"), i, failed) {
        if ((*shown)++ >= FAILED_SHOWN && !text->report->whole)
            continue;
        const char *end = document_text(failed, "end");
        fprintf(text->out, "    %s: %s", document_text(failed, "call"),
                strcmp(end, "shown") == 0         ? "failed a check"
                : strcmp(end, "crashed") == 0     ? "ended its process"
                : strcmp(end, "out_of_time") == 0 ? "out of time"
                                                  : "out of memory");
        json_array_foreach (json_object_get(row, "findings"), k, id)
            fprintf(text->out, " %s", json_string_value(id));
        fputc('\n', text->out);
    }
}

/* The passes of a sweep, with the words for their calls. */
static const struct {
    const char *name, *words;
} passes[] = {
    {"first", "some calls of each, on one thread"},
    {"failures", "a call that failed, by itself"},
    {"forms", "all their calls, on one thread"},
    {"sequences", "calls on one object, on one thread"},
    {"threads", "a call that returned, with several threads"},
};

/* What had no turn is not clean: the numbers differ then. */
static void print_passes(const json_t *sweep, FILE *out)
{
    bool is_whole = true;
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        const json_t *pass = json_object_get(json_object_get(sweep, "passes"), passes[i].name);
        long long callables = document_number(pass, "callables"), reached = document_number(pass, "reached");
        if (callables == 0)
            continue;
        fprintf(out, "  %s: %lld of %lld callables\n", passes[i].words, reached, callables);
        is_whole = is_whole && reached == callables;
    }
    if (!is_whole)
        fputs(
            "  the others had no turn there, or not with all calls: nothing is known of these; the JSON report names "
            "them (not_reached)\n",
            out);
}

static void print_fuzz(const struct text *text, const json_t *fuzz)
{
    if (!json_is_object(fuzz))
        return;
    fprintf(text->out, "  corpus: %lld plans in %s, of which this run kept %lld\n",
            document_number(fuzz, "plans"), document_text(fuzz, "corpus"), document_number(fuzz, "kept"));
    fprintf(text->out, "  rounds: %lld; kinds of results and exceptions: %lld\n",
            document_number(fuzz, "rounds"), document_number(fuzz, "signals"));
}

void text_sweep(const struct text *text)
{
    const json_t *sweep = json_object_get(text->report->document, "sweep"), *row, *rows;
    size_t i;
    unsigned shown = 0;
    rows = json_object_get(sweep, "callables");
    if (!json_is_array(rows))
        return;
    fprintf(text->out, "\n  %.0f s, %lld children; calls by threads: %lld\n",
            document_real(text->report->document, "seconds"), document_number(sweep, "children"),
            document_number(text->report->document, "calls"));
    print_counts("calls on one thread", rows, text->out);
    if (json_array_size(json_object_get(sweep, "others")) > 0)
        print_counts("the same of other shards' callables, beside these", json_object_get(sweep, "others"),
                     text->out);
    print_more(sweep, text->report->document, text->out);
    print_passes(sweep, text->out);
    json_array_foreach (rows, i, row)
        print_failed(text, row, &shown);
    if (shown > FAILED_SHOWN && !text->report->whole)
        fprintf(text->out, "    … and %u more calls, all in the JSON report\n", shown - FAILED_SHOWN);
    print_never(text, rows);
    json_array_foreach (json_object_get(sweep, "not_imported"), i, row)
        fprintf(text->out, "  not imported: %s: %s\n", document_text(row, "name"), document_text(row, "why"));
    print_fuzz(text, json_object_get(text->report->document, "fuzz"));
    if (!document_is_true(sweep, "complete"))
        fputs("  not complete: the same command goes on from here\n", text->out);
}
