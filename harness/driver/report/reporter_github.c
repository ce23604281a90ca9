/* Markdown for a bug report: summary, rate, reproducer, evidence, controls, environment. Long parts are folded. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/fd.h"
#include "driver/report/document.h"
#include "driver/report/markup.h"
#include "driver/report/reporter_text_inside.h"
#include "driver/report/sentence.h"

static const char *sharing_sentence(const char *level)
{
    static const char *const sentences[][2] = {
        {"private", "The threads share no inputs."},
        {"readonly", "The threads share their inputs and only read them."},
        {"one-writer", "The threads share their inputs, and one of them writes to them."},
        {"all", "All threads write to inputs that they share."},
    };
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
        if (strcmp(level, sentences[i][0]) == 0)
            return sentences[i][1];
    return "";
}

static void write_summary(const json_t *finding, const char *blame, const char *seen, FILE *out)
{
    cleanup_free char *known = sentence_known(finding);
    const char *sharing = sharing_sentence(document_text(finding, "rung")),
               *reason = document_text(finding, "blame_reason"), *behind = document_text(finding, "behind");
    markup_format(out, "### Summary\n\nftstress reports: %s\n\n- **Blame:** %s\n",
                  document_text(finding, "message"), blame);
    if (known && *known)
        markup_format(out, "- **%s**\n", known);
    if (*reason)
        markup_format(out, "- **Because:** %s\n", reason);
    markup_format(out, "- **Rate:** %s\n", seen);
    if (*behind)
        markup_format(out, "- **Seen** only when the statement of %s was left out\n", behind);
    if (!document_is_true(finding, "serial") && *sharing)
        fprintf(out, "- **Sharing:** %s\n", sharing);
}

static void write_reproducer(const json_t *finding, const json_t *environment, FILE *out)
{
    const char *statement = document_text(finding, "statement"), *abi = document_text(environment, "abi");
    if (*statement) {
        fputs("\nThe statement that ran:\n\n", out);
        markup_fence("python", statement, out);
    }
    fputs("\n### Reproducer\n\nSave this plan as `plan.yaml`:\n\n", out);
    markup_fence("yaml", document_text(json_object_get(finding, "plan"), "yaml"), out);
    fputs("\nand run it", out);
    if (*abi)
        markup_format(out, " with a CPython %s that has the packages below", abi);
    fputs("; exit status 1 means that it was seen again:\n\n", out);
    markup_fence("sh", "ftstress run plan.yaml --python PATH_OF_YOUR_VENV", out);
    fputs("\nThe seed fixes the inputs, but the kernel schedules the threads: it may take a few runs.\n",
          out);
    if (*document_text(finding, "id"))
        markup_format(out, "Where it was found, `ftstress reproduce %s` makes them.\n",
                      document_text(finding, "id"));
}

static void write_folded(const char *title, const char *text, FILE *out)
{
    fputs("\n<details><summary>", out);
    markup_text(title, out);
    fputs("</summary>\n\n", out);
    markup_fence("text", text, out);
    fputs("\n</details>\n", out);
}

static int write_stack(const struct report *report, const json_t *stack, const char *title, FILE *out)
{
    cleanup_free char *lines = NULL;
    size_t size;
    FILE *memory = open_memstream(&lines, &size);
    if (!memory)
        return -ENOMEM;
    text_stack(&(struct text){report, &text_plain, memory, ""}, stack, "", SIZE_MAX);
    if (fclose(memory) != 0)
        return -ENOMEM;
    if (*lines)
        write_folded(title, lines, out);
    return 0;
}

static int write_stacks(const struct report *report, const json_t *stacks, FILE *out)
{
    size_t n = json_array_size(stacks);
    int error = 0;
    char idle[80];
    for (size_t i = 0; i < n; i++) {
        cleanup_free char *title = document_stack_title(stacks, i);
        if (!document_stack_is_folded(stacks, i))
            error |= write_stack(report, json_array_get(stacks, i), title ? title : "", out);
    }
    document_idle_stacks(stacks, idle, sizeof idle);
    if (*idle)
        fprintf(out, "\n%s.\n", idle);
    return error;
}

static int write_observed(const struct report *report, const json_t *finding, FILE *out)
{
    const char *evidence = document_text(finding, "evidence");
    const json_t *line;
    size_t i;
    if (json_array_size(json_object_get(finding, "stacks")) + strlen(evidence) == 0)
        return 0;
    fputs("\n### Observed\n", out);
    json_array_foreach (json_object_get(finding, "explanation"), i, line)
        markup_format(out, i ? "- %s\n" : "\n- %s\n", json_is_string(line) ? json_string_value(line) : "");
    int error = write_stacks(report, json_object_get(finding, "stacks"), out);
    if (*evidence)
        write_folded("the end of standard error", evidence, out);
    return error;
}

static void write_environment(const json_t *environment, FILE *out)
{
    const char *key;
    json_t *value;
    if (json_object_size(environment) == 0)
        return;
    fputs("\n### Environment\n\n", out);
    json_object_foreach ((json_t *)environment, key, value)
        if (document_environment_shows(key))
            markup_format(out, "- %s: %s\n", key, document_text(environment, key));
}

static int write_finding(const struct report *report, const json_t *finding, FILE *out)
{
    const json_t *environment = json_object_get(report->document, "environment");
    cleanup_free char *blame = sentence_blame(finding), *seen = sentence_seen(finding),
                      *verification = sentence_verifications(report->document, finding),
                      *title = sentence_title(finding);
    if (!blame || !seen || !verification || !title)
        return -ENOMEM;
    markup_format(out, "## BUG: %s under free threading\n\n", title);
    write_summary(finding, blame, seen, out);
    write_reproducer(finding, environment, out);
    int error = write_observed(report, finding, out);
    if (*verification) {
        fputs("\n### Controls\n\n", out);
        markup_fence("text", verification, out);
    }
    write_environment(environment, out);
    fputs("\n### Signature\n\nTo look for duplicates:\n\n", out);
    markup_fence("text", document_text(finding, "signature"), out);
    return error;
}

static void write_index(const json_t *report, FILE *out)
{
    size_t i;
    const json_t *finding;
    markup_format(out, "ftstress: %s\n\n", document_text(report, "name"));
    fprintf(out, "%zu findings; `ftstress report ID --as github` writes one alone.\n\n",
            json_array_size(json_object_get(report, "findings")));
    fputs("| id | kind | function | children | |\n| --- | --- | --- | --- | --- |\n", out);
    json_array_foreach (json_object_get(report, "findings"), i, finding) {
        const json_t *runs = json_object_get(finding, "runs");
        const char *cause = document_text(finding, "cause");
        markup_format(out, "| %s | %s | %s", document_text(finding, "id"), document_text(finding, "kind"),
                      document_text(finding, "function"));
        fprintf(out, " | %lld of %lld | ", document_number(runs, "hit"), document_number(runs, "of"));
        markup_format(out, *cause ? "a consequence of %s |\n" : "%s |\n", cause);
    }
}

static void write_nothing(const json_t *report, FILE *out)
{
    const char *reason = document_text(report, "reason");
    cleanup_free char *silence = sentence_silence(report);
    markup_format(out, "ftstress: %s\n\n", document_text(report, "name"));
    if (*reason)
        markup_format(out, "Could not test: %s\n", reason);
    else
        markup_format(out, "ftstress reports: %s\n", silence ? silence : "");
    size_t i;
    const json_t *sentence;
    json_auto_t *compared = sentence_list_compared(report);
    json_array_foreach (compared, i, sentence)
        markup_format(out, i ? "- %s\n" : "\n- %s\n", json_string_value(sentence));
    write_environment(json_object_get(report, "environment"), out);
}

int reporter_github(const struct report *report, FILE *out)
{
    const json_t *findings = json_object_get(report->document, "findings"), *finding;
    size_t n = json_array_size(findings), i;
    int error = 0;
    if (n == 0)
        write_nothing(report->document, out);
    if (n > 1)
        write_index(report->document, out);
    json_array_foreach (findings, i, finding) {
        fputs(n > 1 ? "\n---\n\n" : "", out);
        error |= write_finding(report, finding, out);
    }
    return error ? -ENOMEM : 0;
}
