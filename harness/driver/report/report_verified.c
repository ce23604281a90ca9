#include "driver/report/report_verified.h"

#include <inttypes.h>
#include <string.h>

/* Fewer looks than this do not tell whether two statements meet. */
#define LOOKS_LEAST 50

static const char *const rung_words[RUNG_COUNT] = {
    [RUNG_PRIVATE] = "with private inputs",
    [RUNG_READONLY] = "with inputs that are only read",
    [RUNG_ONE_WRITER] = "with one writer",
    [RUNG_ALL] = "with all writing",
};

struct line {
    FILE *out;
    bool begun;
};

static void add_trials(struct line *line, const char *what, const char *name, const struct trials *trials)
{
    if (trials->of == 0)
        return;
    fprintf(line->out, "%s%s%s %u of %u", line->begun ? ", " : "\n  ", what, name, trials->hit, trials->of);
    line->begun = true;
}

static void print_first(const struct verification *found, FILE *out)
{
    double calls = verification_first_calls(found), seconds = verification_first_seconds(found);
    if (found->nfirst > 0)
        fprintf(out, "; first after %.0f calls, %.2g s (median)", calls, seconds);
}

static void print_one(const struct verification *found, FILE *out)
{
    double low, high;
    char guilty[1024];
    struct line controls = {.out = out}, inputs = {.out = out};
    verification_interval(&found->again, &low, &high);
    fprintf(out,
            "\n  %s%srun again%s%s: fails in %u of %u fresh children (%.0f to %.0f %% at 95 %% confidence)",
            found->root ? found->root : "", found->root ? " " : "", found->without ? " without " : "",
            found->without ? found->without : "", found->again.hit, found->again.of, low, high);
    print_first(found, out);
    for (int rung = RUNG_ALL; rung >= (int)RUNG_PRIVATE; rung--)
        add_trials(&controls, rung_words[rung], "", &found->ladder[rung]);
    add_trials(&controls, "with the GIL on", "", &found->gil);
    add_trials(&controls, "on one thread", "", &found->alone);
    add_trials(&controls, "without any package", "", &found->plain);
    for (unsigned i = 0; i < found->ninputs; i++)
        add_trials(&inputs, i ? "" : "with a private ", found->inputs[i].call, &found->inputs[i].trials);
    if (*verification_say_rung(found))
        fprintf(out, "\n  %s: %s", rung_names[verification_rung(found)], verification_say_rung(found));
    verification_say_guilty(found, guilty, sizeof guilty);
    fprintf(out, "%s%s\n", *guilty ? "\n  " : "", guilty);
}

void report_print_verification(const struct run *run, FILE *out)
{
    for (const struct verification *found = run->verification; found; found = found->next)
        if (found->again.of > 0)
            print_one(found, out);
}

/* Looks of either statement of the pair. */
static uint64_t looks_of(const struct run *run, size_t i, size_t k)
{
    return run->pairs.looks[i] + (i == k ? 0 : run->pairs.looks[k]);
}

/* How many of them met the other one; a look may meet several threads in it. */
static uint64_t meetings_of(const struct run *run, size_t i, size_t k)
{
    return run->pairs.pairs[i][k] + (i == k ? 0 : run->pairs.pairs[k][i]);
}

/* In how many of a hundred looks of one the other was in flight, for each thread that could be in it. */
static double share_of(const struct run *run, size_t i, size_t k)
{
    uint64_t looks = looks_of(run, i, k);
    return looks ? 100.0 * (double)meetings_of(run, i, k) / (double)looks : 0;
}

static size_t count_metered(const struct run *run)
{
    size_t n = run->statements.n < BOARD_STATEMENTS ? run->statements.n : BOARD_STATEMENTS;
    return run->threads > 1 ? n : 0;
}

void report_print_pairs(const struct run *run, FILE *out)
{
    size_t n = count_metered(run);
    const struct statement *items = run->statements.items;
    for (size_t i = 0; i < n; i++)
        for (size_t k = i; k < n; k++) {
            bool tells = run->pairs.looks[i] >= LOOKS_LEAST && run->pairs.looks[k] >= LOOKS_LEAST;
            if (run->verbose && looks_of(run, i, k) > 0)
                fprintf(out, "  in flight together: %s | %s: %.0f threads in 100 looks (%" PRIu64 ")\n",
                        items[i].source, items[k].source, share_of(run, i, k), looks_of(run, i, k));
            else if (tells && meetings_of(run, i, k) == 0)
                fprintf(out, "  never in flight together: %s | %s (%" PRIu64 " looks)\n", items[i].source,
                        items[k].source, looks_of(run, i, k));
        }
}

json_t *report_json_pairs(const struct run *run)
{
    size_t n = count_metered(run);
    const struct statement *items = run->statements.items;
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        for (size_t k = i; k < n; k++)
            if (looks_of(run, i, k) > 0)
                json_array_append_new(list,
                                      json_pack("{s:s, s:s, s:I, s:I}", "a", items[i].source, "b",
                                                items[k].source, "looks", (json_int_t)looks_of(run, i, k),
                                                "together", (json_int_t)meetings_of(run, i, k)));
    return list;
}

static json_t *trials_of(const struct trials *trials)
{
    double low, high;
    if (trials->of == 0)
        return json_null();
    verification_interval(trials, &low, &high);
    return json_pack("{s:i, s:i, s:f, s:f}", "hit", (int)trials->hit, "of", (int)trials->of, "low", low / 100,
                     "high", high / 100);
}

static json_t *list_of(const char *key, const struct knock_out *outs, unsigned n)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < n; i++)
        json_array_append_new(
            list, json_pack("{s:s, s:o}", key, outs[i].call, "trials", trials_of(&outs[i].trials)));
    return list;
}

static json_t *first_of(const struct verification *found)
{
    if (found->nfirst == 0)
        return json_null();
    return json_pack("{s:f, s:f, s:i}", "calls", verification_first_calls(found), "seconds",
                     verification_first_seconds(found), "hits", (int)found->nfirst);
}

static json_t *ladder_of(const struct verification *found)
{
    json_t *json = json_object();
    for (int rung = RUNG_PRIVATE; rung < (int)found->share; rung++)
        json_object_set_new(json, rung_names[rung], trials_of(&found->ladder[rung]));
    return json;
}

json_t *report_json_verification(const struct verification *found)
{
    char guilty[1024];
    if (!found)
        return json_null();
    json_t *json = json_object();
    json_object_set_new(json, "finding", found->root ? json_string(found->root) : json_null());
    json_object_set_new(json, "left_out", found->without ? json_string(found->without) : json_null());
    json_object_set_new(json, "again", trials_of(&found->again));
    json_object_set_new(json, "first", first_of(found));
    json_object_set_new(json, "ladder", ladder_of(found));
    json_object_set_new(json, "rung", json_string(rung_names[verification_rung(found)]));
    json_object_set_new(json, "rule", json_string(verification_say_rung(found)));
    json_object_set_new(json, "private", trials_of(&found->ladder[RUNG_PRIVATE]));
    json_object_set_new(json, "gil", trials_of(&found->gil));
    json_object_set_new(json, "one_thread", trials_of(&found->alone));
    json_object_set_new(json, "no_package", trials_of(&found->plain));
    json_object_set_new(json, "knock_outs", list_of("without", found->knock_outs, found->nknock_outs));
    json_object_set_new(json, "inputs", list_of("private", found->inputs, found->ninputs));
    verification_say_guilty(found, guilty, sizeof guilty);
    json_object_set_new(json, "sentence", json_string(guilty));
    return json;
}
