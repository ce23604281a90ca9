/* Blocks that are left when Python has ended: finds their allocation sites, and compares them with runs of other
 * lengths. */
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "driver/leak/judge_leak.h"

#define KIB 1024.0

/* Returns MEMCHECK_KINDS for a kind that memcheck does not have. */
static enum memcheck_kind find_kind(const char *name)
{
    static const char *const names[MEMCHECK_KINDS] = {
        [MEMCHECK_DEFINITELY] = "Leak_DefinitelyLost",
        [MEMCHECK_INDIRECTLY] = "Leak_IndirectlyLost",
        [MEMCHECK_POSSIBLY] = "Leak_PossiblyLost",
        [MEMCHECK_REACHABLE] = "Leak_StillReachable",
    };
    enum memcheck_kind kind = 0;
    while (kind < MEMCHECK_KINDS && strcmp(names[kind], name) != 0)
        kind++;
    return kind;
}

/* Keeps the stack of the largest leak of this run. */
static void keep_stack(struct memcheck_site *site, const struct memcheck_error *leak, int statement)
{
    const struct memcheck_part *part = &leak->parts[0];
    uint64_t *ips = leak->bytes >= site->most ? calloc(part->nframes + 1, sizeof *ips) : NULL;
    if (!ips)
        return;
    for (size_t i = 0; i < part->nframes; i++)
        ips[i] = part->frames[i].ip;
    free(site->ips);
    site->ips = ips;
    site->nips = part->nframes;
    site->most = leak->bytes;
    site->statement = statement;
}

void judge_memcheck_leak(struct judge *judge, struct memcheck *run, const struct memcheck_error *leak,
                         const struct symbol_stack *stack, bool is_harness)
{
    const struct memcheck_sum sum = {(int64_t)leak->bytes, (int64_t)leak->blocks};
    enum memcheck_kind kind = find_kind(leak->kind);
    if (kind == MEMCHECK_KINDS)
        return;
    if (is_harness) {
        memcheck_add_total(run, MEMCHECK_BESIDE, kind, sum);
        return;
    }
    int statement = judge_statement_number(judge, stack);
    enum memcheck_arm arm = statement == STATEMENT_NEW ? MEMCHECK_NEW
                            : statement < 0            ? MEMCHECK_BESIDE
                                                       : MEMCHECK_CALLS;
    char *function, *package;
    judge_maker(judge, stack, &function, &package);
    struct memcheck_site *site = memcheck_add(run, arm, kind, function, package, sum);
    if (site)
        keep_stack(site, leak, statement);
    free(function);
    free(package);
}

static char *list_kinds(const struct memcheck_site *site)
{
    struct judge_list list = {.gap = "; ", .max = MEMCHECK_KINDS};
    for (int kind = 0; kind < MEMCHECK_KINDS; kind++) {
        const struct memcheck_sum *first = &site->sums[0][kind], *second = &site->sums[1][kind];
        if (first->blocks + second->blocks > 0)
            judge_list_add(&list, "%s: %lld bytes in %lld blocks, then %lld in %lld",
                           memcheck_kind_names[kind], (long long)first->bytes, (long long)first->blocks,
                           (long long)second->bytes, (long long)second->blocks);
    }
    return judge_list_end(&list);
}

static void add_finding(struct judge *judge, const struct memcheck_site *site, enum growth_verdict verdict,
                        struct memcheck_rate rate)
{
    double times = verdict == GROWTH_LEAK ? judge_per_iteration(judge) : 1;
    cleanup_free char *list =
        judge_format("%.1f bytes of memory in %.2f blocks", rate.bytes * times, rate.blocks * times);
    struct finding *finding =
        list ? judge_new_finding(judge, FINDING_MEMORY_GROWTH, SEVERITY_LEAK, DETECTOR_MEMCHECK) : NULL;
    if (!finding)
        return;
    const char *statement = judge_statement_text(judge, site->statement);
    char *function = site->function ? strdup(site->function) : NULL;
    judge_memcheck_demangle(&function);
    evidence_set(&finding->evidence, EVIDENCE_LOSS, site->function ? BLAME_TARGET : BLAME_UNKNOWN, function,
                 site->package ? strdup(site->package) : NULL);
    finding->serial = judge->plan->threads == 1;
    finding->statement = statement ? strdup(statement) : NULL;
    finding->message = judge_say_growth(judge, verdict, function, site->package, list, false);
    finding->signature =
        judge_format("memcheck|%s|%s|%s", growth_verdict_names[verdict], site->package ? site->package : "",
                     site->function ? site->function : "");
    finding = finding_list_add(&judge->run->findings, finding, judge->child);
    if (!finding)
        return;
    finding->hit = judge->run->memcheck.n; /* all of them are needed to see it */
    finding_add_line(finding, list_kinds(site));
    finding_add_stack(finding, strdup("allocated here"), judge_memcheck_stack(judge, site->ips, site->nips));
}

void judge_memcheck_lengths(struct judge *judge)
{
    const struct memcheck *memcheck = &judge->run->memcheck;
    struct memcheck_rate rate;
    if (!memcheck_is_settled(memcheck))
        return;
    for (size_t i = 0; i < memcheck->nsites; i++) {
        enum growth_verdict verdict = memcheck_judge(memcheck, &memcheck->sites[i], &rate);
        if (verdict >= GROWTH_UNBOUNDED && verdict != GROWTH_JIT)
            add_finding(judge, &memcheck->sites[i], verdict, rate);
    }
    double code = memcheck_code(memcheck), bytes = 0;
    for (int kind = 0; kind < MEMCHECK_KINDS; kind++)
        bytes += memcheck_rate(memcheck, MEMCHECK_NEW, (enum memcheck_kind)kind).bytes;
    if (code > 0)
        judge_say_code(judge, code, bytes, DETECTOR_MEMCHECK);
}
