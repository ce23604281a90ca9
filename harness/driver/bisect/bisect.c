#include "driver/bisect/bisect.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "driver/report/document.h"

/* Children that fail and are enough, and children at least and at most of a version that does not. */
#define HITS 3
#define CHILDREN_LEAST 3
#define CHILDREN_MAX 60
/* Of the name of a state. */
#define PREFIX "bisect-"
#define SUFFIX ".json"

static void take_try(struct bisect_try *each, const json_t *known)
{
    each->hit = (unsigned)document_number(known, "hit");
    each->of = (unsigned)document_number(known, "of");
    snprintf(each->why, sizeof each->why, "%s", document_text(known, "why"));
}

/* Reads what an earlier run tried. What could not be installed then may be now. */
static void read_state(struct bisect *bisect)
{
    json_auto_t *state = json_load_file(bisect->state, 0, NULL);
    for (size_t i = 0; i < bisect->versions->n; i++)
        if (document_number(json_object_get(state, bisect->versions->items[i]), "of") > 0)
            take_try(&bisect->tries[i], json_object_get(state, bisect->versions->items[i]));
}

static int write_state(const struct bisect *bisect)
{
    json_auto_t *state = json_object();
    for (size_t i = 0; i < bisect->versions->n; i++) {
        const struct bisect_try *each = &bisect->tries[i];
        if (each->of || each->why[0])
            json_object_set_new(
                state, each->version,
                json_pack("{s:i, s:i, s:s}", "hit", (int)each->hit, "of", (int)each->of, "why", each->why));
    }
    return document_write(bisect->state, state);
}

/* The trials of the version where the finding was made decide how many are significant elsewhere. */
static bool is_decided(const struct bisect *bisect, const struct trials *trials)
{
    const json_t *again = json_object_get(json_object_get(bisect->finding, "verification"), "again");
    struct verification known = {
        .again = {(unsigned)document_number(again, "hit"), (unsigned)document_number(again, "of")}};
    for (size_t i = 0; i < bisect->versions->n; i++)
        if (bisect->tries[i].hit > 0 && known.again.hit == 0)
            known.again = (struct trials){bisect->tries[i].hit, bisect->tries[i].of};
    if (trials->hit > 0)
        return trials->hit >= HITS || trials->of >= 2 * HITS;
    return trials->of >= CHILDREN_MAX ||
           (trials->of >= CHILDREN_LEAST && verification_is_telling(&known, trials));
}

static void run_trials(struct bisect *bisect, const struct plan *plan, struct mode_run *mode,
                       const struct job_settings *settings, struct bisect_try *ret)
{
    struct session session = {.request = mode->request, .mode = mode, .settings = *settings};
    struct repeat repeat = {.id = document_text(bisect->finding, "id"),
                            .signature = document_text(bisect->finding, "signature"),
                            .hits = UINT32_MAX,
                            .deadline = bisect->deadline};
    const struct trials *again = &repeat.found.again;
    while (!is_decided(bisect, again) && repeat_once(&repeat, &session, plan) >= 0)
        ;
    bisect->interrupted |= session.interrupted;
    if (session.run.reason)
        snprintf(ret->why, sizeof ret->why, "%s", session.run.reason);
    else if (!session.interrupted && (is_decided(bisect, again) || again->hit > 0))
        ret->hit = again->hit, ret->of = again->of;
    session_clear(&session);
}

void bisect_say(const struct bisect_try *each, char *text, size_t size)
{
    if (each->why[0])
        snprintf(text, size, "not tried: %s", each->why);
    else if (each->hit)
        snprintf(text, size, "fails in %u of %u", each->hit, each->of);
    else
        snprintf(text, size, "0 of %u; below %.2g %% at 95 %%", each->of, 100 * verification_bound(each->of));
}

static void add_tried(json_t *list, const char *dir, const char *name)
{
    const char *key;
    json_t *value;
    cleanup_free char *path = NULL;
    if (asprintf(&path, "%s/%s", dir, name) < 0)
        return;
    json_auto_t *state = json_load_file(path, 0, NULL);
    json_object_foreach (state, key, value) {
        char text[320];
        struct bisect_try each = {.version = key};
        take_try(&each, value);
        bisect_say(&each, text, sizeof text);
        json_array_append_new(list,
                              json_pack("{s:s%, s:s, s:s}", "package", name + strlen(PREFIX),
                                        strlen(name) - strlen(PREFIX SUFFIX), "version", key, "says", text));
    }
}

static int is_state(const struct dirent *entry)
{
    return strncmp(entry->d_name, PREFIX, strlen(PREFIX)) == 0 && strstr(entry->d_name, SUFFIX);
}

json_t *bisect_list_tried(const char *dir)
{
    struct dirent **entries;
    json_t *list = json_array();
    int n = scandir(dir, &entries, is_state, alphasort);
    for (int i = 0; i < n; i++) {
        add_tried(list, dir, entries[i]->d_name);
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return list;
}

static void say_try(const struct bisect *bisect, const struct bisect_try *each)
{
    char text[320];
    bisect_say(each, text, sizeof text);
    if (!bisect->request->quiet && (each->of || each->why[0]))
        fprintf(stderr, "ftstress: %s %s: %s\n", bisect->package, each->version, text);
}

static bool is_over(const struct bisect *bisect)
{
    return bisect->interrupted || clock_now() >= bisect->deadline;
}

/* Says on a terminal that pip is at work, which may take minutes. */
static void say_install(const struct bisect *bisect, const struct bisect_try *each)
{
    if (isatty(STDERR_FILENO) && !bisect->request->quiet)
        fprintf(stderr, "\r\e[K%s %s: pip installs it", bisect->package, each->version);
}

/* Says what came out and keeps it at once. Returns true where the result is known. */
static bool keep_try(struct bisect *bisect, const struct bisect_try *each)
{
    if (isatty(STDERR_FILENO) && !bisect->request->quiet)
        fputs("\r\e[K", stderr);
    say_try(bisect, each);
    bisect->error = bisect->error ? bisect->error : write_state(bisect);
    return each->of > 0;
}

/* Tries a version in a venv of its own, unless an earlier run did. Returns true where its result is known. */
static bool try_version(struct bisect *bisect, size_t at)
{
    struct bisect_try *each = &bisect->tries[at];
    struct request asked = *bisect->request;
    struct sentence error;
    char *python = NULL;
    if (each->of || each->why[0])
        return each->of > 0;
    if (is_over(bisect))
        return false;
    say_install(bisect, each);
    if (versions_install(bisect->mode, bisect->package, each->version,
                         json_object_get(bisect->finding, "environment"), &python, &error) < 0) {
        snprintf(each->why, sizeof each->why, "%.240s", error.what);
        return keep_try(bisect, each);
    }
    asked.python = python;
    struct mode_run mode = {.row = bisect->mode->row, .request = &asked};
    char name[64];
    struct plan plan = *bisect->plan;
    snprintf(name, sizeof name, "%s %s", bisect->package, each->version);
    plan.name = name;
    if (mode_open(&mode, &plan, 1, &error) != 0)
        snprintf(each->why, sizeof each->why, "%.240s", error.what);
    else {
        struct job_settings there = bisect->settings;
        there.child = mode.child;
        there.python = mode.probe.executable;
        there.launch = mode.launch;
        run_trials(bisect, &plan, &mode, &there, each);
    }
    mode_close(&mode);
    free(python);
    return keep_try(bisect, each);
}

/* Tries the version at a position, or else the next one towards `stop`. Returns its position, or that of `stop`. */
static size_t try_towards(struct bisect *bisect, size_t at, size_t stop)
{
    while (at != stop && !is_over(bisect) && !try_version(bisect, at))
        at += at < stop ? 1 : (size_t)-1;
    return at;
}

static bool is_bad(const struct bisect *bisect, size_t at)
{
    return bisect->tries[at].hit > 0;
}

/* Halves the range between two versions that differ, until no version between them can be tried. */
static int halve(struct bisect *bisect, size_t low, size_t high)
{
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        size_t at = try_towards(bisect, middle, high);
        if (at == high)
            at = try_towards(bisect, middle, low);
        if (bisect->error)
            return bisect->error;
        if (is_over(bisect) && bisect->tries[at].of == 0)
            return -ETIME;
        if (at == low || at == high)
            break;
        if (is_bad(bisect, at) == is_bad(bisect, low))
            low = at;
        else
            high = at;
    }
    bisect->before = low;
    bisect->after = high;
    bisect->found = true;
    return 0;
}

int bisect_run(struct bisect *bisect, struct sentence *error)
{
    bisect->tries = calloc(bisect->versions->n, sizeof *bisect->tries);
    if (!bisect->tries)
        return sentence_fail(-ENOMEM, error, "", "no memory");
    for (size_t i = 0; i < bisect->versions->n; i++)
        bisect->tries[i].version = bisect->versions->items[i];
    read_state(bisect);
    size_t low = try_towards(bisect, bisect->from, bisect->to), high = bisect->to;
    if (low == bisect->to)
        try_version(bisect, low);
    else if (!is_over(bisect))
        high = try_towards(bisect, bisect->to, low);
    int result = bisect->error;
    if (!result && (bisect->tries[low].of == 0 || bisect->tries[high].of == 0))
        result = -ETIME;
    if (!result && low != high && is_bad(bisect, low) != is_bad(bisect, high))
        result = halve(bisect, low, high);
    if (result == -ETIME && !is_over(bisect))
        return sentence_fail(-ENOENT, error, "", "no version of %s in this range can be tried: %s",
                             bisect->package, bisect->tries[bisect->from].why);
    if (!result && low == high)
        return sentence_fail(-ENOENT, error, "write another range", "only %s %s of this range can be tried",
                             bisect->package, bisect->tries[low].version);
    if (result && result != -ETIME)
        sentence_fail(result, error, "", "cannot write %s: %s", bisect->state, strerror(-result));
    return result;
}

void bisect_clear(struct bisect *bisect)
{
    free(bisect->tries);
    bisect->tries = NULL;
}
