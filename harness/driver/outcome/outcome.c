#include "driver/outcome/outcome.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/list.h"
#include "base/text.h"
#include "core/wire/status.h"

static int add_environment(struct outcome *outcome, const char *text)
{
    char key[128] = "";
    size_t length = strcspn(text, "=");
    strncat(key, text, length < sizeof key - 1 ? length : sizeof key - 1);
    if (text_value(outcome->environment, outcome->nenvironment, key))
        return 0;
    return strings_add(&outcome->environment, &outcome->nenvironment, text);
}

void facts_merge(struct facts *facts, const struct facts *more)
{
    if (facts->gil == GIL_UNKNOWN)
        facts->gil = more->gil;
    if (facts->changes == CHANGES_NONE)
        facts->changes = more->changes;
    if (!facts->writes && more->writes)
        facts->writes = strdup(more->writes);
    facts->traced_calls += more->traced_calls;
    if (facts->traced_words < more->traced_words)
        facts->traced_words = more->traced_words;
}

static void add_fact(struct outcome *outcome, const struct record *record)
{
    struct facts fact = {0};
    int64_t value = record->values[FACT_VALUE];
    switch ((enum fact_kind)record->values[FACT_KIND]) {
    case FACT_GIL:
        fact.gil = value ? GIL_ON : GIL_OFF;
        break;
    case FACT_CHANGES:
        fact.changes = value == CHANGES_SEEN ? CHANGES_SEEN : CHANGES_POSSIBLE;
        break;
    case FACT_WRITES:
        fact.writes = (char *)record_text(record, 0);
        break;
    case FACT_TRACED:
        fact.traced_calls = (uint64_t)record->values[FACT_CALLS];
        fact.traced_words = (uint64_t)value;
        break;
    }
    facts_merge(&outcome->facts, &fact);
}

static int add_package(struct outcome *outcome, const struct record *record)
{
    const char *path = record_text(record, 0), *distribution = record_text(record, 2);
    for (size_t i = 0; i < outcome->npackages; i += 2)
        if (strcmp(outcome->packages[i], path) == 0)
            return 0;
    int error = strings_add(&outcome->packages, &outcome->npackages, path);
    if (!error)
        error = strings_add(&outcome->packages, &outcome->npackages, record_text(record, 1));
    if (!error && *distribution)
        error = strings_add(&outcome->distributions, &outcome->ndistributions, path);
    if (!error && *distribution)
        error = strings_add(&outcome->distributions, &outcome->ndistributions, distribution);
    return error;
}

static int add_maps(struct outcome *outcome, const struct record *record)
{
    if (record->values[0]) { /* the first piece */
        free(outcome->maps);
        outcome->maps = NULL;
    }
    return text_join(&outcome->maps, "", record_text(record, 0));
}

static int add_cannot(struct outcome *outcome, const struct record *record)
{
    if (outcome->cannot)
        return 0;
    outcome->cannot = strdup(record_text(record, 0));
    outcome->cannot_status = (int)record->values[CANNOT_STATUS];
    outcome->cannot_reason = (enum cannot_reason)record->values[CANNOT_REASON];
    return outcome->cannot ? 0 : -ENOMEM;
}

static int add_evidence(struct outcome *outcome, const struct record *record)
{
    if (outcome->nrecords == OUTCOME_RECORDS_MAX) {
        outcome->dropped_records++;
        return 0;
    }
    struct record *copy = malloc(sizeof *copy);
    if (!copy || list_grow(&outcome->records, outcome->nrecords, sizeof copy) < 0) {
        free(copy);
        return -ENOMEM;
    }
    *copy = *record;
    outcome->records[outcome->nrecords++] = copy;
    return 0;
}

int outcome_add(struct outcome *outcome, const struct record *record)
{
    switch (record->type) {
    case RECORD_ENVIRONMENT:
        return add_environment(outcome, record_text(record, 0));
    case RECORD_FACT:
        add_fact(outcome, record);
        return 0;
    case RECORD_PACKAGE:
        return add_package(outcome, record);
    case RECORD_STATEMENT:
        return statement_add(&outcome->statements, record);
    case RECORD_COMPARED:
        return compared_add_record(&outcome->compared, record);
    case RECORD_MAPS:
        return add_maps(outcome, record);
    case RECORD_CANNOT:
        return add_cannot(outcome, record);
    case RECORD_FINISHED:
        outcome->finished = true;
        outcome->worked = (uint64_t)record->values[FINISHED_TIME];
        outcome->walks = (struct walks){.rounds = (uint64_t)record->values[FINISHED_ROUNDS],
                                        .blocks = (uint64_t)record->values[FINISHED_WALKED],
                                        .nanoseconds = (uint64_t)record->values[FINISHED_WALK_TIME],
                                        .present = (uint64_t)record->values[FINISHED_BLOCKS]};
        return 0;
    default:
        return add_evidence(outcome, record);
    }
}

const struct scene_page *outcome_page(const struct outcome *outcome, pid_t tid)
{
    for (size_t i = 0; i < outcome->npages; i++)
        if (outcome->pages[i].tid == tid)
            return &outcome->pages[i];
    return NULL;
}

/* The runtime reports a race again for each other stack that leads to it. */
void outcome_add_race(struct outcome *outcome, struct tsan_report *report)
{
    for (size_t i = 0; i < outcome->nraces; i++)
        if (tsan_report_same(outcome->races[i], report)) {
            outcome->races[i]->count++;
            tsan_report_free(report);
            return;
        }
    if (outcome->nraces < OUTCOME_RACES_MAX &&
        list_grow(&outcome->races, outcome->nraces, sizeof report) == 0) {
        outcome->races[outcome->nraces++] = report;
        return;
    }
    outcome->dropped_races++;
    tsan_report_free(report);
}

/* Did the driver end it? */
static bool is_ended(const struct outcome *outcome)
{
    return outcome->cannot || outcome->hung || outcome->stopped || outcome->over_memory || outcome->overran ||
           outcome->interrupted;
}

bool outcome_killed(const struct outcome *outcome)
{
    return !is_ended(outcome) && outcome->wait_status == SIGKILL && outcome->own_signal != SIGKILL;
}

bool outcome_crashed(const struct outcome *outcome)
{
    if (is_ended(outcome) || outcome_killed(outcome))
        return false;
    if (WIFSIGNALED(outcome->wait_status))
        return true;
    /* The child returns STATUS_HARNESS when Python could not finalise. */
    int status = WEXITSTATUS(outcome->wait_status);
    bool own = status == STATUS_CLEAN || status == STATUS_HARNESS ||
               (outcome->wire_lost && status == STATUS_UNTESTED); /* its reason did not arrive */
    return (!outcome->finished && !outcome->wire_lost) || !own;
}

void outcome_clear(struct outcome *outcome)
{
    for (size_t i = 0; i < outcome->nrecords; i++)
        free(outcome->records[i]);
    free(outcome->records);
    for (size_t i = 0; i < outcome->nraces; i++)
        tsan_report_free(outcome->races[i]);
    free(outcome->races);
    if (outcome->tool_log)
        munmap((void *)outcome->tool_log, outcome->tool_log_size);
    strings_free(outcome->environment, outcome->nenvironment);
    strings_free(outcome->packages, outcome->npackages);
    strings_free(outcome->distributions, outcome->ndistributions);
    statement_list_clear(&outcome->statements);
    free(outcome->facts.writes);
    compared_clear(&outcome->compared);
    free(outcome->maps);
    free(outcome->cannot);
    free(outcome->sentence);
    free(outcome->stderr_text);
    symbol_threads_free(outcome->threads, outcome->nthreads);
    free(outcome->pages);
    free(outcome->sleepers);
    *outcome = (struct outcome){0};
}
