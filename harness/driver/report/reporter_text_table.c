/* The counts of the text form: pairs of statements, and Valgrind's memcheck. */
#include "driver/report/reporter_text_inside.h"

#include "driver/finding/memcheck.h"
#include "driver/report/document.h"

/* With fewer samples of each, two statements that never met prove nothing. */
#define LOOKS_LEAST 50

/* Widths of columns. */
#define NAME 16
#define CELL 27
#define RATE 24

void text_pairs(const struct text *text)
{
    size_t i;
    const json_t *pair;
    json_array_foreach (json_object_get(text->report->document, "pairs"), i, pair) {
        long long looks = document_number(pair, "looks"), together = document_number(pair, "together");
        const char *a = document_text(pair, "a"), *b = document_text(pair, "b");
        if (text->report->verbose && looks > 0)
            fprintf(text->out, "  in flight together: %s | %s: %.0f threads in 100 looks (%lld)\n", a, b,
                    100.0 * (double)together / (double)looks, looks);
        else if (together == 0 && document_number(pair, "least") >= LOOKS_LEAST)
            fprintf(text->out, "  never in flight together: %s | %s (%lld looks)\n", a, b, looks);
    }
}

static void print_head(const json_t *memcheck, bool has_new, FILE *out)
{
    fprintf(out, "\n  %-*s", NAME, "left at the end");
    for (size_t i = 0; i < 2; i++) {
        char cell[64];
        const json_t *length = json_array_get(json_object_get(memcheck, "lengths"), i);
        int n = snprintf(cell, sizeof cell, "%lld calls", (long long)document_number(length, "calls"));
        if (has_new)
            snprintf(cell + n, sizeof cell - (size_t)n, ", %lld new",
                     (long long)document_number(length, "new"));
        fprintf(out, "%*s", CELL, cell);
    }
    fprintf(out, "%*s", RATE, "in each call");
    if (has_new)
        fprintf(out, "%*s", RATE, "in each new call");
    fputc('\n', out);
}

static void print_rate(const json_t *rates, const char *kind, FILE *out)
{
    char cell[64];
    const json_t *rate = json_object_get(rates, kind);
    snprintf(cell, sizeof cell, "%.1f B in %.2f", document_real(rate, "bytes"),
             document_real(rate, "blocks"));
    fprintf(out, "%*s", RATE, cell);
}

static void print_kind(const json_t *memcheck, const char *kind, bool has_new, FILE *out)
{
    fprintf(out, "  %-*s", NAME, kind);
    for (size_t i = 0; i < 2; i++) {
        char cell[64];
        const json_t *length = json_array_get(json_object_get(memcheck, "lengths"), i);
        const json_t *sum = json_object_get(json_object_get(length, "left"), kind);
        snprintf(cell, sizeof cell, "%lld B in %lld blocks", (long long)document_number(sum, "bytes"),
                 (long long)document_number(sum, "blocks"));
        fprintf(out, "%*s", CELL, cell);
    }
    print_rate(json_object_get(memcheck, "each_call"), kind, out);
    if (has_new)
        print_rate(json_object_get(memcheck, "each_new_call"), kind, out);
    fputc('\n', out);
}

void text_memcheck(const struct text *text)
{
    const json_t *memcheck = json_object_get(text->report->document, "memcheck");
    bool has_new = document_is_true(memcheck, "has_new");
    if (json_array_size(json_object_get(memcheck, "lengths")) < 2)
        return;
    print_head(memcheck, has_new, text->out);
    for (int kind = 0; kind < MEMCHECK_KINDS; kind++)
        print_kind(memcheck, memcheck_kind_names[kind], has_new, text->out);
}
