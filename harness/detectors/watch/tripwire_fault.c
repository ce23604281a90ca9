/* The tripwire's signal handlers: async-signal-safe code only. See tripwire.h for the contract. x86-64 Linux: the trap
 * flag stops the processor after one instruction. */
#include "detectors/watch/tripwire.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "base/foreign.h"
#include "detectors/common/unwind.h"

#define TRAP_FLAG 0x100
#define WRITE_FAULT 2

/* Initial-exec: the first use may be in a handler, and must not allocate. */
static __thread struct tripwire_hits *hits_of_thread __attribute__((tls_model("initial-exec")));
static __thread struct tripwire_region *stepping[2] __attribute__((tls_model("initial-exec")));
static __thread struct tripwire_hit *pending __attribute__((tls_model("initial-exec")));

struct tripwire_hits *tripwire_hits(void)
{
    if (!hits_of_thread)
        hits_of_thread = calloc(1, sizeof *hits_of_thread);
    return hits_of_thread;
}

/* Copies the bytes of a write, up to the end of the region. */
static void copy_cell(uint8_t *out, const struct tripwire_region *region, const char *address)
{
    size_t n = (size_t)(region->end - address);
    foreign_copy(out, address, n < TRIPWIRE_BYTES ? n : TRIPWIRE_BYTES);
}

/* Does a hit show the instruction that writes now? */
static bool is_noted(const struct tripwire_hits *hits, void *ucontext)
{
    uint64_t instruction = (uint64_t)((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP];
    for (unsigned i = 0; i < hits->n; i++)
        if (hits->hits[i].nframes > 0 && hits->hits[i].frames[0] == instruction)
            return true;
    return false;
}

static void note_write(struct tripwire_region *region, char *address, void *ucontext)
{
    struct tripwire_hits *hits = hits_of_thread;
    pending = NULL;
    if (hits && hits->n == TRIPWIRE_HITS && !hits->is_cut)
        hits->is_cut = !is_noted(hits, ucontext);
    if (!hits || hits->n == TRIPWIRE_HITS)
        return;
    struct tripwire_hit *hit = &hits->hits[hits->n++];
    *hit = (struct tripwire_hit){.region = region, .address = address};
    copy_cell(hit->before, region, address);
    hit->nframes = (uint16_t)unwind_context(ucontext, hit->frames, RECORD_FRAMES);
    pending = hit;
}

/* An instruction can write to two regions (a copy between inputs): both stay open until it is done. */
bool tripwire_on_fault(siginfo_t *info, void *ucontext)
{
    ucontext_t *context = ucontext;
    struct tripwire_region *region = tripwire_find(info->si_addr);
    if (!region || !(context->uc_mcontext.gregs[REG_ERR] & WRITE_FAULT))
        return false;
    if (region != stepping[0] && region != stepping[1]) {
        int slot = stepping[0] ? 1 : 0;
        if (stepping[slot])
            return false;
        note_write(region, info->si_addr, ucontext);
        atomic_fetch_add(&region->openers, 1);
        stepping[slot] = region;
    }
    mprotect(region->closed, region->metadata_size + region->data_size, PROT_READ | PROT_WRITE);
    context->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
    return true;
}

bool tripwire_on_trap(void *ucontext)
{
    ucontext_t *context = ucontext;
    if (!stepping[0])
        return false;
    context->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
    if (pending)
        copy_cell(pending->after, pending->region, pending->address);
    pending = NULL;
    for (int i = 0; i < 2; i++) {
        if (stepping[i])
            tripwire_close(stepping[i]);
        stepping[i] = NULL;
    }
    return true;
}
