/* One finding as Markdown for a bug report: summary, rate, reproducer, evidence, controls, environment. Long parts are
 * folded. `report FINDING` adds what only a run in the finding's interpreter can make: its script, the runtime, and the
 * versions that were tried. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "driver/report/document.h"
#include "driver/report/markup.h"
#include "driver/report/reporter_inside.h"
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
    cleanup_free char *state = sentence_state(finding);
    const char *sharing = sharing_sentence(document_text(finding, "rung")),
               *reason = document_text(finding, "blame_reason"), *behind = document_text(finding, "behind");
    markup_format(out, "### Summary\n\nftstress reports: %s\n\n- **Blame:** %s\n",
                  document_text(finding, "message"), blame);
    if (state && *state)
        markup_format(out, "- **%s**\n", state);
    if (*reason)
        markup_format(out, "- **Because:** %s\n", reason);
    markup_format(out, "- **Rate:** %s\n", seen);
    if (*behind)
        markup_format(out, "- **Seen** only when the statement of %s was left out\n", behind);
    if (!document_is_true(finding, "serial") && *sharing)
        fprintf(out, "- **Sharing:** %s\n", sharing);
}

static void write_folded(const char *title, const char *language, const char *text, FILE *out)
{
    fputs("\n<details><summary>", out);
    markup_text(title, out);
    fputs("</summary>\n\n", out);
    markup_fence(language, text, out);
    fputs("\n</details>\n", out);
}

static void write_plan(const json_t *finding, const json_t *environment, FILE *out)
{
    const char *abi = document_text(environment, "abi");
    fputs("Save this plan as `plan.yaml`:\n\n", out);
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

/* Writes the script with its own rate. */
static void write_script(const json_t *script, FILE *out)
{
    const char *text = document_text(script, "text"), *why = document_text(script, "why");
    if (*why)
        markup_format(out, "There is no script: %s.\n\n", why);
    if (!*text)
        return;
    fprintf(
        out,
        "Save this as `bug.py` and run `PYTHON_GIL=0 python bug.py` with the packages below. It failed in %lld of "
        "%lld runs here. Exit status 1, or an end by a signal: it fails.\n\n",
        document_number(script, "hit"), document_number(script, "of"));
    if (document_is_true(script, "rare"))
        fputs("That is less than half as often as the plan for ftstress, which is below, too.\n\n", out);
    markup_fence("python", text, out);
    fputc('\n', out);
}

static void write_reproducer(const json_t *finding, const json_t *environment, FILE *out)
{
    const char *statement = document_text(finding, "statement");
    const json_t *script = json_object_get(finding, "script");
    bool is_folded = *document_text(script, "text");
    if (*statement) {
        fputs("\nThe statement that ran:\n\n", out);
        markup_fence("python", statement, out);
    }
    fputs("\n### Reproducer\n\n", out);
    write_script(script, out);
    fputs(is_folded ? "<details><summary>the plan for ftstress</summary>\n\n" : "", out);
    write_plan(finding, environment, out);
    fputs(is_folded ? "\n</details>\n" : "", out);
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
        write_folded(title, "text", lines, out);
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
        write_folded("the end of standard error", "text", evidence, out);
    return error;
}

static void write_rates(const json_t *verification, FILE *out)
{
    json_auto_t *rates = sentence_rates(verification);
    size_t i;
    const json_t *rate;
    fputs("\n| variant | failed |\n| --- | --- |\n", out);
    json_array_foreach (rates, i, rate) {
        const json_t *trials = json_object_get(rate, "trials");
        if (document_number(trials, "of") <= 0)
            continue;
        markup_format(out, "| %s |", document_text(rate, "name"));
        fprintf(out, " %lld of %lld |\n", document_number(trials, "hit"), document_number(trials, "of"));
    }
}

/* Writes the trials of the finding: its rate, a table of the variants, and what follows from them. */
static int write_controls(const json_t *report, const json_t *finding, FILE *out)
{
    json_auto_t *own = sentence_list_own(report, finding);
    bool begun = false;
    size_t i;
    const json_t *one;
    json_array_foreach (own, i, one) {
        const char *rule = document_text(one, "rule"), *sentence = document_text(one, "sentence");
        cleanup_free char *again = sentence_again(one);
        if (!again)
            return -ENOMEM;
        if (document_number(json_object_get(one, "again"), "of") <= 0)
            continue;
        fputs(begun ? "\n" : "\n### Controls\n\n", out);
        begun = true;
        again[strcspn(again, "\n")] = '\0';
        markup_format(out, "%s\n", again);
        write_rates(one, out);
        if (*rule)
            markup_format(out, "\n%s: %s\n", document_text(one, "rung"), rule);
        if (*sentence)
            markup_format(out, "\n%s\n", sentence);
    }
    return 0;
}

static void write_versions(const json_t *versions, FILE *out)
{
    size_t i;
    const json_t *one;
    if (json_array_size(versions) == 0)
        return;
    fputs("\n### Versions tried\n\n| version | result |\n| --- | --- |\n", out);
    json_array_foreach (versions, i, one) {
        markup_format(out, "| %s %s", document_text(one, "package"), document_text(one, "version"));
        markup_format(out, " | %s |\n", document_text(one, "says"));
    }
}

void github_environment(const json_t *environment, FILE *out)
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

static void add_words(json_t *words, const char *text)
{
    size_t i;
    const json_t *one;
    json_array_foreach (words, i, one)
        if (strcmp(json_string_value(one), text) == 0)
            return;
    if (*text)
        json_array_append_new(words, json_string(text));
}

/* Adds the innermost function of the guilty package in each of the first two stacks, as a pair, and its files. */
static void add_pair(json_t *words, const json_t *finding)
{
    const json_t *stacks = json_object_get(finding, "stacks");
    char pair[256] = "";
    json_auto_t *files = json_array();
    for (size_t i = 0; i < json_array_size(stacks) && i < 2; i++) {
        const json_t *frame = document_package_frame(json_array_get(stacks, i));
        const char *function = document_text(frame, "function");
        if (*function && !strstr(pair, function))
            text_add(pair, sizeof pair, " ", "%s", function);
        add_words(files, path_base(document_text(frame, "file")));
    }
    add_words(words, pair);
    size_t i;
    const json_t *file;
    json_array_foreach (files, i, file)
        add_words(words, json_string_value(file));
}

/* Writes what to search a tracker for: functions first, then files, then the kind. */
static void write_search(const json_t *finding, FILE *out)
{
    const char *function = document_text(finding, "function"),
               *signature = document_text(finding, "signature");
    cleanup_free char *statement = document_line(document_text(finding, "statement")), *kind = NULL,
                      *lines = NULL;
    json_auto_t *words = json_array();
    size_t i;
    const json_t *one;
    add_words(words, function);
    add_pair(words, finding);
    add_words(words, *function || !statement ? "" : statement);
    if (asprintf(&kind, "%s free-threading", document_text(finding, "kind")) >= 0)
        add_words(words, kind);
    fputs("\n### Signature\n\nTo look for duplicates, search the tracker for:\n\n", out);
    json_array_foreach (words, i, one)
        text_join(&lines, "\n", json_string_value(one));
    markup_fence("text", lines ? lines : "", out);
    fputs("\nThe signature of ftstress:\n\n", out);
    markup_fence("text", signature, out);
}

int github_finding(const struct report *report, const json_t *finding, FILE *out)
{
    const json_t *environment = json_object_get(report->document, "environment");
    const char *runtime = document_text(finding, "runtime");
    cleanup_free char *blame = sentence_blame(finding), *seen = sentence_seen(finding),
                      *title = sentence_title(finding);
    if (!blame || !seen || !title)
        return -ENOMEM;
    markup_format(out, "## BUG: %s under free threading\n\n", title);
    write_summary(finding, blame, seen, out);
    write_reproducer(finding, environment, out);
    int error = write_observed(report, finding, out) | write_controls(report->document, finding, out);
    write_versions(json_object_get(finding, "versions"), out);
    github_environment(environment, out);
    if (*runtime)
        write_folded("the runtime", "text", runtime, out);
    write_search(finding, out);
    return error ? -ENOMEM : 0;
}
