/* Time and threads: the children of a run, and what every thread was at when one of them ended. */
#include "driver/report/reporter_html.h"

#include <stdbool.h>
#include <string.h>

#include "driver/report/kept.h"
#include "driver/report/markup.h"

static void put(const char *before, const char *text, const char *after, FILE *out)
{
    fputs(before, out);
    markup_text(text, out);
    fputs(after, out);
}

/* Links to the findings of a child: ids, separated by blanks. */
static void write_links(const char *ids, FILE *out)
{
    while (*ids) {
        size_t length = strcspn(ids, " ");
        char id[32];
        snprintf(id, sizeof id, "%.*s", (int)length, ids);
        fputs(" <a href=\"#", out);
        markup_attribute(id, out);
        put("\">", id, "</a>", out);
        ids += length + (ids[length] == ' ');
    }
}

static bool is_hidden(const json_t *report, const char *id)
{
    size_t i;
    const json_t *finding;
    json_array_foreach (json_object_get(report, "findings"), i, finding)
        if (strcmp(kept_text(finding, "id"), id) == 0)
            return false;
    return true;
}

/* Ids of findings that the page has; others were explained away since. */
static void write_shown(const json_t *report, const char *ids, FILE *out)
{
    while (*ids) {
        size_t length = strcspn(ids, " ");
        char id[32];
        snprintf(id, sizeof id, "%.*s", (int)length, ids);
        if (!is_hidden(report, id))
            write_links(id, out);
        ids += length + (ids[length] == ' ');
    }
}

static void write_child(const json_t *report, const json_t *child, size_t number, double whole, FILE *out)
{
    double began = kept_real(child, "began"), seconds = kept_real(child, "seconds"),
           start = kept_real(child, "start");
    if (began < 0)
        began = 0;
    if (start <= 0 || start > seconds)
        start = seconds;
    const char *end = kept_text(child, "end"), *ids = kept_text(child, "findings");
    bool died = strcmp(end, "finished") != 0;
    fprintf(out, "<tr><th scope=\"row\">%zu ", number);
    markup_text(kept_text(child, "member"), out);
    fprintf(out,
            "</th><td class=\"lane\"><span class=\"gap\" style=\"width:%.2f%%\"></span>"
            "<span class=\"start\" style=\"width:%.2f%%\"></span>"
            "<span class=\"work%s\" style=\"width:%.2f%%\"></span></td><td>",
            100 * began / whole, 100 * start / whole,
            died   ? " died"
            : *ids ? " hit"
                   : "",
            100 * (seconds - start) / whole);
    put("", end, "", out);
    fprintf(out, ", %.0f calls", kept_real(child, "calls"));
    write_shown(report, ids, out);
    fputs("</td></tr>\n", out);
}

void reporter_html_children(const json_t *report, FILE *out)
{
    const json_t *children = json_object_get(report, "children"), *child;
    size_t i;
    double whole = 0;
    json_array_foreach (children, i, child) {
        double end = kept_real(child, "began") + kept_real(child, "seconds");
        whole = end > whole ? end : whole;
    }
    if (whole <= 0)
        return;
    fprintf(out, "<h2>The run: %.1f s</h2>\n<table class=\"time\">\n", whole);
    json_array_foreach (children, i, child)
        write_child(report, child, i + 1, whole, out);
    fputs(
        "</table>\n<p class=\"soft\">Each line is a process of its own: pale while it starts and one thread runs, "
        "full while the threads run; red where it died, amber where it showed something and lived on.</p>\n",
        out);
}

static void write_thread(const json_t *thread, double most, FILE *out)
{
    double calls = kept_real(thread, "calls");
    bool crashed = json_is_true(json_object_get(thread, "crashed"));
    const char *inside = kept_text(thread, "inside");
    fprintf(out, "<tr><th scope=\"row\">%lld</th><td class=\"lane\">",
            (long long)kept_number(thread, "thread"));
    fprintf(out, "<span class=\"work\" style=\"width:%.2f%%\"></span>", most > 0 ? 90 * calls / most : 0);
    if (*inside)
        fprintf(out, "<span class=\"work%s\" style=\"width:.6rem\"></span>", crashed ? " died" : " hit");
    fprintf(out, "</td><td>%.0f calls, ", calls);
    if (*inside)
        put(crashed ? "crashed in <code>" : "inside <code>", inside, "</code>", out);
    else
        fputs(crashed ? "crashed between calls" : "between calls", out);
    fputs("</td></tr>\n", out);
}

void reporter_html_threads(const json_t *finding, FILE *out)
{
    const json_t *threads = json_object_get(finding, "threads"), *thread;
    size_t i;
    double most = 0;
    json_array_foreach (threads, i, thread)
        most = kept_real(thread, "calls") > most ? kept_real(thread, "calls") : most;
    if (json_array_size(threads) == 0)
        return;
    fputs("<h3>The threads, and what each was at</h3>\n<table class=\"time\">\n", out);
    json_array_foreach (threads, i, thread)
        write_thread(thread, most, out);
    fputs("</table>\n", out);
}
