#include "driver/report/kept.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/fail.h"
#include "base/fd.h"
#include "base/path.h"
#include "driver/outcome/package.h"

#define SCHEMA "ftstress-report/1"

const char *kept_text(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "";
}

json_int_t kept_number(const json_t *json, const char *key)
{
    return json_integer_value(json_object_get(json, key));
}

double kept_real(const json_t *json, const char *key)
{
    return json_number_value(json_object_get(json, key));
}

bool kept_environment_shows(const char *key)
{
    return key[0] != '_' && strcmp(key, "abi") != 0 && strcmp(key, "mutates") != 0;
}

/* Loading. */

/* A report without a date is as old as its file. */
static void put_date(json_t *json, const char *path)
{
    struct stat info;
    struct tm broken;
    char text[32];
    if (json_object_get(json, "date") || stat(path, &info) < 0 || !gmtime_r(&info.st_mtime, &broken) ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &broken) == 0)
        return;
    json_object_set_new(json, "date", json_string(text));
}

static bool is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISDIR(info.st_mode);
}

static json_t *find_finding(const json_t *report, const char *id)
{
    size_t i;
    json_t *finding;
    json_array_foreach (json_object_get(report, "findings"), i, finding)
        if (*id && strcmp(kept_text(finding, "id"), id) == 0)
            return finding;
    return NULL;
}

/* The finding is of another run than the last one: what is known of its own run is what was kept with it. */
static json_t *make_report(const json_t *finding)
{
    const char *statement = kept_text(finding, "statement");
    json_t *environment = json_object_get(finding, "environment"),
           *verification = json_object_get(finding, "verification");
    return json_pack("{s:s, s:s, s:s, s:n, s:O*, s:O*, s:O*, s:[s]}", "schema", SCHEMA, "name",
                     *statement ? statement : kept_text(finding, "id"), "verdict", "finding", "reason",
                     "threads", json_object_get(json_object_get(finding, "plan"), "threads"), "environment",
                     environment, "verification", verification, "notes",
                     "this finding is of an earlier run; how many calls that run made was not kept");
}

/* A report of this finding alone; that of its run lies one folder up, unless another run came after it. Takes the
 * finding over. */
static json_t *report_of_finding(json_t *finding, const char *path)
{
    cleanup_free char *beside = NULL;
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash - path) : 1;
    if (asprintf(&beside, "%.*s/../report.json", length, slash ? path : ".") < 0)
        return NULL;
    json_t *report = json_load_file(beside, 0, NULL);
    if (find_finding(report, kept_text(finding, "id"))) {
        put_date(report, beside);
    } else {
        json_decref(report);
        report = make_report(finding);
        put_date(report, path);
    }
    json_t *findings = json_pack("[o]", finding);
    if (report && findings)
        json_object_set_new(report, "findings", findings);
    return report;
}

static int load_file(const char *path, json_t **ret_report, char *error, size_t size)
{
    json_error_t problem;
    json_t *json = json_load_file(path, 0, &problem);
    if (!json)
        return fail(-EINVAL, error, size, "cannot read %s: %s (line %d)", path, problem.text, problem.line);
    if (strcmp(kept_text(json, "schema"), SCHEMA) == 0) {
        put_date(json, path);
        *ret_report = json;
        return 0;
    }
    if (*kept_text(json, "id") && *kept_text(json, "kind")) {
        *ret_report = report_of_finding(json, path);
        return *ret_report ? 0 : fail(-ENOMEM, error, size, "no memory for the report");
    }
    json_decref(json);
    return fail(-EINVAL, error, size, "%s is no report of ftstress (" SCHEMA "); name one that --json wrote",
                path);
}

/* An id under `out` comes before a path of the same name. */
static int find_path(const char *out, const char *what, char **ret_path)
{
    static const char *const forms[] = {"%1$s/%2$s/finding.json", "%2$s/finding.json", "%2$s/report.json",
                                        "%2$s"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (asprintf(ret_path, forms[i], out, what) < 0)
            return -ENOMEM;
        if (is_file(*ret_path))
            return 0;
        free(*ret_path);
    }
    *ret_path = NULL;
    return -ENOENT;
}

int kept_load(const char *out, const char *what, json_t **ret_report, char *error, size_t error_size)
{
    cleanup_free char *path = NULL;
    int result = 0;
    if (what)
        result = find_path(out, what, &path);
    else if (asprintf(&path, "%s/report.json", out) < 0)
        result = -ENOMEM;
    if (result == -ENOENT)
        return fail(result, error, error_size,
                    "there is no finding or report '%s', here or under %s; see `ftstress list findings`",
                    what, out);
    if (!result && !is_file(path))
        return fail(-ENOENT, error, error_size,
                    "there is no report under %s; begin with `ftstress run`, or name its folder with --out",
                    out);
    return result ? result : load_file(path, ret_report, error, error_size);
}

/* Frames. */

/* What does not fit is cut between characters: half of one would be no UTF-8. */
static void say(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void say(char *text, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, size, format, arguments);
    va_end(arguments);
    if (n < 0 || (size_t)n < size)
        return;
    size_t end = size - 1;
    while (end > 0 && ((unsigned char)text[end - 1] & 0xc0) == 0x80)
        end--;
    if (end > 0 && (unsigned char)text[end - 1] >= 0xc0)
        end--;
    text[end] = '\0';
}

size_t kept_frames(const json_t *stack)
{
    static const struct outcome nothing;
    size_t i;
    const json_t *frame;
    json_array_foreach (json_object_get(stack, "frames"), i, frame) {
        char name[8];
        const struct symbol_frame symbol = {
            .module = (char *)json_string_value(json_object_get(frame, "module")),
            .file = (char *)json_string_value(json_object_get(frame, "file")),
        };
        if (package_frame_owner(&nothing, &symbol, name, sizeof name) == OWNER_HARNESS)
            return i;
    }
    return json_array_size(json_object_get(stack, "frames"));
}

void kept_say_place(const json_t *frame, char *text, size_t size)
{
    const char *module = kept_text(frame, "module"), *offset = kept_text(frame, "offset");
    say(text, size, "%s%s%s", path_base(module), *module && *offset ? "+" : "", *module ? offset : "");
}

void kept_say_source(const json_t *frame, char *text, size_t size)
{
    const char *file = kept_text(frame, "file");
    *text = '\0';
    if (*file)
        say(text, size, "%s:%lld", path_base(file), (long long)kept_number(frame, "line"));
}

const char *kept_function(const json_t *frame)
{
    const char *function = kept_text(frame, "function");
    return *function ? function : "??";
}

/* Sentences. */

static bool is_likely(const json_t *finding)
{
    const json_t *block = json_object_get(finding, "block");
    return json_is_object(block) && !json_is_true(json_object_get(block, "trapped")) &&
           strcmp(kept_text(finding, "blame"), "target") == 0;
}

static const char *blame_sentence(const json_t *finding)
{
    static const char *const sentences[][2] = {
        {"target", "the target's fault"},
        {"interpreter", "the interpreter's fault"},
        {"user",
         "user error: the statements change an array while others use it, which NumPy documents as unsafe"},
    };
    const char *blame = kept_text(finding, "blame");
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
        if (strcmp(blame, sentences[i][0]) == 0)
            return sentences[i][1];
    return "not known from this evidence alone";
}

char *kept_say_blame(const json_t *finding)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    const char *function = kept_text(finding, "function"), *package = kept_text(finding, "package"),
               *cause = kept_text(finding, "cause");
    bool names = strcmp(kept_text(finding, "blame"), "user") != 0;
    if (!out)
        return NULL;
    if (is_likely(finding) && !*cause) {
        fprintf(out, "most likely the target's: the block is of %s in %s",
                *function ? function : "a function without a name",
                *package ? package : "an unknown package");
    } else {
        fputs(blame_sentence(finding), out);
        if (names && *function)
            fprintf(out, ": %s", function);
        if (names && *package)
            fprintf(out, " in %s", package);
        if (*cause)
            fprintf(out, " (a consequence of %s)", cause);
    }
    return fclose(out) == 0 ? text : NULL;
}

char *kept_say_seen(const json_t *finding)
{
    char *text, where[128];
    const json_t *runs = json_object_get(finding, "runs"), *plan = json_object_get(finding, "plan");
    long long count = kept_number(finding, "count");
    if (json_is_true(json_object_get(finding, "serial")))
        say(where, sizeof where, "; one thread is enough to see it");
    else
        say(where, sizeof where, ", %lld threads, inputs shared: %s", (long long)kept_number(plan, "threads"),
            kept_text(finding, "rung"));
    return asprintf(&text, "seen %lld time%s, in %lld of %lld children%s", count, count == 1 ? "" : "s",
                    (long long)kept_number(runs, "hit"), (long long)kept_number(runs, "of"), where) < 0
               ? NULL
               : text;
}

static void say_trials(const char *what, const char *call, const json_t *trials, FILE *out)
{
    if (kept_number(trials, "of") > 0)
        fprintf(out, "%s%s: fails in %lld of %lld fresh children (%.0f to %.0f %% at 95 %% confidence)\n",
                what, call, (long long)kept_number(trials, "hit"), (long long)kept_number(trials, "of"),
                100 * kept_real(trials, "low"), 100 * kept_real(trials, "high"));
}

static void say_one(const json_t *verification, FILE *out)
{
    static const char *const arms[][2] = {{"private", "with private inputs"},
                                          {"gil", "with the GIL on"},
                                          {"one_thread", "on one thread"},
                                          {"no_package", "without any package"}};
    const char *about = kept_text(verification, "finding"), *rule = kept_text(verification, "rule");
    const json_t *first = json_object_get(verification, "first"), *arm;
    size_t i;
    say_trials(about, *about ? " run again" : "run again", json_object_get(verification, "again"), out);
    if (kept_real(first, "hits") > 0)
        fprintf(out, "first after %.0f calls, %.2g s (median)\n", kept_real(first, "calls"),
                kept_real(first, "seconds"));
    for (i = 0; i < sizeof arms / sizeof *arms; i++)
        say_trials(arms[i][1], "", json_object_get(verification, arms[i][0]), out);
    json_array_foreach (json_object_get(verification, "knock_outs"), i, arm)
        say_trials("without ", kept_text(arm, "without"), json_object_get(arm, "trials"), out);
    json_array_foreach (json_object_get(verification, "inputs"), i, arm)
        say_trials("with a private ", kept_text(arm, "private"), json_object_get(arm, "trials"), out);
    if (*rule)
        fprintf(out, "%s: %s\n", kept_text(verification, "rung"), rule);
    if (*kept_text(verification, "sentence"))
        fprintf(out, "%s\n", kept_text(verification, "sentence"));
}

char *kept_say_verification(const json_t *report)
{
    const json_t *all = json_object_get(report, "verifications"), *one;
    char *text;
    size_t size, i;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    if (json_array_size(all) == 0)
        say_one(json_object_get(report, "verification"), out);
    json_array_foreach (all, i, one)
        say_one(one, out);
    return fclose(out) == 0 ? text : NULL;
}

char *kept_say_title(const json_t *finding)
{
    char *text, kind[64];
    const char *function = kept_text(finding, "function"), *package = kept_text(finding, "package"),
               *statement = kept_text(finding, "statement");
    const char *where = *function ? function : statement;
    say(kind, sizeof kind, "%s", kept_text(finding, "kind"));
    for (char *c = kind; *c; c++)
        if (*c == '-')
            *c = ' ';
    return asprintf(&text, "%s%s%s%s%s%s", kind, *where ? " in " : "", where, *package ? " (" : "", package,
                    *package ? ")" : "") < 0
               ? NULL
               : text;
}
