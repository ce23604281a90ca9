#include "driver/finding/memcheck.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/text.h"

/* Growth of less between two lengths may be chance. */
#define BLOCKS_LEAST 4
#define BYTES_LEAST 256
/* Growth of one in this number of calls may be chance. */
#define RARE 1000
/* Difference of a third run from the prediction of the first two at most, as a part of it. */
#define SCATTER 0.35
/* Calls between two lengths that show a loss for each call. */
#define CALLS_LEAST BLOCKS_LEAST

const char *const memcheck_kind_names[MEMCHECK_KINDS] = {
    [MEMCHECK_DEFINITELY] = "definitely",
    [MEMCHECK_INDIRECTLY] = "indirectly",
    [MEMCHECK_POSSIBLY] = "possibly",
    [MEMCHECK_REACHABLE] = "reachable",
};

static struct memcheck_site *find_site(struct memcheck *memcheck, enum memcheck_arm arm, const char *function,
                                       const char *package)
{
    for (size_t i = 0; i < memcheck->nsites; i++) {
        struct memcheck_site *site = &memcheck->sites[i];
        if (site->arm == arm && text_equal(site->function, function) && text_equal(site->package, package))
            return site;
    }
    struct memcheck_site *site = LIST_ADD(memcheck->sites, memcheck->nsites);
    if (!site)
        return NULL;
    *site = (struct memcheck_site){.arm = arm,
                                   .function = function ? strdup(function) : NULL,
                                   .package = package ? strdup(package) : NULL,
                                   .statement = -1};
    return site;
}

static void add(struct memcheck_sum *sum, struct memcheck_sum more)
{
    sum->bytes += more.bytes;
    sum->blocks += more.blocks;
}

void memcheck_add_total(struct memcheck *run, enum memcheck_arm arm, enum memcheck_kind kind,
                        struct memcheck_sum sum)
{
    add(&run->lengths[0].sums[arm][kind], sum);
}

struct memcheck_site *memcheck_add(struct memcheck *run, enum memcheck_arm arm, enum memcheck_kind kind,
                                   const char *function, const char *package, struct memcheck_sum sum)
{
    struct memcheck_site *site = find_site(run, arm, function, package);
    memcheck_add_total(run, arm, kind, sum);
    if (site)
        add(&site->sums[0][kind], sum);
    return site;
}

static void take_site(struct memcheck *memcheck, unsigned at, struct memcheck_site *from)
{
    struct memcheck_site *site = find_site(memcheck, from->arm, from->function, from->package);
    if (!site)
        return;
    memcpy(site->sums[at], from->sums[0], sizeof site->sums[at]);
    free(site->ips);
    site->ips = from->ips;
    site->nips = from->nips;
    site->statement = from->statement;
    from->ips = NULL;
}

void memcheck_take(struct memcheck *memcheck, struct memcheck *run)
{
    memcheck->lengths[memcheck->n] = run->lengths[0];
    for (size_t i = 0; i < run->nsites; i++)
        take_site(memcheck, memcheck->n, &run->sites[i]);
    memcheck->n++;
}

void memcheck_clear(struct memcheck *memcheck)
{
    for (size_t i = 0; i < memcheck->nsites; i++) {
        free(memcheck->sites[i].function);
        free(memcheck->sites[i].package);
        free(memcheck->sites[i].ips);
    }
    free(memcheck->sites);
    *memcheck = (struct memcheck){0};
}

/* Growth */

static double calls_between(const struct memcheck *memcheck, unsigned from, unsigned to,
                            enum memcheck_arm arm)
{
    unsigned which = arm == MEMCHECK_NEW;
    return (double)memcheck->lengths[to].calls[which] - (double)memcheck->lengths[from].calls[which];
}

static struct memcheck_sum sum_of(const struct memcheck_sum kinds[MEMCHECK_KINDS])
{
    struct memcheck_sum sum = {0};
    for (int kind = 0; kind < MEMCHECK_KINDS; kind++)
        add(&sum, kinds[kind]);
    return sum;
}

/* Between the first length and another one. */
static struct memcheck_sum growth_of(const struct memcheck_site *site, unsigned to)
{
    struct memcheck_sum first = sum_of(site->sums[0]), other = sum_of(site->sums[to]);
    return (struct memcheck_sum){other.bytes - first.bytes, other.blocks - first.blocks};
}

/* The third run is one of more calls and of as many new ones as the first. */
static bool is_shown_again(double second, double third, double times)
{
    if (times <= 0)
        return fabs(third) <= SCATTER * second;
    return third >= (1 - SCATTER) * times * second && third <= times * second / (1 - SCATTER);
}

static bool grows(const struct memcheck *memcheck, const struct memcheck_site *site, enum memcheck_arm arm,
                  struct memcheck_rate *ret_rate)
{
    double calls = calls_between(memcheck, 0, 1, arm);
    struct memcheck_sum second = growth_of(site, 1);
    bool blocks = second.blocks >= BLOCKS_LEAST && (double)second.blocks * RARE >= calls;
    bool bytes = second.bytes >= BYTES_LEAST && (double)second.bytes * RARE >= calls;
    if (memcheck->n < 2 || calls <= 0)
        return false;
    *ret_rate =
        (struct memcheck_rate){(double)second.bytes / fmax(calls, 1), (double)second.blocks / fmax(calls, 1)};
    if (memcheck->n == 2)
        return blocks || bytes;
    struct memcheck_sum third = growth_of(site, 2);
    double times = calls_between(memcheck, 0, 2, arm) / calls;
    return (blocks && is_shown_again((double)second.blocks, (double)third.blocks, times)) ||
           (bytes && is_shown_again((double)second.bytes, (double)third.bytes, times));
}

double memcheck_code(const struct memcheck *memcheck)
{
    double calls = calls_between(memcheck, 0, 1, MEMCHECK_NEW);
    int64_t more = memcheck->lengths[1].code - memcheck->lengths[0].code;
    return memcheck->n >= 2 && calls > 0 && more > 0 ? (double)more / calls : 0;
}

enum growth_verdict memcheck_judge(const struct memcheck *memcheck, const struct memcheck_site *site,
                                   struct memcheck_rate *ret_rate)
{
    bool beside = site->arm == MEMCHECK_BESIDE && memcheck->has_new;
    if (site->arm != MEMCHECK_NEW && grows(memcheck, site, MEMCHECK_CALLS, ret_rate))
        return GROWTH_LEAK;
    if ((site->arm == MEMCHECK_NEW || beside) && grows(memcheck, site, MEMCHECK_NEW, ret_rate))
        return memcheck_code(memcheck) > 0 ? GROWTH_JIT
               : memcheck->has_release     ? GROWTH_RETAINED
                                           : GROWTH_UNBOUNDED;
    *ret_rate = (struct memcheck_rate){0};
    return sum_of(site->sums[0]).blocks > 0 ? GROWTH_ONE_OFF : GROWTH_NONE;
}

struct memcheck_rate memcheck_rate(const struct memcheck *memcheck, enum memcheck_arm arm,
                                   enum memcheck_kind kind)
{
    double calls = calls_between(memcheck, 0, 1, arm);
    struct memcheck_rate rate = {0};
    for (int i = 0; i < MEMCHECK_ARMS && memcheck->n >= 2 && calls > 0; i++) {
        if (i != (int)arm && !(i == MEMCHECK_BESIDE && arm == MEMCHECK_CALLS))
            continue;
        const struct memcheck_sum *first = &memcheck->lengths[0].sums[i][kind],
                                  *second = &memcheck->lengths[1].sums[i][kind];
        rate.bytes += (double)(second->bytes - first->bytes) / calls;
        rate.blocks += (double)(second->blocks - first->blocks) / calls;
    }
    return rate;
}

/* Lengths */

bool memcheck_is_settled(const struct memcheck *memcheck)
{
    struct memcheck_rate rate;
    for (size_t i = 0; i < memcheck->nsites && memcheck->n == 2; i++) {
        enum growth_verdict verdict = memcheck_judge(memcheck, &memcheck->sites[i], &rate);
        if (verdict >= GROWTH_UNBOUNDED && verdict != GROWTH_JIT)
            return false;
    }
    return memcheck->n >= 2;
}

/* Of each thread, in the first run; one at least. */
static uint64_t iterations(const struct memcheck *memcheck, enum memcheck_arm arm)
{
    const struct memcheck_length *first = &memcheck->lengths[0];
    uint64_t each = first->threads * (arm == MEMCHECK_CALLS ? first->statements : 1);
    uint64_t n = each ? first->calls[arm] / each : 0;
    return n ? n : 1;
}

bool memcheck_next(const struct memcheck *memcheck, uint64_t ret_lengths[2])
{
    ret_lengths[0] = ret_lengths[1] = 0;
    if (memcheck->n == 0)
        return true;
    if (memcheck->n == MEMCHECK_LENGTHS || (memcheck->n == 2 && memcheck_is_settled(memcheck)))
        return false;
    ret_lengths[0] = (memcheck->n + 1) * iterations(memcheck, MEMCHECK_CALLS);
    ret_lengths[1] = (memcheck->n == 1 ? 2 : 1) * iterations(memcheck, MEMCHECK_NEW);
    return true;
}

const char *memcheck_why_not_clean(const struct memcheck *memcheck)
{
    if (!memcheck->on)
        return NULL;
    if (memcheck->n < 2)
        return "growth shows in runs of two lengths, and Valgrind did not come to the end of both; "
               "--verbose shows their output";
    if (!memcheck_is_settled(memcheck))
        return "something grew between two lengths, and Valgrind did not come to the end of the third that would show "
               "it again; --verbose shows its output";
    if (calls_between(memcheck, 0, 1, MEMCHECK_CALLS) < CALLS_LEAST)
        return "the time allowed too few calls to measure a loss for each of them; give it more --time";
    return NULL;
}
