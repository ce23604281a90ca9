/* What calls made and Python's end leaves behind: lost, or held by whom. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/counted.h"
#include "driver/judge_inside.h"

/* One in so many calls: not a few that somebody keeps, but one more with the calls. */
#define PART 200
#define MANY 8

static bool are_many(const struct record *record, enum record_left which)
{
    int64_t n = record->values[which];
    return n >= MANY && n * PART >= record->values[LEFT_CALLS];
}

static bool grows_with_calls(const struct record *record)
{
    return are_many(record, LEFT_LATER);
}

/* What a module makes when a function first imports it, and types of an interpreter that never frees any hold for good,
 * is no leak: something is, when there is more of it with more calls, or when compiled code keeps it on its own
 * account. */
static bool is_held_natively(const struct record *record)
{
    return record->values[LEFT_HOLDER] == HOLDER_STATIC || record->values[LEFT_HOLDER] == HOLDER_THREAD;
}

/* The variable, where the file has a symbol for it, and the path to it. */
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
        return judge_format("held by what nobody refers to in turn: %s", path);
    default:
        return strdup("no memory refers to it: its reference was lost");
    }
}

static char *say_what(const struct record *record)
{
    int64_t all = record->values[LEFT_FIRST] + record->values[LEFT_LATER];
    double rate = (double)record->values[LEFT_LATER] / (double)(record->values[LEFT_CALLS] + 1);
    char each[48] = "";
    if (grows_with_calls(record))
        snprintf(each, sizeof each, ", %.2f for each call,", rate);
    if (record->values[LEFT_OF] == SERIES_OBJECTS)
        return judge_format("%lld %s%s left when Python had ended", (long long)all, record_text(record, 0),
                            each);
    return judge_format("%lld native blocks of %lld bytes%s left when Python had ended", (long long)all,
                        (long long)record->values[LEFT_BYTES], each);
}

/* Whose type it is tells more than who called its constructor. */
static void blame_type(const struct judge *judge, const char *type, struct finding *finding)
{
    size_t top = strcspn(type, ".");
    for (size_t i = 0; type[top] && !finding->package && i + 1 < judge->outcome->npackages; i += 2) {
        const char *package = judge->outcome->packages[i + 1];
        if (strncmp(package, type, top) != 0 || (package[top] != '\0' && package[top] != '.'))
            continue;
        char *name = strndup(type, top);
        finding->package = name ? judge_name_package(judge, judge->outcome->packages[i], name) : NULL;
        free(name);
    }
    finding->blame = finding->package ? BLAME_TARGET : BLAME_UNKNOWN;
}

static void judge_left(struct judge *judge, const struct record *record)
{
    if (!grows_with_calls(record) && !is_held_natively(record))
        return;
    struct finding *finding = judge_new_finding(judge, FINDING_SHUTDOWN_LEAK, "leak", DETECTOR_SHUTDOWN);
    if (!finding)
        return;
    bool objects = record->values[LEFT_OF] == SERIES_OBJECTS;
    const char *release = judge->plan->release;
    struct symbol_stack stack = judge_stack(judge, record->frames, record->nframes, false);
    judge_maker(judge, &stack, &finding->function, &finding->package);
    blame_type(judge, record_text(record, 0), finding);
    char *what = say_what(record), *holder = objects ? say_holder(judge, record) : NULL;
    finding->message =
        judge_format("%s%s%s%s%s%s", what ? what : "", holder ? "; " : "", holder ? holder : "",
                     release ? "; `" : "", release ? release : "", release ? "` did not free them" : "");
    finding->signature = judge_format("shutdown|%s|%s", record_text(record, 0),
                                      finding->function && !objects ? finding->function : "");
    finding->count = (uint64_t)(record->values[LEFT_FIRST] + record->values[LEFT_LATER]);
    free(what);
    free(holder);
    if (are_many(record, LEFT_IMMORTAL)) {
        note_add(&judge->report->notes,
                 "%s: the interpreter made objects immortal meanwhile, and keeps what they hold",
                 finding->message);
        finding_free(finding);
        symbol_stack_free(&stack);
        return;
    }
    finding = finding_list_add(&judge->report->findings, finding, judge->child);
    if (finding && finding->nstacks == 0 && stack.nframes > 0)
        finding_add_stack(finding, strdup("made here"), stack);
    else
        symbol_stack_free(&stack);
}

void judge_shutdown(struct judge *judge)
{
    for (size_t i = 0; i < judge->outcome->nrecords; i++)
        if (judge->outcome->records[i]->type == RECORD_LEFT)
            judge_left(judge, judge->outcome->records[i]);
}
