#include "driver/mode/mode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "core/plan/perturb.h"
#include "core/wire/status.h"

/* The first one that is selected is the mode; the last one always is. */
const struct mode *const modes[] = {&mode_tsan, &mode_valgrind, &mode_outcome, &mode_gil, &mode_plain};
const size_t mode_count = sizeof modes / sizeof *modes;

static const struct mode *select_mode(const struct mode_query *query)
{
    size_t i = 0;
    while (!modes[i]->is_selected(query))
        i++;
    return modes[i];
}

/* Returns another mode that an option selects, too, or NULL. */
static const struct mode *find_rival(const struct mode *mode, const struct mode_query *query)
{
    for (size_t i = 0; i < mode_count; i++)
        if (modes[i] != mode && modes[i]->option && modes[i]->is_selected(query))
            return modes[i];
    return NULL;
}

/* What the plans ask for and the mode leaves out. */
static uint32_t left_out;

static uint32_t perturb_of(const struct plan *plans, size_t n)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < n; i++)
        bits |= plans[i].perturb;
    return bits;
}

void mode_note_perturb(const struct mode *mode, struct note_list *notes)
{
    char names[128] = "";
    uint32_t others = left_out & ~(uint32_t)PERTURB_FIRST;
    perturb_print(others, names, sizeof names);
    if (others && mode->perturb_limits)
        note_add(notes, "perturb: %s left out, because %s", names, mode->perturb_limits);
    if (left_out & PERTURB_FIRST)
        note_add(notes, "perturb: first left out, because a child in this mode (%s) forks no processes",
                 mode->name);
}

const struct mode *mode_choose(const struct request *request, struct plan *plans, size_t n,
                               struct sentence *error)
{
    const struct mode_query query = {.request = request, .plans = plans, .n = n};
    const struct mode *mode = select_mode(&query), *rival = find_rival(mode, &query);
    char options[128] = ""; /* "--tsan and --under valgrind" */
    for (size_t i = 0; i < mode_count; i++)
        if (modes[i]->has_suppressions)
            text_add(options, sizeof options, " and ", "%s", modes[i]->option);
    uint32_t asked = perturb_of(plans, n);
    for (size_t i = 0; !mode->forks && i < n; i++)
        plans[i].perturb &= ~(uint32_t)PERTURB_FIRST;
    if (mode->narrow && mode->narrow(plans, n, error) < 0)
        return NULL;
    for (size_t i = 0; i < n; i++)
        if (member_check(mode->members, &plans[i], error) < 0)
            return NULL;
    left_out = asked & ~perturb_of(plans, n);
    if (rival && mode->option)
        return sentence_fail(0, error, "keep one",
                             "%s and %s do not go together: each needs a child of its own", mode->option,
                             rival->option),
               NULL;
    if (request->suppressions && !mode->has_suppressions)
        return sentence_fail(0, error, "give one of them, too", "--suppressions is for %s", options), NULL;
    return mode;
}

/* Finds the interpreter, and the child that was built for its ABI. */
static int find_python(struct mode_run *run, struct sentence *error)
{
    char abi[PROBE_ABI_SIZE];
    cleanup_free char *own = NULL;
    struct probe *probe = &run->probe;
    if (probe_child(run->child, &run->launch, abi, &own, error) < 0)
        return STATUS_HARNESS;
    const char *python = probe_choose(run->request->python, own);
    if (probe_own(python, own, abi, probe))
        return 0;
    if (probe_interpreter(python, &run->launch, probe, error) < 0)
        return STATUS_UNTESTED;
    if (strcmp(probe->abi, abi) != 0) {
        cleanup_free char *others = NULL;
        probe_child_of_abi(probe->abi, &run->child);
        if (probe_child(run->child, &run->launch, abi, &others, error) < 0)
            return STATUS_HARNESS;
    }
    return probe_check_abi(probe, abi, error) < 0 ? STATUS_UNTESTED : 0;
}

int mode_open(struct mode_run *run, struct plan *plans, size_t n, struct sentence *error)
{
    int status = run->row->find_child(run, error);
    if (!status)
        status = find_python(run, error);
    const struct mode_query query = {.request = run->request, .plans = plans, .n = n, .probe = &run->probe};
    if (!status && !run->row->option)
        run->row = select_mode(&query);
    if (!status && run->row->prepare)
        status = run->row->prepare(run, plans, n, error);
    return status;
}

void mode_close(struct mode_run *run)
{
    if (run->own && run->row->clear)
        run->row->clear(run);
    else
        free(run->own);
    probe_clear(&run->probe);
    free(run->child);
    *run = (struct mode_run){0};
}
