#include "driver/report/report_memcheck.h"

#include <inttypes.h>

/* Widths of columns. */
#define NAME 16
#define CELL 27
#define RATE 24

static struct memcheck_sum sum_of(const struct memcheck_length *length, enum memcheck_kind kind)
{
    struct memcheck_sum sum = {0};
    for (int arm = 0; arm < MEMCHECK_ARMS; arm++) {
        sum.bytes += length->sums[arm][kind].bytes;
        sum.blocks += length->sums[arm][kind].blocks;
    }
    return sum;
}

static void print_calls(const struct memcheck *memcheck, unsigned i, FILE *out)
{
    char text[64];
    const struct memcheck_length *length = &memcheck->lengths[i];
    int n = snprintf(text, sizeof text, "%" PRIu64 " calls", length->calls[MEMCHECK_CALLS]);
    if (memcheck->has_new)
        snprintf(text + n, sizeof text - (size_t)n, ", %" PRIu64 " new", length->calls[MEMCHECK_NEW]);
    fprintf(out, "%*s", CELL, text);
}

static void print_rate(struct memcheck_rate rate, FILE *out)
{
    char text[64];
    snprintf(text, sizeof text, "%.1f B in %.2f", rate.bytes, rate.blocks);
    fprintf(out, "%*s", RATE, text);
}

static void print_head(const struct memcheck *memcheck, FILE *out)
{
    fprintf(out, "\n  %-*s", NAME, "left at the end");
    for (unsigned i = 0; i < 2; i++)
        print_calls(memcheck, i, out);
    fprintf(out, "%*s", RATE, "in each call");
    if (memcheck->has_new)
        fprintf(out, "%*s", RATE, "in each new call");
    fputc('\n', out);
}

static void print_kind(const struct memcheck *memcheck, enum memcheck_kind kind, FILE *out)
{
    char text[64];
    fprintf(out, "  %-*s", NAME, memcheck_kind_names[kind]);
    for (unsigned i = 0; i < 2; i++) {
        struct memcheck_sum sum = sum_of(&memcheck->lengths[i], kind);
        snprintf(text, sizeof text, "%" PRId64 " B in %" PRId64 " blocks", sum.bytes, sum.blocks);
        fprintf(out, "%*s", CELL, text);
    }
    print_rate(memcheck_rate(memcheck, MEMCHECK_CALLS, kind), out);
    if (memcheck->has_new)
        print_rate(memcheck_rate(memcheck, MEMCHECK_NEW, kind), out);
    fputc('\n', out);
}

void report_print_memcheck(const struct memcheck *memcheck, FILE *out)
{
    if (memcheck->n < 2)
        return;
    print_head(memcheck, out);
    for (int kind = 0; kind < MEMCHECK_KINDS; kind++)
        print_kind(memcheck, (enum memcheck_kind)kind, out);
}

static json_t *kinds_of(const struct memcheck_length *length)
{
    json_t *json = json_object();
    for (int kind = 0; kind < MEMCHECK_KINDS; kind++) {
        struct memcheck_sum sum = sum_of(length, (enum memcheck_kind)kind);
        json_object_set_new(
            json, memcheck_kind_names[kind],
            json_pack("{s:I, s:I}", "bytes", (json_int_t)sum.bytes, "blocks", (json_int_t)sum.blocks));
    }
    return json;
}

static json_t *rates_of(const struct memcheck *memcheck, enum memcheck_arm arm)
{
    json_t *json = json_object();
    for (int kind = 0; kind < MEMCHECK_KINDS; kind++) {
        struct memcheck_rate rate = memcheck_rate(memcheck, arm, (enum memcheck_kind)kind);
        json_object_set_new(json, memcheck_kind_names[kind],
                            json_pack("{s:f, s:f}", "bytes", rate.bytes, "blocks", rate.blocks));
    }
    return json;
}

json_t *report_json_memcheck(const struct memcheck *memcheck)
{
    if (!memcheck->on)
        return json_null();
    json_t *lengths = json_array();
    for (unsigned i = 0; i < memcheck->n; i++) {
        const struct memcheck_length *length = &memcheck->lengths[i];
        json_array_append_new(
            lengths, json_pack("{s:I, s:I, s:o}", "calls", (json_int_t)length->calls[MEMCHECK_CALLS], "new",
                               (json_int_t)length->calls[MEMCHECK_NEW], "left", kinds_of(length)));
    }
    return json_pack("{s:o, s:o, s:o, s:f}", "lengths", lengths, "each_call",
                     rates_of(memcheck, MEMCHECK_CALLS), "each_new_call", rates_of(memcheck, MEMCHECK_NEW),
                     "code_bytes_each_new_call", memcheck_code(memcheck));
}
