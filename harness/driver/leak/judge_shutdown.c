/* Finds what calls made and Python's end leaves behind, and its holder. */
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "driver/leak/judge_leak.h"

/* One object in this number of calls counts as growth with the calls. */
#define PART 200
/* Types that are listed. */
#define FLOOR_MAX 4
#define MANY 8
/* Least part of the expected growth in each part of the calls. */
#define SHARE 0.3

/* Sums objects, blocks or calls over the parts. */
static int64_t sum(const struct record *record, enum record_left which)
{
    int64_t n = 0;
    for (int part = 0; part < COUNTED_PARTS; part++)
        n += record->values[(int)which + part];
    return n;
}

static int64_t left(const struct record *record)
{
    return record->values[LEFT_FIRST] + sum(record, LEFT_PARTS);
}

static bool are_many(const struct record *record, int64_t n)
{
    return n >= MANY && n * PART >= sum(record, LEFT_CALLS);
}

/* Returns true where each part of the calls adds about its share: objects that a module makes once are no leak. */
static bool grows_with_calls(const struct record *record)
{
    int64_t all = sum(record, LEFT_PARTS), calls = sum(record, LEFT_CALLS);
    int parts = 0;
    for (int part = 0; part < COUNTED_PARTS; part++) {
        double share = (double)record->values[LEFT_CALLS + part] / (double)(calls ? calls : 1);
        if ((double)record->values[LEFT_PARTS + part] < SHARE * share * (double)all)
            return false;
        parts += share > 0;
    }
    return parts > 1 && are_many(record, all);
}

/* Names the variable, where the file has a symbol for it, and the path to it. */
static char *say_static(struct judge *judge, const struct record *record)
{
    uint64_t address = (uint64_t)record->values[LEFT_ADDRESS];
    struct symbol_stack stack = judge_stack(judge, &address, 1, true);
    const char *variable = stack.nframes > 0 ? stack.frames[0].function : NULL;
    char *text = judge_format("held by static data%s%s: %s", variable ? ", variable " : "",
                              variable ? variable : "", record_text(record, 1));
    symbol_stack_free(&stack);
    return text;
}

static char *say_holder(struct judge *judge, const struct record *record)
{
    const char *path = record_text(record, 1);
    switch ((enum holder)record->values[LEFT_HOLDER]) {
    case HOLDER_STATIC:
        return say_static(judge, record);
    case HOLDER_THREAD:
        return judge_format("held by a variable of the main thread%s%s", *path ? ": " : "", path);
    case HOLDER_CYCLE:
        return judge_format("held by a cycle: %s", path);
    case HOLDER_HEAP:
    case HOLDER_OBJECT:
        return judge_format("held by an object that nothing refers to: %s", path);
    default:
        return strdup("no memory refers to it: its reference was lost");
    }
}

static char *say_what(const struct record *record)
{
    int64_t all = left(record);
    double rate = (double)sum(record, LEFT_PARTS) / (double)(sum(record, LEFT_CALLS) + 1);
    char each[48] = "", blocks[64];
    if (grows_with_calls(record))
        snprintf(each, sizeof each, ", %.2f for each call,", rate);
    snprintf(blocks, sizeof blocks, "native blocks of %lld bytes", (long long)record->values[LEFT_BYTES]);
    const char *what = record->values[LEFT_OF] == SERIES_OBJECTS ? record_text(record, 0) : blocks;
    return judge_format("%lld %s%s left when Python had ended", (long long)all, what, each);
}

/* Where no package made the object, the package of its type is the suspect. */
static void suspect_type(const struct judge *judge, const char *type, struct finding *finding)
{
    struct evidence *evidence = &finding->evidence;
    char *package = strchr(type, '.') && !evidence->package ? judge_package_of(judge, type) : NULL;
    if (!package)
        return;
    evidence->by = EVIDENCE_NAME;
    evidence->blame = BLAME_TARGET;
    evidence->package = package;
}

static char *say_left(struct judge *judge, const struct record *record)
{
    const char *release = judge->plan->release;
    bool objects = record->values[LEFT_OF] == SERIES_OBJECTS;
    cleanup_free char *what = say_what(record), *holder = objects ? say_holder(judge, record) : NULL;
    return judge_format("%s%s%s%s%s%s", what ? what : "", holder ? "; " : "", holder ? holder : "",
                        release ? "; `" : "", release ? release : "", release ? "` did not free them" : "");
}

static void judge_left(struct judge *judge, const struct record *record)
{
    cleanup_free char *message = grows_with_calls(record) ? say_left(judge, record) : NULL;
    if (!message)
        return;
    if (are_many(record, record->values[LEFT_IMMORTAL])) {
        note_add(&judge->run->notes,
                 "%s: the interpreter made objects immortal meanwhile, and keeps what they hold", message);
        return;
    }
    struct finding *finding =
        judge_new_finding(judge, FINDING_SHUTDOWN_LEAK, SEVERITY_LEAK, DETECTOR_SHUTDOWN);
    if (!finding)
        return;
    struct symbol_stack stack = judge_stack(judge, record->frames, record->nframes, false);
    judge_suspect_maker(judge, finding, EVIDENCE_LOSS, &stack);
    suspect_type(judge, record_text(record, 0), finding);
    const char *function = finding->evidence.function;
    bool by_site = function && record->values[LEFT_OF] != SERIES_OBJECTS;
    finding->message = strdup(message);
    finding->signature = judge_format("shutdown|%s|%s", record_text(record, 0), by_site ? function : "");
    finding->count = (uint64_t)left(record);
    finding = finding_list_add(&judge->run->findings, finding, judge->child);
    if (finding && finding->nstacks == 0 && stack.nframes > 0)
        finding_add_stack(finding, strdup("made here"), stack);
    else
        symbol_stack_free(&stack);
}

/* Notes the objects that compiled code holds, independent of the calls. */
static void note_floor(struct judge *judge)
{
    const struct outcome *outcome = judge->outcome;
    struct judge_list list = {.gap = "; ", .max = FLOOR_MAX};
    for (size_t i = 0; i < outcome->nrecords; i++) {
        const struct record *record = outcome->records[i];
        int64_t by = record->values[LEFT_HOLDER];
        if (record->type != RECORD_LEFT || record->values[LEFT_OF] != SERIES_OBJECTS ||
            (by != HOLDER_STATIC && by != HOLDER_THREAD) || grows_with_calls(record))
            continue;
        cleanup_free char *holder = say_holder(judge, record);
        judge_list_add(&list, "%lld %s, %s", (long long)left(record), record_text(record, 0),
                       holder ? holder : "");
    }
    cleanup_free char *text = judge_list_end(&list);
    if (text)
        note_add(&judge->run->notes, "process-lifetime-floor: left when Python had ended: %s", text);
}

void judge_shutdown(struct judge *judge)
{
    note_floor(judge);
    for (size_t i = 0; i < judge->outcome->nrecords; i++)
        if (judge->outcome->records[i]->type == RECORD_LEFT)
            judge_left(judge, judge->outcome->records[i]);
}
