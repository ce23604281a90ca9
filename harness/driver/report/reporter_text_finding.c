/* One finding in the text form. */
#include "driver/report/reporter_inside.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/fd.h"
#include "driver/report/document.h"
#include "driver/report/sentence.h"

#define FRAMES_SHOWN 14
#define FRAMES_OF_CONSEQUENCE 8
#define STACKS_SHOWN 10
#define OTHERS_SHOWN 30
#define WHOLE_STACKS 2 /* with FRAMES_SHOWN frames; the others are shorter */

const struct text_style text_plain = {"", "", "", ""};

void text_lines(const char *before, const char *lines, FILE *out)
{
    while (*lines) {
        size_t length = strcspn(lines, "\n");
        fprintf(out, "%s%.*s\n", length ? before : "", (int)length, lines);
        lines += length + (lines[length] == '\n');
    }
}

static void print_frame(const struct text *text, const json_t *frame, size_t number)
{
    cleanup_free char *place = document_place(frame), *source = document_source(frame);
    const struct text_style *style = text->style;
    fprintf(text->out, "%s#%-2zu %s%s%s", text->before, number, style->strong, document_function(frame),
            style->off);
    if (place && *place)
        fprintf(text->out, "  %s%s%s", style->dim, place, style->off);
    if (source && *source)
        fprintf(text->out, "  %s%s%s", style->dim, source, style->off);
    fprintf(text->out, "%s\n", document_is_true(frame, "inline") ? " (inline)" : "");
}

/* Counts the frames from the i-th on that are one function calling itself at one line. */
static size_t count_calls(const json_t *python, size_t i)
{
    const json_t *first = json_array_get(python, i);
    size_t n = 1;
    while (*document_text(first, "file") && i + n < json_array_size(python) &&
           json_equal(first, json_array_get(python, i + n)))
        n++;
    return n;
}

/* Omits the statement of the finding, which stands above the stacks; a frame may have a part of it. */
static void print_python(const struct text *text, const json_t *stack, const char *statement)
{
    const json_t *python = json_object_get(stack, "python");
    long long more = document_number(stack, "more_python");
    for (size_t i = 0, calls; i < json_array_size(python); i += calls) {
        const json_t *frame = json_array_get(python, i);
        cleanup_free char *source = document_source(frame), *name = document_line(document_function(frame));
        const char *function = document_text(frame, "function");
        bool is_file = source && *source;
        calls = count_calls(python, i);
        if (!is_file && *function && strncmp(statement, function, strlen(function)) == 0)
            continue;
        fprintf(text->out, "%s%s  %s%s%s", text->before, is_file ? "py" : "in", name ? name : "",
                is_file ? "  " : "", is_file ? source : "");
        if (calls > 1)
            fprintf(text->out, "  (%zu times)", calls);
        fputc('\n', text->out);
    }
    if (more > 0)
        fprintf(text->out, "%s… and %lld more frames of Python\n", text->before, more);
}

void text_stack(const struct text *text, const json_t *stack, const char *statement, size_t most)
{
    size_t frames = document_frames(stack), i;
    const json_t *frame;
    json_array_foreach (json_object_get(stack, "frames"), i, frame)
        if (i < most && i < frames)
            print_frame(text, frame, i);
    if (frames > most)
        fprintf(text->out, "%s… %zu more\n", text->before, frames - most);
    if (frames == 0 && json_object_get(stack, "tid") &&
        json_array_size(json_object_get(stack, "python")) == 0)
        fprintf(text->out, "%s(in ftstress itself, between two calls)\n", text->before);
    print_python(text, stack, statement);
}

static void print_stack(const struct text *text, const json_t *finding, size_t at, size_t most)
{
    const json_t *stacks = json_object_get(finding, "stacks"), *stack = json_array_get(stacks, at);
    cleanup_free char *title = text->report->whole ? NULL : document_stack_title(stacks, at);
    fprintf(text->out, "    %s:\n", title ? title : document_text(stack, "title"));
    text_stack(text, stack, document_text(finding, "statement"), most);
}

/* Prints the first stack of a consequence; else each different stack once, without those of idle threads. */
static void print_some_stacks(const struct text *text, const json_t *finding)
{
    const json_t *stacks = json_object_get(finding, "stacks");
    bool is_consequence = *document_text(finding, "cause");
    size_t shown = 0, left = 0, n = json_array_size(stacks);
    char idle[80];
    for (size_t i = 0; i < n && !(is_consequence && i > 0); i++) {
        size_t most = is_consequence || shown >= WHOLE_STACKS ? FRAMES_OF_CONSEQUENCE : FRAMES_SHOWN;
        if (document_stack_is_folded(stacks, i))
            continue;
        if (shown++ < STACKS_SHOWN)
            print_stack(text, finding, i, most);
        else
            left++;
    }
    document_idle_stacks(stacks, idle, sizeof idle);
    if (left > 0)
        fprintf(text->out, "    … %zu more stacks, all in the JSON report\n", left);
    if (*idle && !is_consequence)
        fprintf(text->out, "    %s\n", idle);
}

static void print_rest(const struct text *text, const json_t *finding)
{
    const char *evidence = document_text(finding, "evidence");
    fprintf(text->out, "    severity %s, detector %s, signature %s\n    plan:\n",
            document_text(finding, "severity"), document_text(finding, "detector"),
            document_text(finding, "signature"));
    text_lines("      ", document_text(json_object_get(finding, "plan"), "yaml"), text->out);
    if (*evidence)
        fputs("    standard error:\n", text->out);
    text_lines("      ", evidence, text->out);
}

/* Lists the other statements that show it. */
static void print_others(const struct text *text, const json_t *finding)
{
    size_t i;
    const json_t *others = json_object_get(finding, "also_in"), *statement;
    json_array_foreach (others, i, statement)
        if (i < OTHERS_SHOWN || text->report->whole)
            fprintf(text->out, "    and in: %s\n", json_string_value(statement));
    if (json_array_size(others) > OTHERS_SHOWN && !text->report->whole)
        fprintf(text->out, "    … and in %zu others, see the JSON report\n",
                json_array_size(others) - OTHERS_SHOWN);
}

static void print_evidence(const struct text *text, const json_t *finding)
{
    const char *statement = document_text(finding, "statement");
    size_t i;
    const json_t *line;
    if (strchr(statement, '\n')) {
        fputs("    in:\n", text->out);
        text_lines("      ", statement, text->out);
    } else if (*statement) {
        fprintf(text->out, "    in: %s\n", statement);
    }
    print_others(text, finding);
    json_array_foreach (json_object_get(finding, "explanation"), i, line)
        if (json_is_string(line))
            fprintf(text->out, "    %s\n", json_string_value(line));
}

int text_finding(const struct text *text, const json_t *finding)
{
    cleanup_free char *blame = sentence_blame(finding), *seen = sentence_seen(finding),
                      *state = sentence_state(finding);
    const char *reason = document_text(finding, "blame_reason"), *behind = document_text(finding, "behind");
    const struct text_style *style = text->style;
    bool whole = text->report->whole;
    if (!blame || !seen || !state)
        return -ENOMEM;
    fprintf(text->out, "\n%s%s  %s%s  %s%s%s\n    blame: %s\n", style->bad, document_text(finding, "id"),
            document_text(finding, "kind"), style->off, style->strong, document_text(finding, "message"),
            style->off, blame);
    if (*state)
        fprintf(text->out, "    %s\n", state);
    if (*reason)
        fprintf(text->out, "    because: %s\n", reason);
    fprintf(text->out, "    %s\n", seen);
    if (*behind)
        fprintf(text->out, "    seen only when the statement of %s was left out\n", behind);
    if (whole || !*document_text(finding, "cause"))
        print_evidence(text, finding);
    if (whole)
        for (size_t i = 0; i < json_array_size(json_object_get(finding, "stacks")); i++)
            print_stack(text, finding, i, SIZE_MAX);
    else
        print_some_stacks(text, finding);
    if (whole)
        print_rest(text, finding);
    if (*document_text(finding, "reproduce"))
        fprintf(text->out, "    run it again: %s\n", document_text(finding, "reproduce"));
    return 0;
}
