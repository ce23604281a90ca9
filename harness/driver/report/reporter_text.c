/* The text form, for a terminal. */
#include "driver/report/reporter_inside.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "driver/finding/memcheck.h"
#include "driver/report/document.h"
#include "driver/report/sentence.h"

#define NOTES_SHOWN 8
#define OUTCOMES_SHOWN 12

/* With fewer samples of each, it proves nothing that two statements never met. */
#define LOOKS_LEAST 50

/* Widths of columns. */
#define NAME 16
#define CELL 27
#define RATE 24

static const struct text_style coloured = {"\e[1m", "\e[1;31m", "\e[2m", "\e[0m"};

static void print_environment(const json_t *environment, FILE *out)
{
    const char *python = document_text(environment, "python"), *gil = document_text(environment, "gil"), *key;
    json_t *value;
    if (!*python)
        return;
    fprintf(out, "  CPython %.*s, GIL %s", (int)strcspn(python, " "), python, *gil ? gil : "?");
    json_object_foreach ((json_t *)environment, key, value)
        if (document_environment_shows(key) && strcmp(key, "python") != 0 && strcmp(key, "gil") != 0)
            fprintf(out, ", %s %s", key, document_text(environment, key));
    fputc('\n', out);
}

static void print_checker(const json_t *checker, FILE *out)
{
    double walked = document_real(checker, "walked"), seconds = document_real(checker, "seconds");
    if (document_number(checker, "rounds") > 0)
        fprintf(out, "  heap checker: %lld rounds over up to %lld blocks, %.0f million blocks a second\n",
                document_number(checker, "rounds"), document_number(checker, "blocks"),
                seconds > 0 ? walked / seconds / 1e6 : 0);
}

static void print_traced(const json_t *traced, FILE *out)
{
    long long calls = document_number(traced, "calls"), words = document_number(traced, "words");
    if (calls > 0)
        fprintf(out, "  stepped through %lld call%s: two threads touch %lld word%s that one of them writes\n",
                calls, calls == 1 ? "" : "s", words, words == 1 ? "" : "s");
}

/* Prints the number of processes that were forked for first uses. */
static void print_first_uses(const json_t *first, FILE *out)
{
    long long processes = document_number(first, "processes");
    double seconds = document_real(first, "seconds");
    if (processes > 0 && seconds > 0)
        fprintf(out, "  first uses: %lld new process%s, %.0f per second\n", processes,
                processes == 1 ? "" : "es", (double)processes / seconds);
}

/* Prints the pairs that never met; with -v all pairs. */
static void print_pairs(const struct text *text)
{
    size_t i;
    const json_t *pair;
    json_array_foreach (json_object_get(text->report->document, "pairs"), i, pair) {
        long long looks = document_number(pair, "looks"), together = document_number(pair, "together");
        cleanup_free char *a = document_line(document_text(pair, "a")),
                          *b = document_line(document_text(pair, "b"));
        if (text->report->verbose && looks > 0)
            fprintf(text->out, "  in flight together: %s | %s: %.0f threads in 100 looks (%lld)\n", a, b,
                    100.0 * (double)together / (double)looks, looks);
        else if (together == 0 && document_number(pair, "least") >= LOOKS_LEAST)
            fprintf(text->out, "  never in flight together: %s | %s (%lld looks)\n", a, b, looks);
    }
}

static void print_calls(const struct text *text)
{
    const json_t *document = text->report->document;
    long long calls = document_number(document, "calls"), serial = document_number(document, "serial_calls");
    if (calls + serial <= 0)
        return;
    size_t children = json_array_size(json_object_get(document, "children"));
    fprintf(text->out, "  %lld call%s in %.1f s, %zu %s, and %lld serial one%s", calls, calls == 1 ? "" : "s",
            document_real(document, "seconds"), children, children == 1 ? "child" : "children", serial,
            serial == 1 ? "" : "s");
    if (document_number(document, "threads") > 1 && json_is_number(json_object_get(document, "overlap")))
        fprintf(text->out, "; overlap %.0f %%", 100 * document_real(document, "overlap"));
    fputc('\n', text->out);
    print_pairs(text);
    print_first_uses(json_object_get(document, "first_uses"), text->out);
    print_checker(json_object_get(document, "checker"), text->out);
    if (text->report->verbose)
        print_traced(json_object_get(document, "traced"), text->out);
}

static void print_compared(const struct text *text)
{
    json_auto_t *list = sentence_list_compared(text->report->document);
    size_t n = json_array_size(list), most = text->report->whole ? n : NOTES_SHOWN;
    for (size_t i = 0; i < n && i < most; i++)
        fprintf(text->out, "  %s\n", json_string_value(json_array_get(list, i)));
    if (n > most)
        fprintf(text->out, "  … and %zu more statements, all in the JSON report\n", n - most);
}

/* "1 → None, 2 → None; c.value = 2" */
static void print_outcome(const json_t *outcomes, const json_t *row, FILE *out)
{
    const char *state = document_text(row, "state"), *expression = document_text(outcomes, "state");
    size_t i;
    const json_t *result;
    json_array_foreach (json_object_get(row, "results"), i, result)
        fprintf(out, "%s%zu → %s", i ? ", " : "", i + 1, json_string_value(result));
    if (*state)
        fprintf(out, "; %s%s%s", expression, *expression ? " = " : "", state);
}

static void print_row(const struct text *text, const json_t *outcomes, const json_t *row)
{
    bool serial = document_is_true(row, "serial"), failed = document_is_true(row, "check_failed");
    fprintf(text->out, "  %12lld  ", document_number(row, "count"));
    print_outcome(outcomes, row, text->out);
    if (serial && !failed)
        fprintf(text->out, "%s  (order %s)%s\n", text->style->dim, document_text(row, "order"),
                text->style->off);
    else
        fprintf(text->out, "%s  (%s)%s\n", text->style->bad,
                failed ? "the check is not true" : "no order gives it", text->style->off);
}

static void print_roles(const json_t *outcomes, FILE *out)
{
    size_t i;
    const json_t *role;
    json_array_foreach (json_object_get(outcomes, "roles"), i, role) {
        cleanup_free char *line = document_line(json_string_value(role));
        fprintf(out, "%s%zu: %s", i ? "   " : "  ", i + 1, line ? line : "");
    }
    fputc('\n', out);
}

static void print_outcomes(const struct text *text)
{
    const json_t *outcomes = json_object_get(text->report->document, "outcomes"), *rows, *row, *lack;
    double seconds = document_real(outcomes, "seconds");
    size_t i;
    if (!json_is_object(outcomes))
        return;
    rows = json_object_get(outcomes, "rows");
    fprintf(text->out,
            "  %lld meetings over fresh objects, %.0f a second; %lld orders of the calls on one thread\n",
            document_number(outcomes, "meetings"),
            seconds > 0 ? (double)document_number(outcomes, "meetings") / seconds : 0,
            document_number(outcomes, "orders"));
    print_roles(outcomes, text->out);
    json_array_foreach (rows, i, row)
        if (i < OUTCOMES_SHOWN || text->report->whole)
            print_row(text, outcomes, row);
    if (i > OUTCOMES_SHOWN && !text->report->whole)
        fprintf(text->out, "  … and %zu more outcomes, all in the JSON report\n", i - OUTCOMES_SHOWN);
    json_array_foreach (json_object_get(outcomes, "not_compared"), i, lack)
        fprintf(text->out, "  %s\n", json_string_value(lack));
}

static void print_head(const struct text *text)
{
    const json_t *document = text->report->document;
    long long threads = document_number(document, "threads");
    bool sweeps = json_is_object(json_object_get(document, "sweep"));
    cleanup_free char *share = sentence_share(document);
    fprintf(text->out, "%s%s%s", text->style->strong, document_text(document, "name"), text->style->off);
    if (!sweeps)
        fprintf(text->out, ": %lld thread%s", threads, threads == 1 ? "" : "s");
    if (!sweeps && share && *share)
        fprintf(text->out, ", sharing level %s", share);
    if (json_object_get(document, "seed"))
        fprintf(text->out, ", seed %lld", document_number(document, "seed"));
    fputc('\n', text->out);
    print_environment(json_object_get(document, "environment"), text->out);
    if (sweeps)
        return;
    print_calls(text);
    cleanup_free char *no_turn = sentence_no_turn(document);
    if (no_turn && *no_turn)
        fprintf(text->out, "  %s: give it more --time\n", no_turn);
    print_compared(text);
    print_outcomes(text);
}

static void print_silence(const json_t *document, FILE *out)
{
    cleanup_free char *silence = sentence_silence(document), *excused = sentence_excused(document);
    if (*document_text(document, "reason"))
        fprintf(out, "  could not test: %s\n", document_text(document, "reason"));
    if (strcmp(document_text(document, "verdict"), "clean") != 0)
        return;
    if (json_array_size(json_object_get(document, "findings")) > 0) {
        fprintf(out, "  %s\n", excused ? excused : "");
        return;
    }
    if (json_is_object(json_object_get(document, "sweep")))
        fputs("  nothing found in the calls that the table counts\n", out);
    else
        fprintf(out, "  %s\n", silence ? silence : "");
}

static void print_notes(const struct text *text)
{
    const json_t *notes = json_object_get(text->report->document, "notes"), *note;
    size_t n = json_array_size(notes), most = text->report->whole ? n : NOTES_SHOWN, i;
    json_array_foreach (notes, i, note)
        if (i < most && json_is_string(note))
            fprintf(text->out, "%s  note: %s\n", i ? "" : "\n", json_string_value(note));
    if (n > most)
        fprintf(text->out, "  … and %zu more notes, all in the JSON report\n", n - most);
}

static void print_memcheck_head(const json_t *memcheck, bool has_new, FILE *out)
{
    fprintf(out, "\n  %-*s", NAME, "left at the end");
    for (size_t i = 0; i < 2; i++) {
        char cell[64];
        const json_t *length = json_array_get(json_object_get(memcheck, "lengths"), i);
        int n = snprintf(cell, sizeof cell, "%lld calls", document_number(length, "calls"));
        if (has_new)
            snprintf(cell + n, sizeof cell - (size_t)n, ", %lld new", document_number(length, "new"));
        fprintf(out, "%*s", CELL, cell);
    }
    fprintf(out, "%*s", RATE, "in each call");
    if (has_new)
        fprintf(out, "%*s", RATE, "in each new call");
    fputc('\n', out);
}

static void print_memcheck_kind(const json_t *memcheck, const char *kind, bool has_new, FILE *out)
{
    static const char *const rates[] = {"each_call", "each_new_call"};
    char cell[64];
    fprintf(out, "  %-*s", NAME, kind);
    for (size_t i = 0; i < 2; i++) {
        const json_t *length = json_array_get(json_object_get(memcheck, "lengths"), i);
        const json_t *sum = json_object_get(json_object_get(length, "left"), kind);
        snprintf(cell, sizeof cell, "%lld B in %lld blocks", document_number(sum, "bytes"),
                 document_number(sum, "blocks"));
        fprintf(out, "%*s", CELL, cell);
    }
    for (size_t i = 0; i < (has_new ? 2 : 1); i++) {
        const json_t *rate = json_object_get(json_object_get(memcheck, rates[i]), kind);
        snprintf(cell, sizeof cell, "%.1f B in %.2f", document_real(rate, "bytes"),
                 document_real(rate, "blocks"));
        fprintf(out, "%*s", RATE, cell);
    }
    fputc('\n', out);
}

/* Prints the counts of Valgrind's memcheck in runs of two lengths. */
static void print_memcheck(const struct text *text)
{
    const json_t *memcheck = json_object_get(text->report->document, "memcheck");
    bool has_new = document_is_true(memcheck, "has_new");
    if (json_array_size(json_object_get(memcheck, "lengths")) < 2)
        return;
    print_memcheck_head(memcheck, has_new, text->out);
    for (int kind = 0; kind < MEMCHECK_KINDS; kind++)
        print_memcheck_kind(memcheck, memcheck_kind_names[kind], has_new, text->out);
}

int reporter_text(const struct report *report, FILE *out)
{
    const struct text text = {report, report->colour ? &coloured : &text_plain, out, "      "};
    const json_t *findings = json_object_get(report->document, "findings"), *finding;
    cleanup_free char *verified = sentence_verifications(report->document, NULL);
    size_t i;
    int error = verified ? 0 : -ENOMEM;
    if (!report->quiet || json_array_size(findings) > 0)
        print_head(&text);
    json_array_foreach (findings, i, finding)
        error |= text_finding(&text, finding);
    if (verified && *verified)
        fputc('\n', out);
    text_lines("  ", verified ? verified : "", out);
    print_memcheck(&text);
    if (!report->quiet)
        text_sweep(&text);
    if (!report->quiet) {
        print_notes(&text);
        print_silence(report->document, out);
    }
    return error ? -ENOMEM : 0;
}
