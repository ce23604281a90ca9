/* Rates with their intervals: how often each arm fails. */
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

/* The pale bar is the 95 % interval, the line in it the rate that was seen. */
static void write_arm(const char *what, const char *name, const json_t *trials, FILE *out)
{
    double hit = kept_real(trials, "hit"), of = kept_real(trials, "of"), low = 100 * kept_real(trials, "low"),
           high = 100 * kept_real(trials, "high");
    if (of <= 0 || high < low)
        return;
    put("<tr><th scope=\"row\">", what, "", out);
    put(*name ? " <code>" : "", name, *name ? "</code></th>" : "</th>", out);
    fprintf(out,
            "<td class=\"lane rates\" role=\"img\" aria-label=\"%.0f to %.0f %%\">"
            "<span class=\"interval%s\" style=\"left:%.1f%%;width:%.1f%%\"></span>"
            "<span class=\"seen%s\" style=\"left:%.1f%%\"></span></td>",
            low, high, hit > 0 ? " fails" : "", low, high - low, hit > 0 ? " fails" : "",
            hit >= of ? 99 : 100 * hit / of);
    fprintf(out, "<td>%.0f of %.0f <span class=\"soft\">(%.0f to %.0f %%)</span></td></tr>\n", hit, of, low,
            high);
}

static void write_list(const char *what, const json_t *list, const char *key, FILE *out)
{
    size_t i;
    const json_t *arm;
    json_array_foreach (list, i, arm)
        write_arm(what, kept_text(arm, key), json_object_get(arm, "trials"), out);
}

static void write_first(const json_t *verification, FILE *out)
{
    const json_t *first = json_object_get(verification, "first");
    if (kept_real(first, "hits") > 0)
        fprintf(out, "<p>First after %.0f calls and %.2g s (median of %lld).</p>\n",
                kept_real(first, "calls"), kept_real(first, "seconds"),
                (long long)kept_number(first, "hits"));
}

static void write_sentences(const json_t *verification, FILE *out)
{
    const char *sentence = kept_text(verification, "sentence"), *rule = kept_text(verification, "rule");
    if (*sentence)
        put("<p><strong>", sentence, "</strong></p>\n", out);
    if (*rule)
        put("<p>Lowest rung that fails: <code>", kept_text(verification, "rung"), "</code>: ", out);
    if (*rule)
        put("", rule, ".</p>\n", out);
    write_first(verification, out);
}

static void write_one(const json_t *verification, FILE *out)
{
    static const char *const rungs[][2] = {{"all", "with all writing"},
                                           {"one-writer", "with one writer"},
                                           {"readonly", "with inputs that are only read"},
                                           {"private", "with private inputs"}};
    const json_t *ladder = json_object_get(verification, "ladder");
    const char *about = kept_text(verification, "finding");
    if (kept_number(json_object_get(verification, "again"), "of") == 0)
        return;
    put("<section class=\"card\"><h2>Run again, with one thing changed at a time", "", "", out);
    if (*about)
        put(": <a href=\"#", about, "\">", out);
    put("", about, *about ? "</a></h2>\n" : "</h2>\n", out);
    write_sentences(verification, out);
    fputs("<table class=\"time\">\n", out);
    write_arm("as it was", "", json_object_get(verification, "again"), out);
    for (size_t i = 0; i < sizeof rungs / sizeof *rungs; i++)
        write_arm(rungs[i][1], "",
                  json_object_get(json_is_object(ladder) ? ladder : verification, rungs[i][0]), out);
    write_arm("with the GIL on", "", json_object_get(verification, "gil"), out);
    write_arm("on one thread", "", json_object_get(verification, "one_thread"), out);
    write_arm("without any package", "", json_object_get(verification, "no_package"), out);
    write_list("without", json_object_get(verification, "knock_outs"), "without", out);
    write_list("with a private", json_object_get(verification, "inputs"), "private", out);
    fputs("</table></section>\n", out);
}

void reporter_html_verified(const json_t *report, FILE *out)
{
    const json_t *all = json_object_get(report, "verifications"), *one;
    size_t i;
    if (json_array_size(all) == 0 && json_is_object(json_object_get(report, "verification")))
        write_one(json_object_get(report, "verification"), out);
    json_array_foreach (all, i, one)
        write_one(one, out);
}

void reporter_html_pairs(const json_t *report, FILE *out)
{
    const json_t *pairs = json_object_get(report, "pairs"), *pair;
    size_t i;
    if (json_array_size(pairs) < 2)
        return;
    fputs("<details><summary>which statements were in flight together</summary>\n<table class=\"time\">\n",
          out);
    json_array_foreach (pairs, i, pair) {
        double looks = kept_real(pair, "looks"), together = kept_real(pair, "together");
        put("<tr><td><code>", kept_text(pair, "a"), "</code></td>", out);
        put("<td><code>", kept_text(pair, "b"), "</code></td>", out);
        if (together > 0)
            fprintf(out, "<td>%.0f threads in 100 looks</td></tr>\n", looks > 0 ? 100 * together / looks : 0);
        else
            fprintf(out, "<td>never, in %.0f looks</td></tr>\n", looks);
    }
    fputs("</table></details>\n", out);
}
