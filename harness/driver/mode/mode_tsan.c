/* A run under ThreadSanitizer: an instrumented child of its own. See mode_tsan.h for what must hold. */
#include "driver/mode/mode_tsan.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/list.h"
#include "base/path.h"
#include "base/remedy.h"
#include "core/plan/detector_list.h"
#include "core/plan/perturb.h"
#include "core/wire/landmarks.h"
#include "core/wire/status.h"
#include "driver/mode/mode.h"
#include "driver/outcome/package.h"
#include "driver/tool/probe.h"

#define BIT(name) DETECTOR_BIT(DETECTOR_##name)
/* Instrumented programs start slowly where all processors are busy. */
#define START_LIMIT (90 * CLOCK_SECOND)

/* The user's own options could hide reports. */
static const char *const no_options[] = {"TSAN_OPTIONS", NULL};
static const char *const delay_options[] = {"TSAN_OPTIONS=enable_adaptive_delay=1", NULL};
static const char *const help_options[] = {"TSAN_OPTIONS=help=1", NULL};

/* The detectors of the harness read inputs and results, which would race with the target; others are not instrumented,
 * or replace the runtime's malloc. */
static const struct member member = {
    .name = "tsan", .detect = BIT(CRASH) | BIT(HANG) | BIT(LOG) | BIT(EXCEPTION) | BIT(TSAN)};
static const struct member_set member_set = {.fallback = &member};

/* The canary */

static void take_canary(void *context, struct tsan_report *report)
{
    bool *reported = context;
    *reported = *reported || tsan_report_is_canary(report);
    tsan_report_free(report);
}

static bool has_canary(const char *text)
{
    bool reported = false;
    struct tsan_log log = {.take = take_canary, .context = &reported};
    tsan_log_feed(&log, text, strlen(text));
    tsan_log_finish(&log);
    return reported;
}

/* Words of a runtime that does not start. */
static const struct {
    const char *words, *what, *remedy;
} refusals[] = {
    {"unexpected memory mapping",
     "ThreadSanitizer's shadow memory does not fit between the addresses that are taken here",
     "sysctl vm.mmap_rnd_bits=28, and ulimit -s 8192"},
    {"limited virtual address space",
     "ThreadSanitizer found a limit on the address space that it cannot lift", tsan_way_unlimited},
    {"failed to allocate", "ThreadSanitizer gets no room for its shadow memory",
     "allow overcommit (sysctl vm.overcommit_memory=0)"},
};

int tsan_explain_canary(const struct probe_job *job, struct sentence *error)
{
    char reason[320];
    if (job->err && has_canary(job->err))
        return 0;
    for (size_t i = 0; job->err && i < sizeof refusals / sizeof *refusals; i++)
        if (strstr(job->err, refusals[i].words))
            return sentence_fail(-ENOEXEC, error, refusals[i].remedy, "%s", refusals[i].what);
    probe_reason(job, reason, sizeof reason);
    return sentence_fail(-ENOEXEC, error, REMEDY_TSAN_REBUILD,
                         "ThreadSanitizer does not report a planted race (%s)", reason);
}

static int show_canary(const struct tsan *tsan, struct sentence *error)
{
    char *const argv[] = {tsan->child, "--canary", NULL};
    struct probe_job job = {.argv = argv, .launch = &tsan->launch};
    probe_run(&job, 1);
    int result = tsan_explain_canary(&job, error);
    probe_job_clear(&job);
    return result;
}

/* LLVM 23 and newer: small delays where threads synchronise. The list has one line for each option. */
bool tsan_has_delays(const char *help)
{
    return help && strstr(help, "\tenable_adaptive_delay\n");
}

/* Switches delays on where the runtime lists them. */
static void settle_delays(struct tsan *tsan)
{
    char *const argv[] = {tsan->child, "--abi", NULL};
    struct launch launch = tsan->launch;
    struct probe_job job = {.argv = argv, .launch = &launch};
    launch.environment = help_options;
    probe_run(&job, 1);
    tsan->delays = tsan_has_delays(job.err);
    if (tsan->delays)
        tsan->launch.environment = delay_options;
    probe_job_clear(&job);
}

/* Suppressions */

const struct suppression_defaults tsan_cpython = {
    "https://github.com/python/cpython/tree/3.13/Tools/tsan", "CPython 3.13",
    "CPython's own developers know of it and suppress it in their tests."};

/* CPython's developers keep a list of their own; scripts/setup/tsan.sh takes it from the source that it builds. */
static int load_suppressions(struct tsan *tsan, const char *user, struct sentence *error)
{
    static const struct suppression_defaults none = {NULL, NULL, NULL};
    cleanup_free char *theirs = NULL;
    int result = fd_beside("../share/tsan/cpython.txt", &theirs);
    if (!result && access(theirs, R_OK) == 0)
        result = suppression_load(theirs, &tsan_cpython, &tsan->suppressions, error);
    if (!result && user)
        result = suppression_load(user, &none, &tsan->suppressions, error);
    return result ? -EINVAL : 0;
}

bool tsan_is_set_up(void)
{
    cleanup_free char *child = NULL;
    return probe_find_beside(CHILD_PROGRAM_TSAN, &child) == 0;
}

int tsan_prepare(struct tsan *tsan, const char *user, struct sentence *error)
{
    *tsan = (struct tsan){
        .launch = {
            .environment = no_options, .fixed_layout = true, .no_address_limit = true, .limit = START_LIMIT}};
    if (probe_find_beside(CHILD_PROGRAM_TSAN, &tsan->child) < 0)
        return sentence_fail(-ENOENT, error, REMEDY_TSAN, "there is no ftstress-child-tsan");
    int result = tsan_way_layout(error) || tsan_way_limit(error) ? -ENOEXEC : 0;
    if (!result)
        result = show_canary(tsan, error);
    if (!result)
        result = load_suppressions(tsan, user, error);
    if (!result)
        settle_delays(tsan);
    return result;
}

/* Files that are not instrumented */

bool tsan_is_bare(const char *path)
{
    bool found = false;
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    elf_version(EV_CURRENT);
    Elf *elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ_MMAP, NULL);
    Elf_Scn *section = NULL;
    GElf_Shdr header;
    while (elf && (section = elf_nextscn(elf, section))) {
        if (!gelf_getshdr(section, &header) || header.sh_type != SHT_DYNSYM || !header.sh_entsize)
            continue;
        Elf_Data *data = elf_getdata(section, NULL);
        for (size_t i = 0; data && !found && i < header.sh_size / header.sh_entsize; i++) {
            GElf_Sym symbol;
            const char *name =
                gelf_getsym(data, (int)i, &symbol) ? elf_strptr(elf, header.sh_link, symbol.st_name) : NULL;
            found = name && strncmp(name, "__tsan_", 7) == 0;
        }
    }
    bool bare = elf && elf_kind(elf) == ELF_K_ELF && !found;
    elf_end(elf);
    return bare;
}

/* Returns false when the list has it already. */
static bool add_new(char ***list, size_t *n, const char *text)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp((*list)[i], text) == 0)
            return false;
    return strings_add(list, n, text) == 0;
}

static void check_file(struct tsan *tsan, const struct outcome *outcome, const char *path)
{
    char name[128];
    if (package_owner(outcome, path, name, sizeof name) == OWNER_PACKAGE &&
        add_new(&tsan->seen, &tsan->nseen, path) && tsan_is_bare(path))
        add_new(&tsan->bare, &tsan->nbare, path);
}

/* Checks every mapped file of a package, and the libraries in its wheel. */
static void check_files(struct tsan *tsan, const struct outcome *outcome)
{
    for (size_t i = 0; i + 1 < outcome->npackages; i += 2)
        check_file(tsan, outcome, outcome->packages[i]);
    for (const char *line = outcome->maps; line && *line; line = *line ? line + 1 : line) {
        char path[PATH_MAX];
        size_t length = strcspn(line, "\n");
        const char *slash = memchr(line, '/', length);
        if (slash)
            snprintf(path, sizeof path, "%.*s", (int)(line + length - slash), slash);
        if (slash && strstr(path, ".so"))
            check_file(tsan, outcome, path);
        line += length;
    }
}

bool tsan_take_child(struct tsan *tsan, const struct outcome *outcome, struct sentence *ret)
{
    tsan->children++;
    tsan->canaries += outcome->canary;
    check_files(tsan, outcome);
    if (outcome->cannot || outcome->interrupted || outcome->phase < BOARD_SETUP)
        return false;
    if (!outcome->canary)
        return sentence_fail(
            true, ret, "see what --verbose shows",
            "the race that is planted in each child was not reported, so that no other would have been");
    return tsan_way_gil(outcome->facts.gil == GIL_ON, ret);
}

static void note_used(const struct suppression_list *list, struct note_list *notes)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct suppression *rule = &list->items[i];
        if (rule->hits > 0)
            note_add(notes, "%u report%s suppressed by %s:%s (%s): %s (%s, %s)", rule->hits,
                     rule->hits == 1 ? "" : "s", rule->type, rule->pattern, path_base(rule->where), rule->why,
                     rule->version, rule->link);
    }
}

/* Unused suppressions of CPython's list are only counted, unless `all` is set: users cannot change that list. */
static void note_unused(const struct suppression_list *list, bool all, struct note_list *notes)
{
    char *text;
    size_t size, unused = 0, theirs = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return;
    for (size_t i = 0; i < list->n; i++) {
        const struct suppression *rule = &list->items[i];
        if (rule->hits == 0 && (all || !rule->theirs))
            fprintf(out, "%s%s:%s (%s)", unused++ ? ", " : "", rule->type, rule->pattern,
                    path_base(rule->where));
        theirs += rule->hits == 0 && rule->theirs && !all;
    }
    if (theirs)
        fprintf(out, "%s%zu of CPython's own; --verbose and --json list them", unused ? ", " : "", theirs);
    if (fclose(out) == 0 && unused + theirs)
        note_add(notes, "suppressions that were not needed: %s", text);
    free(text);
}

void tsan_clear(struct tsan *tsan)
{
    free(tsan->child);
    suppression_list_clear(&tsan->suppressions);
    strings_free(tsan->bare, tsan->nbare);
    strings_free(tsan->seen, tsan->nseen);
    *tsan = (struct tsan){0};
}

/* The mode */

static bool is_selected(const struct mode_query *query)
{
    const struct request *request = query->request;
    return request->tsan || (REQUEST_GAVE(request, plan.detect) && request->plan.detect == BIT(TSAN));
}

static int narrow(struct plan *plans, size_t n, struct sentence *error)
{
    (void)error;
    for (size_t i = 0; i < n; i++) {
        plans[i].detect |= BIT(TSAN);
        /* The sanitizer has its own malloc and locks. */
        plans[i].perturb &= ~(uint32_t)(PERTURB_ALLOC | PERTURB_LOCKS | PERTURB_PCT);
    }
    return 0;
}

static int find_child(struct mode_run *run, struct sentence *error)
{
    struct tsan *tsan = run->own = calloc(1, sizeof *tsan);
    if (!tsan)
        return sentence_fail(STATUS_HARNESS, error, "", "no memory");
    int result = tsan_prepare(tsan, run->request->suppressions, error);
    if (result)
        return result == -EINVAL ? STATUS_USAGE : STATUS_UNTESTED;
    run->child = strdup(tsan->child);
    run->launch = tsan->launch;
    return 0;
}

static void configure(const struct mode_run *run, struct job_settings *settings, struct run *report)
{
    const struct tsan *tsan = run->own;
    settings->reads_races = true;
    settings->patience = TSAN_PATIENCE;
    report->suppressions = &tsan->suppressions;
}

static bool why_untrusted(struct mode_run *run, const struct outcome *outcome, struct sentence *ret)
{
    return tsan_take_child(run->own, outcome, ret);
}

static bool why_not_clean(const struct mode_run *run, const struct run *report, struct sentence *ret)
{
    const struct tsan *tsan = run->own;
    if (report->threads == 1)
        return sentence_fail(true, ret, "ask for two or more with -t, or leave out --tsan",
                             "one thread has no data races");
    return tsan_way_bare(tsan->bare, tsan->nbare, ret);
}

static void conclude(const struct mode_run *run, struct run *report)
{
    const struct tsan *tsan = run->own;
    note_add(&report->notes, "ThreadSanitizer reported the planted race in %u of %u children%s",
             tsan->canaries, tsan->children, tsan->delays ? "; adaptive delays were on" : "");
    for (size_t i = 0; i < tsan->nbare; i++)
        note_add(&report->notes, "not instrumented: %s", tsan->bare[i]);
    note_used(&tsan->suppressions, &report->notes);
    note_unused(&tsan->suppressions, run->request->verbose, &report->notes);
}

static void clear(struct mode_run *run)
{
    tsan_clear(run->own);
    free(run->own);
}

const struct mode mode_tsan = {
    .name = "tsan",
    .option = "--tsan",
    .has_suppressions = true,
    .perturb_limits = "ThreadSanitizer has its own malloc and locks",
    .members = &member_set,
    .is_selected = is_selected,
    .find_child = find_child,
    .narrow = narrow,
    .configure = configure,
    .why_untrusted = why_untrusted,
    .why_not_clean = why_not_clean,
    .conclude = conclude,
    .clear = clear,
};
