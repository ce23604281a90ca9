/* `ftstress reproduce`: how often a kept finding fails again. */
#include "driver/command/command_inside.h"
#include "driver/command/kept.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/text.h"
#include "core/wire/status.h"
#include "driver/report/document.h"
#include "driver/report/report.h"
#include "driver/session/repeat.h"

#define TIME (60 * CLOCK_SECOND)
/* Failures that are enough. */
#define HITS 3

/* Returns the value of an environment's key in this run, or "". */
static const char *value_now(const struct run *run, const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < run->nenvironment; i++)
        if (strncmp(run->environment[i], key, length) == 0 && run->environment[i][length] == '=')
            return run->environment[i] + length + 1;
    return "";
}

/* The first word: a version is followed by the date of its build. */
static bool is_equal(const char *was, const char *is)
{
    size_t length = strcspn(was, " ");
    return length == strcspn(is, " ") && strncmp(was, is, length) == 0;
}

/* Names files of the finding that were built anew, where no version says so. */
static void say_files(const json_t *environment, const struct run *run, char **text)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)environment, key, value) {
        const char *is = value_now(run, key);
        cleanup_free char *part = NULL;
        bool changed = strncmp(key, RUN_FILE_KEY, strlen(RUN_FILE_KEY)) == 0 && *is &&
                       strcmp(is, document_text(environment, key)) != 0;
        if (changed && asprintf(&part, "%s is another build", path_base(key)) >= 0)
            text_join(text, ", ", part);
    }
}

/* Returns "numpy was 2.2.2 and is 2.2.6, …"; NULL where nothing differs. The caller's. */
static char *say_differences(const json_t *finding, const struct run *run)
{
    const char *key;
    json_t *value;
    char *text = NULL;
    if (run->nenvironment == 0 || run->children == 0)
        return NULL;
    json_object_foreach (json_object_get(finding, "environment"), key, value) {
        const char *was = json_string_value(value), *is = value_now(run, key);
        cleanup_free char *part = NULL;
        bool compares = was && *key != '_' && (document_environment_shows(key) || strcmp(key, "abi") == 0) &&
                        strcmp(key, "gil") != 0;
        if (!compares || is_equal(was, is))
            continue;
        if (asprintf(&part, "%s was %.*s and is %.*s", key, (int)strcspn(was, " "), was,
                     *is ? (int)strcspn(is, " ") : 7, *is ? is : "missing") >= 0)
            text_join(&text, ", ", part);
    }
    if (!text)
        say_files(json_object_get(finding, "environment"), run, &text);
    return text;
}

static void print_rate(const struct repeat *repeat, double seconds)
{
    const struct trials *again = &repeat->found.again;
    double low, high;
    verification_interval(again, &low, &high);
    if (again->hit == 0) {
        printf("  does not fail in %u fresh children, %.1f s: it fails in less than %.2g %% of them at 95 %% "
               "confidence\n",
               again->of, seconds, 100 * verification_bound(again->of));
        return;
    }
    printf("  fails in %u of %u fresh children, %.1f s (%.0f to %.0f %% at 95 %% confidence)", again->hit,
           again->of, seconds, low, high);
    if (repeat->found.nfirst > 0)
        printf("; first after %.0f calls, %.2g s (median)", verification_first_calls(&repeat->found),
               verification_first_seconds(&repeat->found));
    putchar('\n');
}

static void print_others(const struct repeat *repeat, const struct run *run)
{
    for (size_t i = 0; i < run->findings.n; i++) {
        const struct finding *finding = run->findings.items[i];
        if (!repeat_is_same(repeat, finding))
            printf("  another failure, in %u of %u children: %s  %s\n", finding->hit, run->children,
                   finding_kind_names[finding->kind], finding->message);
    }
}

static json_t *document_of(const struct repeat *repeat, const struct run *run, const char *differences)
{
    const struct trials *again = &repeat->found.again;
    double low, high;
    verification_interval(again, &low, &high);
    json_t *first = repeat->found.nfirst == 0
                        ? json_null()
                        : json_pack("{s:f, s:f}", "calls", verification_first_calls(&repeat->found),
                                    "seconds", verification_first_seconds(&repeat->found));
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:f, s:f, s:f, s:o, s:s?}", "schema", "ftstress-reproduce/1",
                     "id", repeat->id, "signature", repeat->signature, "hit", (int)again->hit, "of",
                     (int)again->of, "low", low / 100, "high", high / 100, "seconds", run->seconds, "first",
                     first, "differs", differences);
}

static int write_document(const char *path, json_t *document)
{
    cleanup_free char *text = document ? json_dumps(document, JSON_INDENT(2)) : NULL;
    int error = !text                     ? -ENOMEM
                : command_is_stdout(path) ? (puts(text) < 0 ? -EIO : 0)
                                          : fd_write_file(path, text, strlen(text));
    json_decref(document);
    return error ? command_fail(STATUS_HARNESS, "cannot write %s: %s", path, strerror(-error)) : 0;
}

static void print_result(const struct repeat *repeat, const struct run *run, const json_t *finding,
                         const char *differences)
{
    printf("%s  %s  %s\n", repeat->id, document_text(finding, "kind"), document_text(finding, "message"));
    if (differences && repeat->found.again.of)
        printf("  in another environment: %s\n", differences);
    if (repeat->found.again.of)
        print_rate(repeat, run->seconds);
    print_others(repeat, run);
}

/* Returns why the trials ended early, or NULL. */
static const char *say_why(const struct repeat *repeat, const struct session *session)
{
    const struct run *run = &session->run;
    return run->reason                   ? run->reason
           : run->harness_fault          ? run->harness_fault
           : session->interrupted        ? "interrupted before its end"
           : repeat->found.again.of == 0 ? "no child came to its end; give it more --time"
                                         : NULL;
}

/* Prints the result. Returns the exit status. */
static int tell(const struct repeat *repeat, const struct session *session, const json_t *finding,
                const char *dir)
{
    const char *json = session->request->json, *why = say_why(repeat, session);
    const struct trials *again = &repeat->found.again;
    cleanup_free char *differences = say_differences(finding, &session->run);
    int status = again->hit ? STATUS_FINDING : STATUS_CLEAN;
    if (!differences && again->of > 0)
        report_keep_trials(dir, again->hit, again->of);
    if (why && !again->hit)
        status = session->run.harness_fault ? STATUS_HARNESS : STATUS_UNTESTED;
    if (!json || !command_is_stdout(json))
        print_result(repeat, &session->run, finding, differences);
    if (json && write_document(json, document_of(repeat, &session->run, differences)) != 0)
        status = STATUS_HARNESS;
    fflush(stdout);
    fprintf(stderr, "ftstress: %s fails in %u of %u fresh children%s%s\n", repeat->id, again->hit, again->of,
            why ? "; " : "", why ? why : "");
    return status;
}

/* Refuses another environment than the finding's, unless -p names it. */
static bool is_elsewhere(struct session *session, const json_t *finding, const struct request *given)
{
    char *reason, *differences = say_differences(finding, &session->run);
    bool elsewhere = differences && !given->python && !session->run.reason;
    if (elsewhere &&
        asprintf(&reason, "the environment is not the finding's: %s; name one with -p", differences) >= 0)
        session->run.reason = reason;
    free(differences);
    return elsewhere;
}

static int reproduce(struct kept *kept, const struct request *given)
{
    if (given->gdb)
        return command_gdb(kept, given);
    struct mode_run *mode = &kept->mode;
    const struct plan *plan = &kept->targets.plans[0];
    const json_t *finding = kept->finding;
    struct session session = {.request = mode->request, .mode = mode, .settings = command_settings(mode)};
    uint64_t time = REQUEST_GAVE(given, plan.time) ? given->plan.time : TIME;
    struct repeat repeat = {.id = document_text(finding, "id"),
                            .signature = document_text(finding, "signature"),
                            .hits = HITS,
                            .most = 1,
                            .deadline = clock_now() + time};
    int error = repeat_run(&repeat, &session, plan);
    if (!error && !is_elsewhere(&session, finding, given)) {
        repeat.most = (unsigned)given->trials;
        error = repeat_run(&repeat, &session, plan);
    }
    repeat_conclude(&session);
    int status = error ? command_fail(STATUS_HARNESS, "cannot start a child: %s", strerror(-error))
                       : tell(&repeat, &session, finding, kept->dir);
    session_clear(&session);
    return status;
}

int command_reproduce(const struct request *request)
{
    return kept_run(request, reproduce);
}
