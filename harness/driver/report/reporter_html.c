/* One page for people: report.html with the document inlined, and the text form for readers without scripts. */
#include "driver/report/reporter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/embed.h"
#include "base/fd.h"
#include "driver/report/document.h"
#include "driver/report/markup.h"
#include "driver/report/sentence.h"

EMBED(report_page, FTSTRESS_REPORT_PAGE);

static void set_text(json_t *json, const char *key, char *text)
{
    json_object_set_new(json, key, text ? json_string(text) : NULL);
    free(text);
}

/* Adds the sentences and the choice of stacks and frames that all forms share. */
static void add_stacks(json_t *finding)
{
    json_t *stacks = json_object_get(finding, "stacks"), *stack;
    char idle[80];
    size_t i;
    json_array_foreach (stacks, i, stack) {
        set_text(stack, "heading", document_stack_title(stacks, i));
        json_object_set_new(stack, "folded", json_boolean(document_stack_is_folded(stacks, i)));
        json_object_set_new(stack, "shown", json_integer((json_int_t)document_frames(stack)));
    }
    document_idle_stacks(stacks, idle, sizeof idle);
    json_object_set_new(finding, "says_idle", json_string(idle));
}

static void add_findings(json_t *document)
{
    json_t *finding;
    size_t i;
    json_array_foreach (json_object_get(document, "findings"), i, finding) {
        set_text(finding, "says_blame", sentence_blame(finding));
        set_text(finding, "says_seen", sentence_seen(finding));
        set_text(finding, "says_state", sentence_state(finding));
        add_stacks(finding);
    }
}

static void hide_environment(json_t *environment)
{
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(environment, next, key, value) if (!document_environment_shows(key))
        json_object_del(environment, key);
}

static void add_verifications(json_t *document)
{
    json_t *all = sentence_list_verifications(document), *one;
    size_t i;
    json_array_foreach (all, i, one)
        json_object_set_new(one, "rates", sentence_rates(one));
    json_object_set_new(document, "verifications", all);
}

/* Escapes "<", so that "</script>" in a text does not end the element. Adds the seed as text, because JavaScript
 * rounds integers above 2^53. */
static void write_document(const json_t *report, FILE *out)
{
    char seed[24];
    json_auto_t *document = json_deep_copy(report);
    add_findings(document);
    add_verifications(document);
    json_object_set_new(document, "says_compared", sentence_list_compared(document));
    set_text(document, "says_silence", sentence_silence(document));
    set_text(document, "says_excused", sentence_excused(document));
    snprintf(seed, sizeof seed, "%lld", document_number(document, "seed"));
    json_object_set_new(document, "says_seed", json_string(seed));
    set_text(document, "says_share", sentence_share(document));
    hide_environment(json_object_get(document, "environment"));
    char *text = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(6));
    for (const char *c = text; c && *c; c++)
        if (*c == '<')
            fputs("\\u003c", out);
        else
            fputc(*c, out);
    free(text);
}

static void write_cell(const char *open, const char *text, const char *close, FILE *out)
{
    fputs(open, out);
    markup_text(text, out);
    fputs(close, out);
}

static void write_findings(const json_t *document, FILE *out)
{
    json_t *finding;
    size_t i;
    json_array_foreach (json_object_get(document, "findings"), i, finding) {
        cleanup_free char *blame = sentence_blame(finding);
        write_cell("<tr><td>", document_text(finding, "id"), "</td>", out);
        write_cell("<td>", document_text(finding, "kind"), "</td>", out);
        write_cell("<td>", document_text(finding, "message"), "</td>", out);
        write_cell("<td>", blame ? blame : "", "</td>", out);
        write_cell("<td><pre>", document_text(json_object_get(finding, "plan"), "yaml"), "</pre></td></tr>\n",
                   out);
    }
}

static int write_text(const struct report *report, FILE *out)
{
    cleanup_free char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    if (!memory)
        return -ENOMEM;
    int error = reporter_text(&(struct report){.document = report->document, .whole = true}, memory);
    if (fclose(memory) != 0)
        return -ENOMEM;
    markup_text(text, out);
    return error;
}

static int write_part(const char *name, const struct report *report, FILE *out)
{
    if (strncmp(name, "name}}", 6) == 0)
        markup_text(document_text(report->document, "name"), out);
    else if (strncmp(name, "findings}}", 10) == 0)
        write_findings(report->document, out);
    else if (strncmp(name, "document}}", 10) == 0)
        write_document(report->document, out);
    else
        return write_text(report, out);
    return 0;
}

int reporter_html(const struct report *report, FILE *out)
{
    int error = 0;
    const char *page = report_page, *part;
    while ((part = strstr(page, "{{"))) {
        fprintf(out, "%.*s", (int)(part - page), page);
        error |= write_part(part + 2, report, out);
        page = strstr(part, "}}") + 2;
    }
    fputs(page, out);
    return error;
}
