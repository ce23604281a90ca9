/* See violation_report.h for the contract. */
#include "heap/guard/violation_report.h"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/exempt.h"
#include "heap/memory/pages.h"
#include "heap/site/trace.h"

#define SITES 256 /* a power of two */
/* Most reports of one kind at one site: a later one may have a stack that the first lacks. */
#define EACH 4
#define INSTRUCTIONS 64

_Atomic uint64_t violation_report_round;
static _Atomic uint64_t instructions[INSTRUCTIONS]; /* that have trapped */

static void (*receive)(const struct violation *violation);
static struct {
    _Atomic uint64_t key;
    _Atomic uint32_t count;
} sites[SITES];

void violation_report_to(void (*report)(const struct violation *violation))
{
    receive = report;
}

/* Counts the reports of this kind at this site. Returns false after EACH of them. */
static bool is_due(enum violation_kind kind, uint64_t site)
{
    uint64_t key = (site * UINT64_C(0x9e3779b97f4a7c15)) ^ (uint64_t)kind << 56 ^ 1;
    for (unsigned i = 0; i < 8; i++) {
        unsigned at = (unsigned)((key >> 40) + i) % SITES;
        uint64_t there = 0;
        if (atomic_compare_exchange_strong(&sites[at].key, &there, key) || there == key)
            return atomic_fetch_add(&sites[at].count, 1) < EACH;
    }
    return false;
}

static unsigned copy_stack(uint64_t *ret_frames, unsigned n, const uint64_t *frames, uint64_t site)
{
    if (n == 0)
        return trace_expand(site, ret_frames, VIOLATION_FRAMES);
    memcpy(ret_frames, frames, n * sizeof *frames);
    return n;
}

/* The block may change meanwhile: the description is of one version or the next. */
EXEMPT static void describe(struct violation *violation, const struct span *span, const struct block *block)
{
    const struct pages_trace *trace = pages_trace_of(span);
    violation->address = (uint64_t)(uintptr_t)block_user(block);
    violation->size = block->size;
    violation->block = (enum block_kind)block->kind;
    violation->array = block->array;
    violation->sequence = block->sequence;
    violation->iteration = block->iteration;
    violation->step = block->step;
    violation->worker = block->worker;
    violation->free_worker = block->free_worker;
    violation->round = atomic_load_explicit(&violation_report_round, memory_order_relaxed);
    violation->nalloc = copy_stack(violation->alloc, trace ? trace->nalloc : 0, trace ? trace->alloc : NULL,
                                   block->alloc_site);
    violation->nfree =
        copy_stack(violation->free, trace ? trace->nfree : 0, trace ? trace->free : NULL, block->free_site);
    violation->alloc_site = violation->nalloc > 0 ? violation->alloc[0] : 0;
    violation->free_site = violation->nfree > 0 ? violation->free[0] : 0;
}

/* Copies the damaged bytes, as many as fit. Pages may become inaccessible meanwhile: then the kernel's copy fails. */
EXEMPT static void copy_bytes(struct violation *violation, const struct span *span, const char *from,
                              size_t n)
{
    size_t most = n < VIOLATION_BYTES ? n : VIOLATION_BYTES;
    if (span->kind == SPAN_PAGES) {
        struct iovec local = {violation->bytes, most}, remote = {(void *)from, most};
        ssize_t copied = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
        violation->nbytes = copied > 0 ? (unsigned)copied : 0;
        return;
    }
    for (violation->nbytes = 0; violation->nbytes < most; violation->nbytes++)
        violation->bytes[violation->nbytes] = ((const volatile unsigned char *)from)[violation->nbytes];
}

void violation_report_damage(const struct span *span, struct block *block, struct damage damage,
                             enum violation_found found)
{
    struct violation violation = {.found = found};
    struct verdict verdict = check_blame(span, block, damage);
    struct block *blocks = verdict.span->blocks;
    bool known =
        atomic_exchange_explicit(&blocks[verdict.culprit - blocks].reported, 1, memory_order_relaxed);
    struct block *end = span->blocks + span_carved(span);
    for (struct block *at = span->blocks; at < end; at++) /* all that the run touches */
        if (at->start < verdict.damage.to && at->start + span->slot_size > verdict.damage.from)
            atomic_store_explicit(&at->reported, 1, memory_order_relaxed);
    struct block culprit = check_glance(verdict.culprit);
    if (known || !receive || !is_due(verdict.kind, culprit.alloc_site))
        return;
    describe(&violation, verdict.span, verdict.culprit);
    violation.kind = verdict.kind;
    violation.offset = verdict.damage.from - block_user(&culprit);
    violation.length = (size_t)(verdict.damage.to - verdict.damage.from);
    copy_bytes(&violation, span, verdict.damage.from, violation.length);
    if (found == FOUND_FREE || found == FOUND_CALL)
        violation.nfound = trace_here(violation.here, VIOLATION_FRAMES);
    receive(&violation);
}

void violation_report_recent(struct heap_thread *thread)
{
    for (unsigned i = 0; i < THREAD_RECENT; i++) {
        struct recent *recent = &thread->recent[i];
        struct block *block = recent->block;
        recent->tail = NULL;
        if (!block || block_load(block) != recent->word)
            continue;
        const struct span *span = region_find(block->start);
        struct damage damage = check_block(span, block);
        if (damage.from && block_still(block, recent->word))
            violation_report_damage(span, block, damage, FOUND_CALL);
    }
}

void violation_report_misuse(const struct span *span, struct block *block, enum violation_kind kind,
                             int64_t offset, uint64_t caller)
{
    struct violation violation = {.kind = kind, .found = FOUND_FREE, .offset = offset};
    if (!receive || !is_due(kind, caller))
        return;
    describe(&violation, span, block);
    violation.nfound = trace_from(caller, violation.here, VIOLATION_FRAMES);
    receive(&violation);
}

void violation_report_foreign(const void *at, uint64_t caller)
{
    struct violation violation = {
        .kind = VIOLATION_FOREIGN_FREE, .found = FOUND_FREE, .address = (uint64_t)(uintptr_t)at};
    if (!receive || !is_due(VIOLATION_FOREIGN_FREE, caller))
        return;
    violation.worker = violation.free_worker = BLOCK_NOBODY;
    violation.nfound = trace_from(caller, violation.here, VIOLATION_FRAMES);
    receive(&violation);
}

static bool is_new_instruction(uint64_t at)
{
    for (unsigned i = 0; i < INSTRUCTIONS; i++) {
        uint64_t there = 0;
        if (atomic_compare_exchange_strong(&instructions[i], &there, at))
            return true;
        if (there == at)
            return false;
    }
    return false;
}

static enum violation_kind trap_kind(const struct block *block, uintptr_t address, bool write)
{
    if (block_state_of(block_load(block)) != BLOCK_LIVE)
        return write ? VIOLATION_FREED_WRITE : VIOLATION_FREED_READ;
    if (address < (uintptr_t)block_user(block))
        return write ? VIOLATION_BEFORE : VIOLATION_READ_BEFORE;
    return write ? VIOLATION_AFTER : VIOLATION_READ_AFTER;
}

void violation_report_trap(const struct span *span, struct block *block, uintptr_t address, bool write,
                           const uint64_t *frames, size_t nframes)
{
    struct violation violation = {.found = FOUND_TRAP, .kind = trap_kind(block, address, write)};
    if (!receive || !is_new_instruction(nframes ? frames[0] : address))
        return;
    describe(&violation, span, block);
    violation.offset = (int64_t)(address - violation.address);
    violation.nfound = (unsigned)(nframes < VIOLATION_FRAMES ? nframes : VIOLATION_FRAMES);
    memcpy(violation.here, frames, violation.nfound * sizeof *frames);
    receive(&violation);
}

bool violation_report_describe(const struct span *span, const struct block *block, uint64_t address,
                               struct violation *ret_violation)
{
    enum block_state state = block_state_of(block_load(block));
    if (block->sequence == 0 || state == BLOCK_UNUSED)
        return false;
    *ret_violation = (struct violation){
        .kind = state == BLOCK_FREED ? VIOLATION_FREED_READ : VIOLATION_READ_AFTER, .found = FOUND_CRASH};
    describe(ret_violation, span, block);
    ret_violation->offset = (int64_t)(address - ret_violation->address);
    return true;
}
