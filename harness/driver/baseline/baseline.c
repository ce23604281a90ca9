#include "driver/baseline/baseline.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "driver/finding/known.h"
#include "driver/report/document.h"
#include "driver/report/report.h"

/* A finding counts as fixed if children miss it that would do so in one of this number of cases while it is there. */
#define MISSES_BY_CHANCE 0.05
/* In a note; the JSON report has all. */
#define NAMES_SHOWN 8u

/* Where this run looked for a finding. */
struct look {
    long long children; /* that could show it; 0: `why` they could not */
    const char *why;
};

static json_t *find_by(const json_t *list, const char *key, const char *text)
{
    size_t i;
    json_t *one;
    json_array_foreach (list, i, one)
        if (*text && strcmp(document_text(one, key), text) == 0)
            return one;
    return NULL;
}

static void mark(json_t *finding, struct known_list *list)
{
    const struct known *known =
        known_match(list, document_text(finding, "id"), document_text(finding, "signature"));
    bool is_known = known && !known->is_fixed;
    json_object_set_new(finding, "known", report_json_known(is_known ? known : NULL));
    if (list->has_baseline)
        json_object_set_new(finding, "state", json_string(is_known ? "known" : known ? "regressed" : "new"));
}

void baseline_mark(json_t *findings, struct known_list *list)
{
    size_t i;
    json_t *finding;
    json_array_foreach (findings, i, finding)
        mark(finding, list);
    for (size_t pass = 0; pass < json_array_size(findings); pass++)
        json_array_foreach (findings, i, finding) {
            json_t *cause = find_by(findings, "id", document_text(finding, "cause"));
            if (!json_is_object(json_object_get(cause, "known")) ||
                json_is_object(json_object_get(finding, "known")) ||
                strcmp(document_text(finding, "state"), "regressed") == 0)
                continue;
            json_object_set(finding, "known", json_object_get(cause, "known"));
            json_object_set(finding, "state", json_object_get(cause, "state"));
        }
}

static struct look look_in_sweep(const json_t *entry, const json_t *document)
{
    const json_t *rows = json_object_get(json_object_get(document, "sweep"), "callables");
    const json_t *row = find_by(rows, "name", document_text(entry, "callable"));
    long long n = document_number(json_object_get(row, "looks"), document_text(entry, "detector"));
    if (!row)
        return (struct look){0, "the sweep does not have its callable"};
    if (json_array_size(json_object_get(row, "failed")) + json_array_size(json_object_get(row, "findings")) >
        0)
        return (struct look){0, "its callable fails in another way"};
    return (struct look){n, n ? NULL : "its call was not made with its detector"};
}

/* Could the finding hide another one of the statement? */
static bool may_hide(const json_t *finding, const char *statement)
{
    const char *other = document_text(finding, "statement");
    return !*other || strcmp(other, statement) == 0;
}

static struct look look_in_run(const json_t *entry, const json_t *document)
{
    const json_t *looks =
        json_object_get(json_object_get(document, "looks"), document_text(entry, "detector"));
    bool is_serial = strcmp(document_text(entry, "threads"), "one") == 0;
    long long n = document_number(looks, is_serial ? "children" : "threads");
    size_t i;
    const json_t *finding;
    if (!*document_text(entry, "test") ||
        strcmp(document_text(entry, "test"), document_text(document, "test")) != 0)
        return (struct look){0, "it is of another test"};
    json_array_foreach (json_object_get(document, "findings"), i, finding)
        if (may_hide(finding, document_text(entry, "statement")))
            return (struct look){0, "another failure may hide it"};
    return (struct look){n, n ? NULL : "no child with its detector made calls and came to its end"};
}

/* Is it so often seen that all of these children would hardly miss it? */
static bool is_proof(const json_t *entry, long long children)
{
    unsigned hit = 0, of = 0;
    if (strcmp(document_text(entry, "threads"), "one") == 0)
        return true;
    if (sscanf(document_text(entry, "seen"), "%u of %u", &hit, &of) != 2 || hit == 0 || hit > of)
        return false;
    return pow(1 - hit / (of + 1.0), (double)children) < MISSES_BY_CHANCE;
}

static long long missed_before(const json_t *entry)
{
    long long n = 0;
    return sscanf(document_text(entry, "missed"), "%lld", &n) == 1 && n > 0 ? n : 0;
}

static const char *name_of(const json_t *entry)
{
    const char *id = document_text(entry, "id");
    return *id ? id : document_text(entry, "signature");
}

/* Returns the sentence that it is fixed. A new reference. */
static json_t *say_fixed(const json_t *entry, long long children)
{
    const char *callable = document_text(entry, "callable"), *what = document_text(entry, "what");
    if (strcmp(document_text(entry, "threads"), "one") == 0)
        return json_sprintf("FIXED: %s (%s%s%s): its call was made with the detector %s, and did not show it",
                            name_of(entry), callable, *callable ? ": " : "", what,
                            document_text(entry, "detector"));
    return json_sprintf("FIXED: %s (%s%s%s): %lld children that could show it did not; before, %s did",
                        name_of(entry), callable, *callable ? ": " : "", what, children,
                        document_text(entry, "seen"));
}

/* Names of entries with one state, for a note. */
struct names {
    char text[400];
    unsigned n;
};

static void judge_missing(json_t *entry, const json_t *document, json_t *notes, struct names *unseen,
                          struct names *unlooked)
{
    bool of_sweep = *document_text(entry, "callable");
    struct look look = of_sweep && json_is_object(json_object_get(document, "sweep"))
                           ? look_in_sweep(entry, document)
                       : of_sweep ? (struct look){0, "it is of a sweep"}
                                  : look_in_run(entry, document);
    long long children = look.children + missed_before(entry);
    bool fixed = look.children > 0 && is_proof(entry, children);
    struct names *names = look.children > 0 ? unseen : unlooked;
    json_object_set_new(entry, "now",
                        json_string(fixed               ? "fixed"
                                    : look.children > 0 ? "unseen"
                                                        : "not looked for"));
    json_object_set_new(entry, "why", look.why ? json_string(look.why) : json_null());
    if (look.children > 0)
        json_object_set_new(entry, "missed", json_sprintf("%lld", children));
    if (fixed)
        json_array_append_new(notes, say_fixed(entry, children));
    else if (names->n++ < NAMES_SHOWN)
        text_add(names->text, sizeof names->text, ", ", "%s", name_of(entry));
}

static void note_names(json_t *notes, const char *words, const struct names *names)
{
    if (names->n > 0)
        json_array_append_new(
            notes, json_sprintf("%s: %s%s", words, names->text, names->n > NAMES_SHOWN ? ", …" : ""));
}

void baseline_judge(json_t *document)
{
    struct names unseen = {0}, unlooked = {0};
    json_auto_t *notes = json_array();
    size_t i;
    json_t *entry;
    json_array_foreach (json_object_get(document, "known"), i, entry) {
        if (!document_is_true(entry, "in_baseline"))
            continue;
        if (document_number(entry, "hits") > 0)
            json_object_set_new(entry, "now", json_string("seen"));
        else if (strcmp(document_text(entry, "state"), "fixed") != 0)
            judge_missing(entry, document, notes, &unseen, &unlooked);
    }
    note_names(notes, "in the baseline and not seen, which is no proof that it is fixed", &unseen);
    note_names(notes, "in the baseline and not looked for", &unlooked);
    json_array_extend(notes, json_object_get(document, "notes"));
    json_object_set(document, "notes", notes);
}
