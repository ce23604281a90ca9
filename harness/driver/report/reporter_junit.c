/* JUnit XML that both the Ant and the Jenkins schema accept: one suite, a failed case for each finding. */
#include <errno.h>
#include <libxml/xmlwriter.h>
#include <string.h>

#include "base/fd.h"
#include "driver/report/document.h"
#include "driver/report/reporter_inside.h"
#include "driver/report/sentence.h"

static void start(xmlTextWriter *xml, const char *element)
{
    xmlTextWriterStartElement(xml, BAD_CAST element);
}

static void attribute(xmlTextWriter *xml, const char *name, const char *value)
{
    xmlTextWriterWriteAttribute(xml, BAD_CAST name, BAD_CAST value);
}

/* The schemas reject blank names. */
static bool is_name(const char *text)
{
    return text[strspn(text, " \t\n")];
}

static const char *name_of(const json_t *document)
{
    const char *name = document_text(document, "name");
    return is_name(name) ? name : "ftstress";
}

static double seconds_of(const json_t *document)
{
    double seconds = document_real(document, "seconds");
    return seconds > 0 && seconds < 1e9 ? seconds : 0;
}

static void start_case(xmlTextWriter *xml, const json_t *document, const char *name, double seconds)
{
    start(xml, "testcase");
    attribute(xml, "name", name);
    attribute(xml, "classname", name_of(document));
    xmlTextWriterWriteFormatAttribute(xml, BAD_CAST "time", "%.3f", seconds);
}

/* Writes the finding as the text form prints it. */
static int write_details(xmlTextWriter *xml, const struct report *report, const json_t *finding)
{
    const struct report whole = {.document = report->document, .whole = true};
    cleanup_free char *details = NULL, *verified = sentence_verifications(report->document, finding);
    size_t size;
    FILE *out = verified ? open_memstream(&details, &size) : NULL;
    if (!out)
        return -ENOMEM;
    int error = text_finding(&(struct text){&whole, &text_plain, out, "      "}, finding);
    fprintf(out, "\n%s", verified);
    if (fclose(out) != 0)
        return -ENOMEM;
    xmlTextWriterWriteString(xml, BAD_CAST details);
    return error;
}

/* The time of the children that saw it. */
static double seconds_with(const json_t *document, const json_t *finding)
{
    const char *id = document_text(finding, "id");
    double sum = 0;
    size_t i;
    const json_t *child;
    json_array_foreach (json_object_get(document, "children"), i, child)
        if (*id && strstr(document_text(child, "findings"), id))
            sum += seconds_of(child);
    return sum;
}

/* A known finding is skipped, because it must not fail the page. The name has the id, which comes from the signature: a
 * CI server sees the same test fail in each run. */
static int write_finding(xmlTextWriter *xml, const struct report *report, const json_t *finding)
{
    cleanup_free char *name = NULL, *message = NULL, *state = sentence_state(finding);
    const char *kind = document_text(finding, "kind");
    bool is_known = document_is_known(finding), has_state = state && *state;
    if (asprintf(&message, "%s%s%s", has_state ? state : "", has_state && !is_known ? ": " : "",
                 is_known ? "" : document_text(finding, "message")) < 0 ||
        asprintf(&name, "%s %s %s", document_text(finding, "id"), kind, document_text(finding, "function")) <
            0)
        return -ENOMEM;
    start_case(xml, report->document, name, seconds_with(report->document, finding));
    start(xml, is_known ? "skipped" : "failure");
    if (!is_known)
        attribute(xml, "type", kind);
    attribute(xml, "message", message);
    int error = is_known ? 0 : write_details(xml, report, finding);
    xmlTextWriterEndElement(xml);
    xmlTextWriterEndElement(xml);
    return error;
}

static bool is_verdict(const json_t *document, const char *verdict)
{
    return strcmp(document_text(document, "verdict"), verdict) == 0;
}

/* Writes a run that could not test as skipped, because it must not look passed. */
static void write_verdict(xmlTextWriter *xml, const json_t *document)
{
    const char *reason = document_text(document, "reason");
    bool is_skipped = is_verdict(document, "untested");
    start_case(xml, document, name_of(document), seconds_of(document));
    if (is_skipped || !is_verdict(document, "clean")) {
        start(xml, is_skipped ? "skipped" : "error");
        if (!is_skipped)
            attribute(xml, "type", "verdict");
        attribute(xml, "message",
                  !is_skipped ? "this ftstress does not know the verdict of the report"
                  : *reason   ? reason
                              : "it could not be tested");
        xmlTextWriterEndElement(xml);
    }
    xmlTextWriterFullEndElement(xml);
}

static void write_property(xmlTextWriter *xml, const char *name, const char *value)
{
    if (!is_name(name))
        return;
    start(xml, "property");
    attribute(xml, "name", name);
    attribute(xml, "value", value);
    xmlTextWriterEndElement(xml);
}

static void write_properties(xmlTextWriter *xml, const json_t *document)
{
    const char *key;
    char seed[32];
    json_t *environment = json_object_get(document, "environment"), *value;
    snprintf(seed, sizeof seed, "%lld", document_number(document, "seed"));
    start(xml, "properties");
    write_property(xml, "seed", seed);
    json_object_foreach (environment, key, value)
        if (document_environment_shows(key))
            write_property(xml, key, document_text(environment, key));
    xmlTextWriterEndElement(xml);
}

static size_t count_known(const json_t *findings)
{
    size_t known = 0, i;
    const json_t *finding;
    json_array_foreach (findings, i, finding)
        known += document_is_known(finding);
    return known;
}

static void start_suite(xmlTextWriter *xml, const json_t *document)
{
    const char *date = document_text(document, "date");
    const json_t *findings = json_object_get(document, "findings");
    size_t n = json_array_size(findings), known = count_known(findings);
    bool is_skipped = n == 0 && is_verdict(document, "untested");
    bool is_error = n == 0 && !is_skipped && !is_verdict(document, "clean");
    start(xml, "testsuites");
    start(xml, "testsuite");
    attribute(xml, "name", name_of(document));
    attribute(xml, "package", "ftstress");
    attribute(xml, "id", "0");
    attribute(xml, "hostname", "localhost");
    attribute(xml, "timestamp", strlen(date) == 19 ? date : "1970-01-01T00:00:00");
    xmlTextWriterWriteFormatAttribute(xml, BAD_CAST "tests", "%zu", n ? n : 1);
    xmlTextWriterWriteFormatAttribute(xml, BAD_CAST "failures", "%zu", n - known);
    attribute(xml, "errors", is_error ? "1" : "0");
    xmlTextWriterWriteFormatAttribute(xml, BAD_CAST "skipped", "%zu", known + is_skipped);
    xmlTextWriterWriteFormatAttribute(xml, BAD_CAST "time", "%.3f", seconds_of(document));
}

static void write_notes(xmlTextWriter *xml, const json_t *document)
{
    size_t i;
    const json_t *note, *notes = json_object_get(document, "notes");
    cleanup_free char *silence = sentence_silence(document);
    json_auto_t *compared = sentence_list_compared(document);
    start(xml, "system-out");
    if (is_verdict(document, "clean") && json_array_size(json_object_get(document, "findings")) == 0)
        xmlTextWriterWriteFormatString(xml, "%s\n", silence ? silence : "");
    json_array_foreach (compared, i, note)
        xmlTextWriterWriteFormatString(xml, "%s\n", json_string_value(note));
    json_array_foreach (notes, i, note)
        xmlTextWriterWriteFormatString(xml, "%s\n", json_is_string(note) ? json_string_value(note) : "");
    xmlTextWriterFullEndElement(xml);
    start(xml, "system-err");
    xmlTextWriterFullEndElement(xml);
}

int reporter_junit(const struct report *report, FILE *out)
{
    const json_t *document = report->document, *finding;
    const json_t *findings = json_object_get(document, "findings");
    xmlTextWriter *xml = xmlNewTextWriter(xmlOutputBufferCreateFile(out, NULL));
    size_t i;
    int error = 0;
    if (!xml)
        return -ENOMEM;
    xmlTextWriterSetIndent(xml, 1);
    xmlTextWriterStartDocument(xml, NULL, "UTF-8", NULL);
    start_suite(xml, document);
    write_properties(xml, document);
    json_array_foreach (findings, i, finding)
        error |= write_finding(xml, report, finding);
    if (json_array_size(findings) == 0)
        write_verdict(xml, document);
    write_notes(xml, document);
    error |= xmlTextWriterEndDocument(xml) < 0;
    xmlFreeTextWriter(xml);
    return error ? -ENOMEM : 0;
}
