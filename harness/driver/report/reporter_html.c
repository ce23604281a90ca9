/* One page for people: no scripts, nothing from elsewhere, light and dark as the reader has it. */
#include "driver/report/reporter.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "driver/report/kept.h"
#include "driver/report/markup.h"
#include "driver/report/reporter_html.h"

#define FRAMES_SHOWN 12

static const char style[] =
    ":root{color-scheme:light dark;--page:#f5f6f8;--card:#fff;--ink:#1a1e24;--soft:#525b67;--line:#d6dbe1;"
    "--code:#f0f2f5;--bad:#b3261e;--bad-soft:#fbe9e7;--warn:#7d4e00;--warn-soft:#fdf1d8;--good:#17663a;"
    "--good-soft:#e4f4ea;--block:#c9d8ee;--edge:#e6e9ee;--link:#1f54a0}\n"
    "@media(prefers-color-scheme:dark){:root{--page:#13161a;--card:#1b1f25;--ink:#e5e8ed;--soft:#a4adb9;"
    "--line:#353c46;--code:#12151a;--bad:#ff9a90;--bad-soft:#3d1e1c;--warn:#f2c063;--warn-soft:#392c12;"
    "--good:#7fd6a0;--good-soft:#17331f;--block:#2f466b;--edge:#2a3038;--link:#8fb8f5}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif;"
    "overflow-wrap:anywhere}\n"
    "main{max-width:70rem;margin:0 auto;padding:2rem 1.25rem 4rem}\n"
    "h1{font-size:1.5rem;line-height:1.25;margin:.6rem 0 .3rem}\n"
    "h2{font-size:1.1rem;line-height:1.35;margin:.5rem 0}\n"
    "h3{font-size:.95rem;margin:1.5rem 0 .4rem}\n"
    "main>h2{margin-top:1.6rem}\n"
    "p{margin:.4rem 0}a{color:var(--link)}\n"
    ".soft{color:var(--soft)}\n"
    ".pill{display:inline-block;border-radius:1rem;padding:.1rem .7rem;font-size:.875rem;font-weight:600;"
    "background:var(--edge);color:var(--ink)}\n"
    ".bad .pill.tone{background:var(--bad-soft);color:var(--bad)}\n"
    ".warn .pill.tone{background:var(--warn-soft);color:var(--warn)}\n"
    ".good .pill.tone{background:var(--good-soft);color:var(--good)}\n"
    "code,pre,.stack,.map{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.8125rem}\n"
    "pre{background:var(--code);border:1px solid var(--line);border-radius:.4rem;padding:.7rem .9rem;margin:.4rem 0;"
    "white-space:pre-wrap;line-height:1.45}\n"
    "dl{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,13rem),1fr));gap:.6rem 1.5rem;"
    "margin:1rem 0;padding:1rem 1.2rem;background:var(--card);border:1px solid var(--line);border-radius:.6rem}\n"
    "dt{color:var(--soft);font-size:.8125rem}dd{margin:0}\n"
    "article{background:var(--card);border:1px solid var(--line);border-left:.35rem solid var(--line);"
    "border-radius:.6rem;padding:1rem 1.3rem 1.3rem;margin:1.25rem 0}\n"
    "article.bad{border-left-color:var(--bad)}article.warn{border-left-color:var(--warn)}\n"
    ".rate{display:flex;align-items:center;gap:.8rem;margin:.6rem 0}\n"
    ".bar{flex:0 1 14rem;height:.6rem;border-radius:.3rem;background:var(--edge);border:1px solid var(--line);"
    "overflow:hidden}\n"
    ".bar span{display:block;height:100%;background:var(--soft)}\n"
    ".bad .bar span{background:var(--bad)}.warn .bar span{background:var(--warn)}\n"
    ".stacks{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,25rem),1fr));gap:0 1.5rem}\n"
    ".stacks h3{font-weight:600}\n"
    ".stack{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}\n"
    ".stack li{padding:.25rem 0;border-bottom:1px solid var(--line)}\n"
    ".stack b{display:block}\n"
    ".map{display:flex;height:2.6rem;border:1px solid var(--line);border-radius:.4rem;overflow:hidden}\n"
    ".map span{min-width:.5rem;display:flex;align-items:center;justify-content:center;overflow:hidden;"
    "white-space:nowrap;background:var(--edge)}\n"
    ".map .edge{color:var(--soft);min-width:4.5rem}\n"
    ".map .in{background:var(--block)}.map .freed{background:repeating-linear-gradient(45deg,var(--block) 0 6px,"
    "var(--edge) 6px 12px)}\n"
    ".map .hit{background:var(--bad);color:var(--card);font-weight:700;min-width:1.6rem}\n"
    ".card{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.6rem 1.3rem 1rem;"
    "margin:1.25rem 0}\n"
    ".time{border-collapse:collapse;width:100%;font-size:.875rem;table-layout:fixed}\n"
    ".time th{font-weight:400;text-align:left;width:14rem;padding:.2rem .8rem .2rem 0;vertical-align:middle}\n"
    ".time td{padding:.2rem 0 .2rem .8rem;vertical-align:middle}\n"
    ".time .lane{padding:0;line-height:0;white-space:nowrap;overflow:hidden;border-left:1px solid var(--line);"
    "border-right:1px solid var(--line);position:relative;height:1.7rem}\n"
    ".lane span{display:inline-block;height:.9rem;vertical-align:middle}\n"
    ".lane .start{background:var(--edge)}.lane .work{background:var(--block)}\n"
    ".lane .hit{background:var(--warn)}.lane .died{background:var(--bad)}\n"
    ".rates span{position:absolute;top:.4rem}\n"
    ".rates .interval{background:var(--good-soft);border-radius:.2rem;min-width:.2rem}\n"
    ".rates .interval.fails{background:var(--bad-soft)}\n"
    ".rates .seen{width:.25rem;background:var(--good)}.rates .seen.fails{background:var(--bad)}\n"
    "@media(max-width:40rem){.time th{width:7rem}}\n"
    ".index{padding-left:1.2rem}.index li{margin:.3rem 0}\n"
    "summary{cursor:pointer;color:var(--link);padding:.3rem 0}\n"
    "@media print{body{background:#fff}article{break-inside:avoid}}\n";

static void put(const char *before, const char *text, const char *after, FILE *out)
{
    fputs(before, out);
    markup_text(text, out);
    fputs(after, out);
}

/* The colour of a finding or of a verdict; "" for neither good nor bad. */
static const char *tone(const char *word)
{
    static const char *const tones[][2] = {
        {"hidden-mutation", "bad"}, {"crash", "bad"},      {"hang", "bad"},
        {"wrong-result", "bad"},    {"exception", "warn"}, {"user-error", "warn"},
        {"finding", "bad"},         {"untested", "warn"},  {"clean", "good"},
    };
    for (size_t i = 0; i < sizeof tones / sizeof *tones; i++)
        if (strcmp(tones[i][0], word) == 0)
            return tones[i][1];
    return "";
}

static void write_frame(const json_t *frame, FILE *out)
{
    char place[256], source[256];
    kept_say_place(frame, place, sizeof place);
    kept_say_source(frame, source, sizeof source);
    put("<li><b>", kept_function(frame), "</b><span class=\"soft\">", out);
    put("", *source ? source : place, "", out);
    if (*source)
        put(" · ", place, "", out);
    fputs(json_is_true(json_object_get(frame, "inline")) ? " · inline</span></li>\n" : "</span></li>\n", out);
}

static void write_python(const json_t *stack, FILE *out)
{
    const json_t *python = json_object_get(stack, "python"), *frame;
    size_t i;
    if (json_array_size(python) == 0)
        return;
    fputs("<p class=\"soft\">Python</p><ol class=\"stack\">\n", out);
    json_array_foreach (python, i, frame) {
        char source[256];
        kept_say_source(frame, source, sizeof source);
        put("<li><b>", kept_function(frame), "</b>", out);
        put("<span class=\"soft\">", *source ? source : "the statement", "</span></li>\n", out);
    }
    fputs("</ol>\n", out);
}

static void write_stack(const json_t *stack, const char *title, FILE *out)
{
    size_t frames = kept_frames(stack), i;
    const json_t *frame;
    put("<section><h3>", title, "</h3>\n", out);
    fputs(frames ? "<ol class=\"stack\">\n" : "<p class=\"soft\">only frames of the harness itself</p>\n",
          out);
    json_array_foreach (json_object_get(stack, "frames"), i, frame) {
        if (i == frames)
            break;
        if (i == FRAMES_SHOWN)
            fprintf(out, "</ol><details><summary>%zu more frames</summary><ol class=\"stack\">\n",
                    frames - i);
        write_frame(frame, out);
    }
    fputs(frames ? "</ol>" : "", out);
    fputs(frames > FRAMES_SHOWN ? "</details>\n" : "", out);
    write_python(stack, out);
    fputs("</section>\n", out);
}

/* What is known of the evidence, a sentence each. */
static void write_explanation(const json_t *finding, FILE *out)
{
    const json_t *lines = json_object_get(finding, "explanation"), *line;
    size_t i;
    if (json_array_size(lines) == 0)
        return;
    fputs("<ul>\n", out);
    json_array_foreach (lines, i, line)
        put("<li>", json_string_value(line) ? json_string_value(line) : "", "</li>\n", out);
    fputs("</ul>\n", out);
}

static void write_registers(const json_t *finding, FILE *out)
{
    json_t *registers = json_object_get(finding, "registers"), *value;
    const char *name;
    if (json_object_size(registers) == 0)
        return;
    fputs("<details><summary>registers of the thread that crashed</summary>\n<pre>", out);
    json_object_foreach (registers, name, value) {
        put("", name, " ", out);
        put("", json_string_value(value) ? json_string_value(value) : "", "\n", out);
    }
    fputs("</pre></details>\n", out);
}

static void write_stacks(const json_t *finding, FILE *out)
{
    const json_t *stacks = json_object_get(finding, "stacks");
    size_t n = json_array_size(stacks);
    fputs("<div class=\"stacks\">\n", out);
    for (size_t i = 0; i < n; i++) {
        cleanup_free char *title = kept_stack_title(stacks, i);
        if (!kept_stack_is_folded(stacks, i))
            write_stack(json_array_get(stacks, i), title ? title : "", out);
    }
    fputs("</div>\n", out);
    char idle[80];
    kept_stack_say_idle(stacks, idle, sizeof idle);
    if (*idle)
        put("<p class=\"soft\">", idle, "</p>\n", out);
}

static void write_rate(const json_t *finding, const char *seen, FILE *out)
{
    const json_t *runs = json_object_get(finding, "runs");
    double hit = kept_real(runs, "hit"), of = kept_real(runs, "of");
    double percent = of > 0 && hit >= 0 && hit <= of ? 100 * hit / of : 0;
    fprintf(out, "<div class=\"rate\"><div class=\"bar\" role=\"img\" aria-label=\"%.0f of %.0f children\">",
            hit, of);
    fprintf(out, "<span style=\"width:%.1f%%\"></span></div>", percent);
    put("<span>", seen, "</span></div>\n", out);
}

static void write_head(const json_t *finding, FILE *out)
{
    fprintf(out, "<article class=\"%s\" id=\"", tone(kept_text(finding, "severity")));
    markup_attribute(kept_text(finding, "id"), out);
    put("\">\n<p><span class=\"pill tone\">", kept_text(finding, "kind"), "</span> ", out);
    put("<span class=\"pill\">blame: ", kept_text(finding, "blame"), "</span> ", out);
    put("<code class=\"soft\">", kept_text(finding, "id"), "</code></p>\n", out);
    put("<h2>", kept_text(finding, "message"), "</h2>\n", out);
}

static void write_block_of_text(const char *title, const char *text, FILE *out)
{
    if (!*text)
        return;
    put("<h3>", title, "</h3>\n", out);
    put("<pre>", text, "</pre>\n", out);
}

static void write_folded(const char *title, const char *text, FILE *out)
{
    if (!*text)
        return;
    put("<details><summary>", title, "</summary>\n", out);
    put("<pre>", text, "</pre></details>\n", out);
}

static void write_link(const char *before, const char *id, const char *text, FILE *out)
{
    fprintf(out, "%s<a href=\"#", before);
    markup_attribute(id, out);
    put("\">", text, "</a>", out);
}

static void write_index(const json_t *findings, FILE *out)
{
    size_t i;
    const json_t *finding;
    if (json_array_size(findings) < 2)
        return;
    fputs("<h2>Findings</h2>\n<ol class=\"index\">\n", out);
    json_array_foreach (findings, i, finding) {
        write_link("<li>", kept_text(finding, "id"), kept_text(finding, "kind"), out);
        put(" ", kept_text(finding, "message"), "</li>\n", out);
    }
    fputs("</ol>\n", out);
}

static int write_finding(const json_t *finding, FILE *out)
{
    cleanup_free char *blame = kept_say_blame(finding), *seen = kept_say_seen(finding);
    if (!blame || !seen)
        return -ENOMEM;
    write_head(finding, out);
    put("<p>Blame: ", blame, "</p>\n", out);
    if (*kept_text(finding, "cause"))
        write_link("<p>Look first at ", kept_text(finding, "cause"), kept_text(finding, "cause"), out);
    fputs(*kept_text(finding, "cause") ? ", which explains this one.</p>\n" : "", out);
    if (*kept_text(finding, "behind"))
        write_link("<p>Seen only when the statement of ", kept_text(finding, "behind"),
                   kept_text(finding, "behind"), out);
    fputs(*kept_text(finding, "behind") ? " was left out.</p>\n" : "", out);
    if (*kept_text(finding, "statement"))
        put("<p>In <code>", kept_text(finding, "statement"), "</code></p>\n", out);
    write_rate(finding, seen, out);
    reporter_html_block(finding, out);
    write_explanation(finding, out);
    reporter_html_threads(finding, out);
    write_stacks(finding, out);
    write_registers(finding, out);
    write_block_of_text("The plan, to run it again", kept_text(json_object_get(finding, "plan"), "yaml"),
                        out);
    write_folded("the end of standard error", kept_text(finding, "evidence"), out);
    put("<p class=\"soft\">detector ", kept_text(finding, "detector"), ", signature ", out);
    put("<code>", kept_text(finding, "signature"), "</code></p>\n</article>\n", out);
    return 0;
}

static void write_fact(const char *name, const char *value, FILE *out)
{
    put("<div><dt>", name, "</dt>", out);
    put("<dd>", value, "</dd></div>\n", out);
}

static void write_number(const char *name, const char *format, double number, FILE *out)
{
    char text[64];
    snprintf(text, sizeof text, format, number);
    write_fact(name, text, out);
}

static void write_facts(const json_t *report, FILE *out)
{
    const json_t *environment = json_object_get(report, "environment");
    const char *key;
    json_t *value;
    fputs("<dl>\n", out);
    if (json_object_get(report, "calls")) {
        write_number("calls", "%.0f", kept_real(report, "calls") + kept_real(report, "serial_calls"), out);
        write_number("seconds", "%.1f", kept_real(report, "seconds"), out);
        write_number("overlap", "%.0f %%", 100 * kept_real(report, "overlap"), out);
    }
    write_number("threads", "%.0f", kept_real(report, "threads"), out);
    if (json_object_get(report, "seed"))
        write_number("seed", "%.0f", kept_real(report, "seed"), out);
    json_object_foreach ((json_t *)environment, key, value)
        if (kept_environment_shows(key))
            write_fact(key, kept_text(environment, key), out);
    fputs("</dl>\n", out);
}

/* What silence is worth. */
static void write_silence(const json_t *report, FILE *out)
{
    double below = kept_real(report, "rate_below");
    fputs("<p>Nothing was found", out);
    if (below > 0)
        fprintf(out, ": 0 in %.0f calls, overlap %.0f %%, the rate is below %.2g %% at 95 %% confidence",
                kept_real(report, "calls") + kept_real(report, "serial_calls"),
                100 * kept_real(report, "overlap"), 100 * below);
    fputs(".</p>\n", out);
}

static void write_headline(const json_t *report, FILE *out)
{
    const char *verdict = kept_text(report, "verdict"), *reason = kept_text(report, "reason");
    size_t n = json_array_size(json_object_get(report, "findings"));
    fprintf(out, "<header class=\"%s\">\n", tone(verdict));
    if (n > 0)
        fprintf(out, "<span class=\"pill tone\">%zu finding%s</span>\n", n, n == 1 ? "" : "s");
    else
        put("<span class=\"pill tone\">", *verdict ? verdict : "no verdict", "</span>\n", out);
    put("<h1>", kept_text(report, "name"), "</h1>\n", out);
    if (*reason)
        put("<p>Could not test: ", reason, "</p>\n", out);
    else if (n == 0)
        write_silence(report, out);
    put("<p class=\"soft\">written ", kept_text(report, "date"), " UTC by ftstress</p>\n</header>\n", out);
}

static void write_notes(const json_t *report, FILE *out)
{
    const json_t *notes = json_object_get(report, "notes"), *note;
    size_t i;
    if (json_array_size(notes) == 0)
        return;
    fputs("<h2>Notes</h2>\n<ul>\n", out);
    json_array_foreach (notes, i, note)
        if (json_is_string(note))
            put("<li>", json_string_value(note), "</li>\n", out);
    fputs("</ul>\n", out);
}

int reporter_html(const json_t *report, FILE *out)
{
    size_t i;
    const json_t *finding;
    int error = 0;
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n",
          out);
    put("<title>ftstress: ", kept_text(report, "name"), "</title>\n", out);
    fprintf(out, "<style>\n%s</style>\n</head>\n<body>\n<main>\n", style);
    write_headline(report, out);
    write_facts(report, out);
    write_index(json_object_get(report, "findings"), out);
    reporter_html_verified(report, out);
    reporter_html_children(report, out);
    reporter_html_pairs(report, out);
    json_array_foreach (json_object_get(report, "findings"), i, finding)
        error |= write_finding(finding, out);
    write_notes(report, out);
    fputs("</main>\n</body>\n</html>\n", out);
    return error ? -ENOMEM : 0;
}
