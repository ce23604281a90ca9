/* The results of verification. See sentence.h. */
#include <stdbool.h>
#include <stdio.h>

#include "driver/report/document.h"
#include "driver/report/sentence.h"

/* Writes "NAME 1 of 5" after `before`, if there were trials. Returns true if it wrote. */
static bool write_trials(FILE *out, const char *before, const char *name, const json_t *trials)
{
    long long hit = document_number(trials, "hit"), of = document_number(trials, "of");
    if (of > 0)
        fprintf(out, "%s%s %lld of %lld", before, name, hit, of);
    return of > 0;
}

/* Returns the name of the i-th control and its trials; NULL behind the last one. An older ftstress wrote no ladder. */
static const char *control_of(const json_t *verification, size_t i, const json_t **ret_trials)
{
    static const char *const controls[][2] = {{"all", "with all writing"},
                                              {"one-writer", "with one writer"},
                                              {"readonly", "with inputs that are only read"},
                                              {"private", "with private inputs"},
                                              {"gil", "with the GIL on"},
                                              {"one_thread", "on one thread"},
                                              {"no_package", "without any package"}};
    if (i >= sizeof controls / sizeof *controls)
        return NULL;
    const json_t *trials = json_object_get(json_object_get(verification, "ladder"), controls[i][0]);
    *ret_trials = trials ? trials : json_object_get(verification, controls[i][0]);
    return controls[i][1];
}

static void write_controls(const json_t *verification, FILE *out)
{
    const json_t *trials;
    const char *name;
    bool begun = false;
    for (size_t i = 0; (name = control_of(verification, i, &trials)); i++)
        begun |= write_trials(out, begun ? ", " : "", name, trials);
    fputs(begun ? "\n" : "", out);
}

static void write_list(const char *before, const json_t *trials, const char *key, FILE *out)
{
    bool begun = false;
    size_t i;
    const json_t *one;
    json_array_foreach (trials, i, one)
        begun |=
            write_trials(out, begun ? ", " : before, document_text(one, key), json_object_get(one, "trials"));
    fputs(begun ? "\n" : "", out);
}

static void write_again(const json_t *verification, FILE *out)
{
    const json_t *again = json_object_get(verification, "again"),
                 *first = json_object_get(verification, "first");
    const char *about = document_text(verification, "finding"),
               *without = document_text(verification, "left_out");
    fprintf(
        out, "%s%srun again%s%s: fails in %lld of %lld fresh children (%.0f to %.0f %% at 95 %% confidence)",
        about, *about ? " " : "", *without ? " without " : "", without, document_number(again, "hit"),
        document_number(again, "of"), 100 * document_real(again, "low"), 100 * document_real(again, "high"));
    if (document_real(first, "hits") > 0)
        fprintf(out, "; first after %.0f calls, %.2g s (median)", document_real(first, "calls"),
                document_real(first, "seconds"));
    fputc('\n', out);
}

char *sentence_again(const json_t *verification)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out)
        write_again(verification, out);
    return out && fclose(out) == 0 ? text : NULL;
}

static void write_verification(const json_t *verification, FILE *out)
{
    const char *rule = document_text(verification, "rule"),
               *sentence = document_text(verification, "sentence");
    if (document_number(json_object_get(verification, "again"), "of") <= 0)
        return;
    write_again(verification, out);
    write_controls(verification, out);
    write_list("with a private ", json_object_get(verification, "inputs"), "private", out);
    write_list("without ", json_object_get(verification, "knock_outs"), "without", out);
    if (*rule)
        fprintf(out, "%s: %s\n", document_text(verification, "rung"), rule);
    if (*sentence)
        fprintf(out, "%s\n", sentence);
}

json_t *sentence_list_verifications(const json_t *report)
{
    json_t *all = json_object_get(report, "verifications"), *one = json_object_get(report, "verification");
    return json_array_size(all) > 0 ? json_incref(all) : one ? json_pack("[O]", one) : json_array();
}

json_t *sentence_list_own(const json_t *report, const json_t *finding)
{
    const json_t *trials = json_object_get(finding, "trials"); /* an older ftstress wrote no index */
    json_t *all = sentence_list_verifications(report);
    if (!trials)
        return all;
    json_t *one = json_is_integer(trials) ? json_array_get(all, (size_t)json_integer_value(trials)) : NULL,
           *own = one ? json_pack("[O]", one) : json_array();
    json_decref(all);
    return own;
}

char *sentence_verifications(const json_t *report, const json_t *finding)
{
    char *text;
    size_t size, i;
    const json_t *one;
    json_auto_t *all = sentence_list_own(report, finding);
    FILE *out = all ? open_memstream(&text, &size) : NULL;
    if (out)
        json_array_foreach (all, i, one) {
            if (ftell(out) > 0)
                fputc('\n', out);
            write_verification(one, out);
        }
    return out && fclose(out) == 0 ? text : NULL;
}

static void add_rate(json_t *rates, const char *before, const char *name, const json_t *trials)
{
    if (json_is_object(trials))
        json_array_append_new(rates, json_pack("{s:s+, s:O}", "name", before, name, "trials", trials));
}

json_t *sentence_rates(const json_t *verification)
{
    json_t *rates = json_array(), *one;
    const json_t *trials;
    const char *name;
    size_t i;
    const char *without = document_text(verification, "left_out");
    add_rate(rates, *without ? "without " : "as it was", without, json_object_get(verification, "again"));
    for (i = 0; (name = control_of(verification, i, &trials)); i++)
        add_rate(rates, name, "", trials);
    json_array_foreach (json_object_get(verification, "knock_outs"), i, one)
        add_rate(rates, "without ", document_text(one, "without"), json_object_get(one, "trials"));
    json_array_foreach (json_object_get(verification, "inputs"), i, one)
        add_rate(rates, "with a private ", document_text(one, "private"), json_object_get(one, "trials"));
    return rates;
}
