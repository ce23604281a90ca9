/* Judges updates of shared memory that were lost: the detector watch saw another thread's write come in between. */
#include "driver/judge/judge_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"

/* One of the two threads. */
struct side {
    struct symbol_stack stack;
    const struct symbol_frame *frame; /* innermost of a package, or NULL */
    char package[128];
};

static struct side side_of(struct judge *judge, const uint64_t *frames, size_t n)
{
    struct side side = {.stack = judge_stack(judge, frames, n, true)};
    side.frame = judge_direct_frame(judge, &side.stack, side.package, sizeof side.package);
    return side;
}

static const char *function_of(const struct side *side)
{
    return side->frame && side->frame->function ? side->frame->function : "a function without a name";
}

/* Returns "calls in narrow.so", "the data of x" or "the heap"; the caller's. */
static char *name_place(struct judge *judge, const struct record *record)
{
    uint64_t address = (uint64_t)record->values[RACE_ADDRESS];
    const char *input = record_text(record, 0);
    char *name = NULL;
    if (*input)
        return judge_format("the data of %s", input);
    if (judge_symbols(judge) && symbols_variable(judge->symbols, address, &name) == 0)
        return name;
    return strdup("memory of the heap");
}

/* Other threads may have written them, too, between the two values. */
static void say_change(const struct record *record, char *text, size_t size)
{
    snprintf(text, size, "they went from %#" PRIx64 " to %#" PRIx64, (uint64_t)record->values[RACE_BEFORE],
             (uint64_t)record->values[RACE_AFTER]);
}

/* How the first thread uses what it loads: in the sentence, and in the title of its stack. */
static const struct {
    const char *does, *load;
} words[] = {
    [FLOW_VALUE] = {" and then stores a value that depends on them", "that a later store depends on"},
    [FLOW_LINK] = {" and then stores the address of memory that it fills from them",
                   "that memory is filled from"},
    [FLOW_RELEASE] = {", stores others, and releases what the old ones point to",
                      "that point to what is released"},
};

/* A record may be damaged. */
static size_t flow_of(const struct record *record)
{
    uint64_t flow = (uint64_t)record->values[RACE_FLOW];
    return flow < sizeof words / sizeof *words && words[flow].does ? flow : FLOW_VALUE;
}

static char *say_race(const struct record *record, const struct side sides[2], const char *package,
                      const char *place)
{
    char change[80];
    say_change(record, change, sizeof change);
    const char *one = function_of(&sides[0]), *other = function_of(&sides[1]);
    long long bytes = record->values[RACE_SIZE];
    size_t flow = flow_of(record);
    if (record->values[RACE_STORE])
        return judge_format(
            "%s (%s) reads %lld byte%s of %s%s; in between %s wrote them in another thread, %s%s", one,
            package, bytes, bytes == 1 ? "" : "s", place, words[flow].does, other, change,
            flow == FLOW_RELEASE ? ": a reference is released twice, or never" : ", and that update is lost");
    return judge_format(
        "%s (%s) changes %lld byte%s of %s by an instruction that is not atomic, and %s wrote them in another "
        "thread before the first thread went on, %s: no lock orders the two, and an update can be lost",
        one, package, bytes, bytes == 1 ? "" : "s", place, other, change);
}

/* Is the place a variable of a file? */
static bool is_variable(const char *place)
{
    return strstr(place, " in ") != NULL;
}

/* Of a variable all races are one finding; else those of the same two functions are. */
static char *signature_of(const struct side sides[2], const char *place, const char *package)
{
    const char *one = function_of(&sides[0]), *other = function_of(&sides[1]);
    bool swap = strcmp(one, other) > 0;
    if (is_variable(place))
        return judge_format("%s|%.*s|%.*s", finding_kind_names[FINDING_DATA_RACE], (int)strcspn(place, "+ "),
                            place, (int)strcspn(package, " "), package);
    return judge_format("%s|%s|%s", finding_kind_names[FINDING_DATA_RACE], swap ? other : one,
                        swap ? one : other);
}

static void add_stacks(struct finding *finding, const struct record *record, struct side sides[2])
{
    char *first =
        record->values[RACE_STORE]
            ? judge_format("load of %lld bytes %s, by thread %u", (long long)record->values[RACE_SIZE],
                           words[flow_of(record)].load, record->worker)
            : judge_format("read and write of %lld bytes in one instruction, not atomic, by thread %u",
                           (long long)record->values[RACE_SIZE], record->worker);
    char *other = judge_format(
        "%s%s of %lld bytes meanwhile, by thread %lld", record->values[RACE_OTHER_LOCKED] ? "atomic " : "",
        record->values[RACE_OTHER_READS] ? "read and write" : "write",
        (long long)record->values[RACE_OTHER_SIZE], (long long)record->values[RACE_OTHER]);
    finding_add_stack(finding, first, sides[0].stack);
    finding_add_stack(finding, other, sides[1].stack);
    sides[0].stack = sides[1].stack = (struct symbol_stack){0};
}

static struct finding *new_race(struct judge *judge, const struct record *record, const struct side sides[2])
{
    struct finding *finding = judge_new_finding(judge, FINDING_DATA_RACE, SEVERITY_DATA_RACE, DETECTOR_WATCH);
    if (!finding)
        return NULL;
    cleanup_free char *place = name_place(judge, record);
    evidence_set(&finding->evidence, EVIDENCE_ACCESS, BLAME_TARGET,
                 sides[0].frame->function ? strdup(sides[0].frame->function) : NULL,
                 judge_name_package(judge, sides[0].frame->module, sides[0].package));
    finding->statement = strdup(record_text(record, 1));
    finding->input = *record_text(record, 0) ? strdup(record_text(record, 0)) : NULL;
    finding->message =
        say_race(record, sides, finding->evidence.package ? finding->evidence.package : "unknown package",
                 place ? place : "memory");
    finding->signature =
        signature_of(sides, place ? place : "", finding->evidence.package ? finding->evidence.package : "");
    /* NOLINTBEGIN(clang-analyzer-unix.Malloc): cleanup_free */
    if (!is_variable(place ? place : "")) /* the shapes of arrays are in the heap, too */
        judge_note_changes(judge, finding);
    return finding_list_add(&judge->run->findings, finding, judge->child);
    /* NOLINTEND(clang-analyzer-unix.Malloc) */
}

/* A word that two packages change is the first one's, which the other interrupts. */
void judge_race(struct judge *judge, const struct record *record)
{
    size_t first = (size_t)record->values[RACE_FRAMES];
    if (first > record->nframes)
        return;
    struct side sides[2] = {side_of(judge, record->frames, first),
                            side_of(judge, record->frames + first, record->nframes - first)};
    struct finding *finding = sides[0].frame && sides[1].frame ? new_race(judge, record, sides) : NULL;
    if (finding && finding->nstacks == 0)
        add_stacks(finding, record, sides);
    symbol_stack_free(&sides[0].stack);
    symbol_stack_free(&sides[1].stack);
}
