/* See selftest.h for the contract. */
#include "detectors/common/selftest.h"

static const struct {
    const char *name, *about;
    selftest_row *check;
    bool hooks; /* it hooks allocators */
} rows[] = {
    {"version", "the library is of the version that the headers describe", selftest_version, false},
    {"objects", "sizes of objects, and the places of their fields", selftest_objects, false},
    {"references", "counts of own, shared, deferred and immortal references", selftest_references, false},
    {"owners", "the thread that an object belongs to", selftest_owners, false},
    {"states", "fields of a thread state", selftest_states, false},
    {"frames", "function and line of each Python frame", selftest_frames, false},
    {"sections", "the lock of a critical section", selftest_sections, false},
    {"lists", "counters of the free lists", selftest_lists, false},
    {"domains", "allocators of memory and of objects", selftest_domains, true},
    {"blocks", "the distance of objects from the start of their blocks", selftest_blocks, true},
};

static bool is_alone(void)
{
    return !PyThreadState_Next(PyInterpreterState_ThreadHead(PyInterpreterState_Get()));
}

const char *selftest_run(struct selftest *test, FILE *out)
{
    const char *first = NULL;
    struct selftest next = {.layout = test->layout};
    bool alone = is_alone();
    for (size_t i = 0; i < sizeof rows / sizeof *rows && (out || !first); i++) {
        bool skip = rows[i].hooks && !alone, holds = skip || rows[i].check(&next);
        if (out) {
            const char *state = skip ? "skip" : holds ? "ok" : "FALSE";
            fprintf(out, "%-5s %-10s  %s\n", state, rows[i].name, holds ? rows[i].about : next.fault);
        }
        if (!holds && !first) {
            first = rows[i].name;
            *test = next;
        }
        PyErr_Clear();
    }
    return first;
}
