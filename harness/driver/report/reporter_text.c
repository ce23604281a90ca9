/* A kept report for the terminal, as `ftstress run` told it. */
#include "driver/report/reporter.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/fd.h"
#include "driver/report/kept.h"
#include "driver/report/markup.h"

#define FRAMES_SHOWN 14

/* What is printed of each finding. */
struct extent {
    size_t frames;
    bool whole;
};

static void print_stack(const json_t *stack, const char *title, size_t most, FILE *out)
{
    size_t frames = kept_frames(stack), i;
    const json_t *frame;
    fprintf(out, "    %s:\n", title);
    json_array_foreach (json_object_get(stack, "frames"), i, frame) {
        char place[256], source[256];
        if (i == most || i == frames)
            break;
        kept_say_place(frame, place, sizeof place);
        kept_say_source(frame, source, sizeof source);
        fprintf(out, "      #%-2zu %s  %s  %s%s\n", i, kept_function(frame), place, source,
                json_is_true(json_object_get(frame, "inline")) ? " (inline)" : "");
    }
    if (frames > most)
        fprintf(out, "      … %zu more\n", frames - most);
    kept_stack_write_python(stack, "      ", out);
}

/* Of threads that tell the same, one; all of them where everything is asked for. */
static void print_stacks(const json_t *stacks, const struct extent *extent, FILE *out)
{
    size_t n = json_array_size(stacks);
    for (size_t i = 0; i < n; i++) {
        const json_t *stack = json_array_get(stacks, i);
        cleanup_free char *title = extent->whole ? NULL : kept_stack_title(stacks, i);
        if (extent->whole || !kept_stack_is_folded(stacks, i))
            print_stack(stack, title ? title : kept_text(stack, "title"), extent->frames, out);
    }
    char idle[80];
    kept_stack_say_idle(stacks, idle, sizeof idle);
    if (*idle && !extent->whole)
        fprintf(out, "    %s\n", idle);
}

/* Each line of a text, after the same words. */
static void print_lines(const char *before, const char *text, FILE *out)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        fprintf(out, "%s%.*s\n", before, (int)length, text);
        text += length + (text[length] == '\n');
    }
}

static void print_rest(const json_t *finding, FILE *out)
{
    const char *evidence = kept_text(finding, "evidence");
    fprintf(out, "    severity %s, detector %s, signature %s\n", kept_text(finding, "severity"),
            kept_text(finding, "detector"), kept_text(finding, "signature"));
    fputs("    plan:\n", out);
    print_lines("      ", kept_text(json_object_get(finding, "plan"), "yaml"), out);
    if (*evidence)
        fputs("    standard error:\n", out);
    print_lines("      ", evidence, out);
}

static int print_finding(const json_t *finding, const struct extent *extent, FILE *out)
{
    cleanup_free char *blame = kept_say_blame(finding), *seen = kept_say_seen(finding);
    size_t i;
    const json_t *line;
    if (!blame || !seen)
        return -ENOMEM;
    fprintf(out, "\n%s  %s  %s\n    blame: %s\n    %s\n", kept_text(finding, "id"),
            kept_text(finding, "kind"), kept_text(finding, "message"), blame, seen);
    if (*kept_text(finding, "statement"))
        fprintf(out, "    in: %s\n", kept_text(finding, "statement"));
    json_array_foreach (json_object_get(finding, "explanation"), i, line)
        if (json_is_string(line))
            fprintf(out, "    %s\n", json_string_value(line));
    print_stacks(json_object_get(finding, "stacks"), extent, out);
    if (extent->whole)
        print_rest(finding, out);
    return 0;
}

static void print_environment(const json_t *environment, FILE *out)
{
    const char *python = kept_text(environment, "python"), *key;
    json_t *value;
    if (!*python)
        return;
    fprintf(out, "  CPython %.*s, GIL %s", (int)strcspn(python, " "), python, kept_text(environment, "gil"));
    json_object_foreach ((json_t *)environment, key, value)
        if (kept_environment_shows(key) && strcmp(key, "python") != 0 && strcmp(key, "gil") != 0)
            fprintf(out, ", %s %s", key, kept_text(environment, key));
    fputc('\n', out);
}

static void print_head(const json_t *report, FILE *out)
{
    fprintf(out, "%s: %lld threads", kept_text(report, "name"), (long long)kept_number(report, "threads"));
    if (json_object_get(report, "seed"))
        fprintf(out, ", seed %lld", (long long)kept_number(report, "seed"));
    fputc('\n', out);
    print_environment(json_object_get(report, "environment"), out);
    if (kept_number(report, "calls") + kept_number(report, "serial_calls") > 0)
        fprintf(out, "  %lld calls in %.1f s, and %lld serial ones; overlap %.0f %%\n",
                (long long)kept_number(report, "calls"), kept_real(report, "seconds"),
                (long long)kept_number(report, "serial_calls"), 100 * kept_real(report, "overlap"));
}

static void print_silence(const json_t *report, FILE *out)
{
    double below = kept_real(report, "rate_below");
    fputs("  nothing found", out);
    if (below > 0)
        fprintf(out, ": 0 in %lld calls, overlap %.0f %%, the rate is below %.2g %% at 95 %% confidence",
                (long long)(kept_number(report, "calls") + kept_number(report, "serial_calls")),
                100 * kept_real(report, "overlap"), 100 * below);
    fputc('\n', out);
}

static void print_tail(const json_t *report, FILE *out)
{
    const json_t *notes = json_object_get(report, "notes"), *note;
    size_t i;
    json_array_foreach (notes, i, note)
        if (json_is_string(note))
            fprintf(out, "%s  note: %s\n", i ? "" : "\n", json_string_value(note));
    if (*kept_text(report, "reason"))
        fprintf(out, "  could not test: %s\n", kept_text(report, "reason"));
    if (strcmp(kept_text(report, "verdict"), "clean") == 0)
        print_silence(report, out);
}

static int print_report(const json_t *report, const struct extent *extent, FILE *out)
{
    cleanup_free char *verification = kept_say_verification(report);
    size_t i;
    const json_t *finding;
    int error = verification ? 0 : -ENOMEM;
    print_head(report, out);
    json_array_foreach (json_object_get(report, "findings"), i, finding)
        error |= print_finding(finding, extent, out);
    if (verification && *verification)
        fputc('\n', out);
    print_lines("  ", verification ? verification : "", out);
    print_tail(report, out);
    return error ? -ENOMEM : 0;
}

/* A report may come from anywhere: its texts must not steer the terminal. */
static int print_plain(const json_t *report, const struct extent *extent, FILE *out)
{
    cleanup_free char *text = NULL;
    size_t size;
    FILE *plain = open_memstream(&text, &size);
    if (!plain)
        return -ENOMEM;
    int error = print_report(report, extent, plain);
    if (fclose(plain) != 0)
        return -ENOMEM;
    markup_plain(text, out);
    return error;
}

int reporter_text(const json_t *report, FILE *out)
{
    return print_plain(report, &(struct extent){.frames = FRAMES_SHOWN}, out);
}

int reporter_text_whole(const json_t *report, FILE *out)
{
    return print_plain(report, &(struct extent){.frames = SIZE_MAX, .whole = true}, out);
}
