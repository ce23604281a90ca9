/* Blocks that are left when Python has ended: finds their allocation sites, and compares them with runs of other
 * lengths. */
#include <stdlib.h>
#include <string.h>

#include "driver/symbol/demangle.h"
#include "driver/leak/judge_memcheck.h"
#include "driver/outcome/package.h"

#define KIB 1024.0

static int find_kind(const char *kind)
{
    static const char *const names[MEMCHECK_KINDS] = {
        [MEMCHECK_DEFINITELY] = "Leak_DefinitelyLost",
        [MEMCHECK_INDIRECTLY] = "Leak_IndirectlyLost",
        [MEMCHECK_POSSIBLY] = "Leak_PossiblyLost",
        [MEMCHECK_REACHABLE] = "Leak_StillReachable",
    };
    for (int i = 0; i < MEMCHECK_KINDS; i++)
        if (strcmp(names[i], kind) == 0)
            return i;
    return -1;
}

static enum memcheck_arm arm_of(int statement)
{
    if (statement < 0)
        return MEMCHECK_BESIDE;
    return statement == STATEMENT_NEW ? MEMCHECK_NEW : MEMCHECK_CALLS;
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

/* Returns true for blocks of the harness, which do not grow with the run. */
static bool is_harness(const struct judge *judge, const struct symbol_stack *stack)
{
    char name[128];
    for (size_t i = 0; i < stack->nframes; i++) {
        enum owner owner = package_frame_owner(judge->outcome, &stack->frames[i], name, sizeof name);
        if (owner != OWNER_SYSTEM && owner != OWNER_UNKNOWN)
            return owner == OWNER_HARNESS;
    }
    return false;
}

static void add_leak(struct judge *judge, struct memcheck *run, const struct memcheck_error *leak,
                     const struct symbol_stack *stack, enum memcheck_kind kind, struct memcheck_sum sum)
{
    int statement = judge_statement_number(judge, stack);
    char *function = NULL, *package = NULL;
    judge_maker(judge, stack, &function, &package);
    struct memcheck_site *site = memcheck_add(run, arm_of(statement), kind, function, package, sum);
    if (site)
        keep_stack(site, leak, statement);
    free(function);
    free(package);
}

void judge_memcheck_leak(struct judge *judge, struct memcheck *run, const struct memcheck_error *leak)
{
    const struct memcheck_sum sum = {(int64_t)leak->bytes, (int64_t)leak->blocks};
    int found = find_kind(leak->kind);
    if (found < 0)
        return;
    enum memcheck_kind kind = (enum memcheck_kind)found;
    struct symbol_stack stack = judge_memcheck_frames(&leak->parts[0]);
    if (is_harness(judge, &stack))
        memcheck_add_total(run, MEMCHECK_BESIDE, kind, sum);
    else
        add_leak(judge, run, leak, &stack, kind, sum);
    free(stack.frames);
}

static char *list_kinds(const struct memcheck_site *site)
{
    char *text = NULL;
    size_t size;
    const char *comma = "";
    FILE *out = open_memstream(&text, &size);
    for (int kind = 0; out && kind < MEMCHECK_KINDS; kind++) {
        const struct memcheck_sum *first = &site->sums[0][kind], *second = &site->sums[1][kind];
        if (first->blocks + second->blocks == 0)
            continue;
        fprintf(out, "%s%s: %lld bytes in %lld blocks, then %lld in %lld", comma, memcheck_kind_names[kind],
                (long long)first->bytes, (long long)first->blocks, (long long)second->bytes,
                (long long)second->blocks);
        comma = "; ";
    }
    return out && fclose(out) == 0 ? text : NULL;
}

static void add_finding(struct judge *judge, const struct memcheck_site *site, enum growth_verdict verdict,
                        struct memcheck_rate rate)
{
    struct finding *finding =
        judge_new_finding(judge, FINDING_MEMORY_GROWTH, SEVERITY_LEAK, DETECTOR_MEMCHECK);
    double times = verdict == GROWTH_LEAK ? judge_per_iteration(judge) : 1;
    char *list = judge_format("%.1f bytes of memory in %.2f blocks", rate.bytes * times, rate.blocks * times);
    const char *statement = judge_statement_text(judge, site->statement);
    if (!finding || !list) {
        if (finding)
            finding_free(finding);
        free(list);
        return;
    }
    finding->serial = judge->plan->threads == 1;
    char *function = NULL;
    if (site->function && demangle(site->function, &function) < 0)
        function = NULL;
    evidence_set(&finding->evidence, EVIDENCE_LOSS, site->function ? BLAME_TARGET : BLAME_UNKNOWN, function,
                 site->package ? strdup(site->package) : NULL);
    finding->statement = statement ? strdup(statement) : NULL;
    finding->message = judge_say_growth(judge, verdict, function, site->package, list, false);
    finding->signature =
        judge_format("memcheck|%s|%s|%s", growth_verdict_names[verdict], site->package ? site->package : "",
                     site->function ? site->function : "");
    free(list);
    finding = finding_list_add(&judge->run->findings, finding, judge->child);
    if (!finding)
        return;
    finding->hit = judge->run->memcheck.n; /* all of them are needed to see it */
    finding_add_line(finding, list_kinds(site));
    finding_add_stack(finding, strdup("allocated here"), judge_memcheck_stack(judge, site->ips, site->nips));
}

/* Reports compiled code of all functions together. */
static void tell_code(struct judge *judge)
{
    const struct memcheck *memcheck = &judge->run->memcheck;
    double code = memcheck_code(memcheck), bytes = 0;
    for (int kind = 0; kind < MEMCHECK_KINDS; kind++)
        bytes += memcheck_rate(memcheck, MEMCHECK_NEW, (enum memcheck_kind)kind).bytes;
    if (code > 0)
        judge_say_code(judge, code, bytes, DETECTOR_MEMCHECK);
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
    tell_code(judge);
}
