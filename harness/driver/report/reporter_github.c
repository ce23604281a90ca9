/* Markdown for a bug report. A run with several findings is an umbrella: a list to check off, then each finding. */
#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "driver/report/document.h"
#include "driver/report/markup.h"
#include "driver/report/reporter_inside.h"
#include "driver/report/sentence.h"

/* Writes the one line of a finding. */
static void write_item(const json_t *finding, FILE *out)
{
    const json_t *runs = json_object_get(finding, "runs");
    const char *id = document_text(finding, "id"), *cause = document_text(finding, "cause");
    cleanup_free char *title = sentence_title(finding), *state = sentence_state(finding);
    fprintf(out, "- [ ] [%s](#%s) ", id, id);
    markup_format(out, "%s", title ? title : "");
    fprintf(out, ", in %lld of %lld children", document_number(runs, "hit"), document_number(runs, "of"));
    if (*cause)
        markup_format(out, "; a consequence of %s", cause);
    else if (state && *state)
        markup_format(out, "; %s", state);
    fputc('\n', out);
}

static void write_index(const json_t *report, FILE *out)
{
    size_t i;
    const json_t *finding;
    markup_format(out, "ftstress: %s\n\n", document_text(report, "name"));
    fprintf(
        out,
        "%zu findings. Repair a cause before its consequences. `ftstress report ID --as github` writes one alone, "
        "with a script.\n\n",
        json_array_size(json_object_get(report, "findings")));
    json_array_foreach (json_object_get(report, "findings"), i, finding)
        write_item(finding, out);
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
    json_array_extend(compared, json_object_get(report, "notes"));
    json_array_foreach (compared, i, sentence)
        markup_format(out, i ? "- %s\n" : "\n- %s\n", json_string_value(sentence));
    github_environment(json_object_get(report, "environment"), out);
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
        if (n > 1)
            fprintf(out, "\n---\n\n<a name=\"%s\"></a>\n\n", document_text(finding, "id"));
        error |= github_finding(report, finding, out);
    }
    return error ? -ENOMEM : 0;
}
