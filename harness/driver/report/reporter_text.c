/* The report for a person at a terminal. */
#include "driver/report/reporter_text_inside.h"

#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "driver/report/document.h"
#include "driver/report/sentence.h"

#define NOTES_SHOWN 8

const struct text_style text_plain = {"", "", "", ""};
static const struct text_style coloured = {"\e[1m", "\e[1;31m", "\e[2m", "\e[0m"};

void text_lines(const char *before, const char *lines, FILE *out)
{
    while (*lines) {
        size_t length = strcspn(lines, "\n");
        fprintf(out, "%s%.*s\n", length ? before : "", (int)length, lines);
        lines += length + (lines[length] == '\n');
    }
}

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
                (long long)document_number(checker, "rounds"), (long long)document_number(checker, "blocks"),
                seconds > 0 ? walked / seconds / 1e6 : 0);
}

static double overlap_of(const json_t *document)
{
    return 100 * document_real(document, "overlap");
}

static void print_calls(const struct text *text)
{
    const json_t *document = text->report->document;
    long long calls = document_number(document, "calls"), serial = document_number(document, "serial_calls");
    if (calls + serial <= 0)
        return;
    fprintf(text->out, "  %lld calls in %.1f s, %zu children, and %lld serial ones", calls,
            document_real(document, "seconds"), json_array_size(json_object_get(document, "children")),
            serial);
    if (document_number(document, "threads") > 1)
        fprintf(text->out, "; overlap %.0f %%", overlap_of(document));
    fputc('\n', text->out);
    text_pairs(text);
    print_checker(json_object_get(document, "checker"), text->out);
}

static void print_head(const struct text *text)
{
    const json_t *document = text->report->document;
    long long threads = document_number(document, "threads");
    const char *share = document_text(document, "share");
    fprintf(text->out, "%s%s%s: %lld thread%s", text->style->strong, document_text(document, "name"),
            text->style->off, threads, threads == 1 ? "" : "s");
    if (*share)
        fprintf(text->out, ", sharing level %s", share);
    if (json_object_get(document, "seed"))
        fprintf(text->out, ", seed %lld", (long long)document_number(document, "seed"));
    fputc('\n', text->out);
    print_environment(json_object_get(document, "environment"), text->out);
    print_calls(text);
}

static void print_silence(const json_t *document, FILE *out)
{
    double below = document_real(document, "rate_below");
    if (*document_text(document, "reason"))
        fprintf(out, "  could not test: %s\n", document_text(document, "reason"));
    if (strcmp(document_text(document, "verdict"), "clean") != 0)
        return;
    if (json_array_size(json_object_get(document, "findings")) > 0) {
        fputs("  nothing but documented user errors: exit status 0 (--strict: 1)\n", out);
        return;
    }
    fputs("  nothing found", out);
    if (below > 0)
        fprintf(out, ": 0 in %lld calls",
                (long long)(document_number(document, "calls") + document_number(document, "serial_calls")));
    if (below > 0 && document_number(document, "threads") > 1)
        fprintf(out, ", overlap %.0f %%", overlap_of(document));
    if (below > 0)
        fprintf(out, ", the rate is below %.2g %% at 95 %% confidence", 100 * below);
    fputc('\n', out);
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

int reporter_text(const struct report *report, FILE *out)
{
    const struct text text = {report, report->colour ? &coloured : &text_plain, out, "      "};
    const json_t *findings = json_object_get(report->document, "findings"), *finding;
    cleanup_free char *verified = sentence_verifications(report->document);
    size_t i;
    int error = verified ? 0 : -ENOMEM;
    if (!report->quiet || json_array_size(findings) > 0)
        print_head(&text);
    json_array_foreach (findings, i, finding)
        error |= text_finding(&text, finding);
    if (verified && *verified)
        fputc('\n', out);
    text_lines("  ", verified ? verified : "", out);
    text_memcheck(&text);
    if (!report->quiet) {
        print_notes(&text);
        print_silence(report->document, out);
    }
    return error ? -ENOMEM : 0;
}
