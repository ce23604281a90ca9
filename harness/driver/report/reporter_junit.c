/* JUnit XML that both the Ant and the Jenkins schema take: one suite, a failed case for each finding. */
#include "driver/report/reporter.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/fd.h"
#include "driver/report/kept.h"
#include "driver/report/markup.h"

static void put_attribute(const char *name, const char *value, FILE *out)
{
    fprintf(out, " %s=\"", name);
    markup_attribute(value, out);
    fputc('"', out);
}

/* Is anything left of it when blanks and controls are gone? The schemas want names that are something. */
static bool is_name(const char *text)
{
    while (*text && (*text == 0x7f || (*text > 0 && *text <= ' ')))
        text++;
    return *text;
}

static const char *name_of(const json_t *report)
{
    const char *name = kept_text(report, "name");
    return is_name(name) ? name : "ftstress";
}

static double seconds_of(const json_t *report)
{
    double seconds = kept_real(report, "seconds");
    return seconds > 0 && seconds < 1e9 ? seconds : 0;
}

static void open_case(const json_t *report, const char *name, double seconds, FILE *out)
{
    fputs("    <testcase", out);
    put_attribute("name", name, out);
    put_attribute("classname", name_of(report), out);
    fprintf(out, " time=\"%.3f\">", seconds);
}

static int write_details(const json_t *report, const json_t *finding, FILE *out)
{
    char *text = NULL;
    size_t size, i;
    const json_t *stack, *frame;
    cleanup_free char *blame = kept_say_blame(finding), *seen = kept_say_seen(finding),
                      *verification = kept_say_verification(report);
    FILE *plain = blame && seen && verification ? open_memstream(&text, &size) : NULL;
    if (!plain)
        return -ENOMEM;
    fprintf(plain, "%s\nblame: %s\n%s\n%s", kept_text(finding, "message"), blame, seen, verification);
    json_array_foreach (json_object_get(finding, "stacks"), i, stack) {
        size_t frames = kept_frames(stack), k;
        fprintf(plain, "\n%s:\n", kept_text(stack, "title"));
        json_array_foreach (json_object_get(stack, "frames"), k, frame) {
            char place[256], source[256];
            kept_say_place(frame, place, sizeof place);
            kept_say_source(frame, source, sizeof source);
            if (k < frames)
                fprintf(plain, "  #%-2zu %s  %s  %s\n", k, kept_function(frame), place, source);
        }
    }
    fprintf(plain, "\nplan:\n%s", kept_text(json_object_get(finding, "plan"), "yaml"));
    if (fclose(plain) == 0)
        markup_text(text, out);
    fd_free(&text);
    return 0;
}

/* The id comes from the signature: a CI server sees the same test fail from run to run. */
static int write_finding(const json_t *report, const json_t *finding, FILE *out)
{
    cleanup_free char *name = NULL;
    if (asprintf(&name, "%s %s %s", kept_text(finding, "id"), kept_text(finding, "kind"),
                 kept_text(finding, "function")) < 0)
        return -ENOMEM;
    open_case(report, name, 0, out);
    fputs("\n      <failure", out);
    put_attribute("type", kept_text(finding, "kind"), out);
    put_attribute("message", kept_text(finding, "message"), out);
    fputc('>', out);
    int error = write_details(report, finding, out);
    fputs("</failure>\n    </testcase>\n", out);
    return error;
}

static bool is_verdict(const json_t *report, const char *verdict)
{
    return strcmp(kept_text(report, "verdict"), verdict) == 0;
}

/* What could not be tested must not look as if it had passed. */
static void write_verdict(const json_t *report, FILE *out)
{
    const char *reason = kept_text(report, "reason");
    open_case(report, name_of(report), seconds_of(report), out);
    if (is_verdict(report, "untested")) {
        fputs("<skipped", out);
        put_attribute("message", *reason ? reason : "it could not be tested", out);
        fputs("/>", out);
    } else if (!is_verdict(report, "clean")) {
        fputs("<error type=\"verdict\" message=\"the report has no verdict that this ftstress knows\"/>",
              out);
    }
    fputs("</testcase>\n", out);
}

static void write_properties(const json_t *report, FILE *out)
{
    const char *key;
    json_t *value;
    fprintf(out, "    <properties>\n      <property name=\"seed\" value=\"%lld\"/>\n",
            (long long)kept_number(report, "seed"));
    json_object_foreach (json_object_get(report, "environment"), key, value) {
        if (!is_name(key) || !kept_environment_shows(key))
            continue;
        fputs("      <property", out);
        put_attribute("name", key, out);
        put_attribute("value", json_is_string(value) ? json_string_value(value) : "", out);
        fputs("/>\n", out);
    }
    fputs("    </properties>\n", out);
}

static void open_suite(const json_t *report, size_t failures, FILE *out)
{
    const char *date = kept_text(report, "date");
    int skipped = failures == 0 && is_verdict(report, "untested");
    int errors = failures == 0 && !skipped && !is_verdict(report, "clean");
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite", out);
    put_attribute("name", name_of(report), out);
    fputs(" package=\"ftstress\" id=\"0\" hostname=\"localhost\"", out);
    put_attribute("timestamp", strlen(date) == 19 ? date : "1970-01-01T00:00:00", out);
    fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%d\" skipped=\"%d\" time=\"%.3f\">\n",
            failures ? failures : 1, failures, errors, skipped, seconds_of(report));
}

int reporter_junit(const json_t *report, FILE *out)
{
    const json_t *findings = json_object_get(report, "findings"), *finding, *note;
    size_t i;
    int error = 0;
    open_suite(report, json_array_size(findings), out);
    write_properties(report, out);
    json_array_foreach (findings, i, finding)
        error |= write_finding(report, finding, out);
    if (json_array_size(findings) == 0)
        write_verdict(report, out);
    fputs("    <system-out>", out);
    json_array_foreach (json_object_get(report, "notes"), i, note) {
        markup_text(json_is_string(note) ? json_string_value(note) : "", out);
        fputc('\n', out);
    }
    fputs("</system-out>\n    <system-err></system-err>\n  </testsuite>\n</testsuites>\n", out);
    return error ? -ENOMEM : 0;
}
