/* See stall.h for the contract. Below `Handler` all code is async-signal-safe, and libunwind's local half. */
#include "detectors/watch/stall.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "base/clock.h"
#include "base/peek.h"
#include "base/prng.h"
#include "core/plan/plan.h"
#include "detectors/common/unwind.h"
#include "detectors/watch/target_files.h"
#include "detectors/watch/turn.h"
#include "heap/guard/guard.h"

#define MICROSECOND UINT64_C(1000)
#define STALL_LEAST (25 * MICROSECOND)
#define STALL_RANGE (100 * MICROSECOND)
#define STALL_EVERY (1000 * MICROSECOND)
/* A trap costs some 10 us, so a word has a few of them, and then a pause. */
#define TRIPS 8
#define TRIPS_MOST 64
#define PAUSE_LEAST (200 * MICROSECOND)
#define PAUSE_RANGE (600 * MICROSECOND)
/* One trip of DICE stalls, so that it is not always the first of a call. */
#define DICE 3
#define WITNESS_TIME (2000 * MICROSECOND)
/* A word in a register of this thread. */
struct slot {
    uintptr_t address; /* 0: none */
    unsigned size, trips;
    bool paused;
    uint64_t resume;
    uint64_t since;     /* from this time on every access of the thread trips */
    uint64_t last_read; /* the last trip of an instruction that reads the word, or may read it */
};

struct thread {
    uint16_t worker;
    bool inside;    /* the handler */
    uint64_t known; /* a time when it was outside of any access that has not tripped yet */
    uint64_t next_stall;
    struct prng prng;
    uint64_t turn;
    struct slot slots[WATCHPOINTS];
    bool waits; /* for the store that completes `race` */
    struct guard_context race_call;
    struct stall_race race;
};

enum witness { NONE, WRITING, DONE };

/* A thread that stalls now. */
static struct stall {
    _Alignas(64) _Atomic uintptr_t address; /* of its access; 0: it does not stall */
    _Atomic uint32_t size;
    _Atomic bool whole; /* the access reads and writes in one instruction */
    _Atomic uintptr_t pc;
    _Atomic uint64_t known; /* its access is later than this */
    _Atomic uint64_t began; /* and earlier than this */
    _Atomic int witness;    /* enum witness */
    struct stall_sight other;
    _Atomic uintptr_t word;    /* in the register; 0: it does not stall */
    _Atomic uintptr_t toucher; /* the first instruction of another thread that touched it meanwhile; or 0 */
} stalls[PLAN_THREADS_MAX];

static _Atomic unsigned nstalls;   /* 1 + the greatest number of a worker */
static _Atomic unsigned nstalling; /* threads that stall now */
static __thread struct thread *self __attribute__((tls_model("initial-exec")));

bool (*stall_found)(const struct stall_race *race);

void stall_begin(uint16_t worker, uint64_t seed)
{
    unsigned n = atomic_load(&nstalls);
    if (!self && worker < PLAN_THREADS_MAX)
        self = calloc(1, sizeof *self);
    if (!self)
        return;
    self->worker = worker;
    self->prng = prng_stream(seed, prng_mix(worker));
    while (n <= worker && !atomic_compare_exchange_weak(&nstalls, &n, worker + 1U))
        ;
}

void stall_end(void)
{
    struct thread *thread = self;
    self = NULL;
    watchpoint_close();
    free(thread);
}

/* Does another thread stall at this word now? */
static bool is_met(const struct slot *slot)
{
    unsigned n = atomic_load(&nstalling) ? atomic_load(&nstalls) : 0;
    for (unsigned i = 0; i < n; i++)
        if (atomic_load_explicit(&stalls[i].address, memory_order_relaxed) - slot->address < slot->size)
            return true;
    return false;
}

static int set_slot(unsigned at, const struct turn_word *word)
{
    struct slot *slot = &self->slots[at];
    *slot = (struct slot){.address = word->address, .size = word->size};
    if (!word->address) {
        watchpoint_pause(at);
        return 0;
    }
    int error = watchpoint_set(at, word->address, word->size);
    slot->address = error < 0 ? 0 : word->address;
    slot->since = clock_now();
    return error;
}

int stall_point(void)
{
    struct turn_word words[WATCHPOINTS];
    uint64_t now = clock_now();
    int result = 0;
    if (!self)
        return 0;
    self->turn = turn_words(now, atomic_load(&nstalls), self->turn, words);
    for (unsigned at = 0; at < WATCHPOINTS; at++) {
        struct slot *slot = &self->slots[at];
        if (slot->address != words[at].address) {
            int error = set_slot(at, &words[at]);
            result = error < 0 ? error : result;
        } else if (slot->paused && (now >= slot->resume || is_met(slot))) {
            watchpoint_resume(at);
            slot->paused = false;
            slot->trips = 0;
            slot->since = clock_now();
        }
    }
    self->known = clock_now();
    return result;
}

void stall_rest(void)
{
    for (unsigned at = 0; self && at < WATCHPOINTS; at++)
        set_slot(at, &(struct turn_word){0});
}

/* Handler */

static uint64_t read_memory(uintptr_t address, unsigned size)
{
    uint64_t value = 0;
    peek(0, address, &value, size < sizeof value ? size : sizeof value);
    return value;
}

static void take_stack(struct stall_sight *sight, void *ucontext)
{
    sight->nframes = (uint16_t)unwind_context(ucontext, sight->frames, STALL_FRAMES);
    if (sight->nframes > 0)
        sight->frames[0] = sight->pc;
}

static bool overlaps(const struct stall_sight *sight, uintptr_t address, unsigned size)
{
    return sight->address < address + size && address < sight->address + sight->access.size;
}

/* For a thread that stalled right after a read-modify-write, the other must not have read the word since: it may have
 * read that the first released a lock which is this word. Nor may its own access be older than the stall, as on a busy
 * machine, where the handler runs late. */
static bool is_unordered(const struct thread *thread, const struct stall *stall,
                         const struct stall_sight *sight, const struct slot *slot)
{
    uint64_t known = atomic_load(&stall->known);
    return sight->access.reads && slot->since < known && slot->last_read < known &&
           thread->known > atomic_load(&stall->began);
}

/* Becomes the witness of threads that stall at the memory which this one has just written. */
static void witness(struct thread *thread, const struct slot *slot, const struct stall_sight *sight,
                    void *ucontext)
{
    unsigned n = atomic_load(&nstalls);
    for (unsigned i = 0; i < n; i++) {
        struct stall *stall = &stalls[i];
        uintptr_t address = atomic_load(&stall->address);
        int none = NONE;
        if (!address || i == thread->worker || !overlaps(sight, address, atomic_load(&stall->size)) ||
            stall_log_has_pair(stall_log_pair(atomic_load(&stall->pc), sight->pc)) ||
            (atomic_load(&stall->whole) && !is_unordered(thread, stall, sight, slot)) ||
            !atomic_compare_exchange_strong(&stall->witness, &none, WRITING))
            continue;
        stall->other = *sight;
        take_stack(&stall->other, ucontext);
        stall_log_expect((uint16_t)i, stall_found);
        atomic_store(&stall->witness, DONE);
    }
}

/* The process may crash of it before the call ends. */
static void report(const struct stall_race *race)
{
    uint64_t pair = stall_log_pair(race->first.pc, race->other.pc);
    if (stall_found && !stall_log_has_pair(pair) && stall_found(race))
        stall_log_add_pair(pair);
}

static bool is_same_call(const struct guard_context *one)
{
    return one->iteration == guard_context.iteration && one->worker == guard_context.worker &&
           one->step == guard_context.step;
}

static void end_wait(struct thread *thread)
{
    thread->waits = false;
    stall_log_expect(thread->worker, false);
}

/* An access that follows the thread's load, in the same slot. Only a store of the same memory completes the race. */
static void follow(struct thread *thread, const struct slot *slot, const struct stall_sight *sight)
{
    struct stall_race *race = &thread->race;
    const struct access *access = &sight->access;
    bool same = sight->address == race->first.address && access->size == race->first.access.size;
    if (!thread->waits || race->first.address - slot->address >= slot->size)
        return;
    if (same && is_same_call(&thread->race_call) && !access->reads && access->writes && !access->locked) {
        race->store = sight->pc;
        race->stored = read_memory(sight->address, access->size);
        report(race);
    }
    end_wait(thread);
}

/* What the thread sees when it goes on. */
static void judge_stall(struct thread *thread, struct stall *stall, struct stall_race *race, void *ucontext)
{
    const struct access *access = &race->first.access;
    uint64_t until = clock_now() + WITNESS_TIME;
    while (atomic_load(&stall->witness) == WRITING && clock_now() < until)
        sched_yield();
    if (atomic_load(&stall->witness) != DONE || race->before == race->after)
        return;
    race->other = stall->other;
    bool same = race->other.address == race->first.address && race->other.access.size == access->size;
    if (race->other.time < race->first.time || !overlaps(&race->other, race->first.address, access->size) ||
        (access->writes && !same))
        return;
    take_stack(&race->first, ucontext);
    if (access->writes) {
        report(race);
        return;
    }
    thread->waits = true;
    thread->race_call = guard_context;
    thread->race = *race;
}

/* Spins, and stores what the call met. */
static void wait_until(struct stall *stall, uint16_t worker, uintptr_t word, uint64_t end)
{
    atomic_store(&stall->toucher, 0);
    atomic_store(&stall->word, word);
    atomic_fetch_add(&nstalling, 1);
    while (clock_now() < end)
        sched_yield();
    atomic_fetch_sub(&nstalling, 1);
    atomic_store(&stall->word, 0);
    stall_log_add_call(worker, &(struct stall_met){.word = word,
                                                   .own = true,
                                                   .stalled = atomic_load(&stall->pc),
                                                   .other = atomic_load(&stall->toucher)});
}

/* A call that touches a word at which another thread stalls. */
static void meet(const struct thread *thread, uintptr_t word, uintptr_t pc)
{
    unsigned n = atomic_load(&nstalling) ? atomic_load(&nstalls) : 0;
    for (unsigned i = 0; i < n; i++) {
        uintptr_t none = 0;
        if (i == thread->worker || atomic_load(&stalls[i].word) != word)
            continue;
        atomic_compare_exchange_strong(&stalls[i].toucher, &none, pc);
        stall_log_add_call(
            thread->worker,
            &(struct stall_met){.word = word, .stalled = atomic_load(&stalls[i].pc), .other = pc});
        return;
    }
}

static void stall(struct thread *thread, const struct stall_sight *sight, uintptr_t word, uint64_t known,
                  void *ucontext)
{
    struct stall *stall = &stalls[thread->worker];
    struct stall_race race = {.first = *sight};
    const struct access *access = &sight->access;
    uint64_t end = sight->time + STALL_LEAST + prng_next(&thread->prng) % STALL_RANGE;
    bool is_open = sight->address && access->reads && !access->locked; /* to a witness */
    if (atomic_load(&stall->witness) == WRITING)
        return;
    if (is_open)
        race.before = read_memory(sight->address, access->size);
    atomic_store(&stall->size, access->size);
    atomic_store(&stall->whole, access->reads && access->writes);
    atomic_store(&stall->pc, sight->pc);
    atomic_store(&stall->known, known);
    atomic_store(&stall->began, sight->time);
    atomic_store(&stall->witness, NONE);
    atomic_store(&stall->address, is_open ? sight->address : 0);
    wait_until(stall, thread->worker, word, end);
    atomic_store(&stall->address, 0);
    thread->next_stall = clock_now() + STALL_EVERY;
    if (!is_open)
        return;
    race.after = read_memory(sight->address, access->size);
    judge_stall(thread, stall, &race, ucontext);
    if (!thread->waits)
        end_wait(thread);
}

static void pause_slot(struct thread *thread, unsigned at)
{
    struct slot *slot = &thread->slots[at];
    if (slot->trips < (thread->waits ? TRIPS_MOST : TRIPS))
        return;
    watchpoint_pause(at);
    slot->paused = true;
    slot->resume = clock_now() + PAUSE_LEAST + prng_next(&thread->prng) % PAUSE_RANGE;
    end_wait(thread);
}

/* What the instruction before pc did. It has no address where the register does not cover all of the memory. */
static struct stall_sight look(const struct thread *thread, const struct slot *slot, uintptr_t pc,
                               const void *ucontext)
{
    struct stall_sight sight = {
        .worker = thread->worker, .time = clock_now(), .access = instruction_before(pc)};
    sight.pc = pc - sight.access.length;
    if (sight.access.reads || sight.access.writes)
        sight.address = instruction_address(sight.pc, ucontext);
    if (sight.address < slot->address || sight.address + sight.access.size > slot->address + slot->size)
        sight.address = 0;
    return sight;
}

/* Other code than the target's is not stalled: it may hold a lock of the allocator or of the loader. */
static void trip(struct thread *thread, unsigned at, uintptr_t pc, void *ucontext)
{
    struct slot *slot = &thread->slots[at];
    uint64_t known = thread->known;
    bool is_target = target_files_has_code(pc - 1) && guard_context.worker == thread->worker;
    struct stall_sight sight = {.time = clock_now()};
    if (is_target) {
        turn_tripped(at, slot->address);
        sight = look(thread, slot, pc, ucontext);
        meet(thread, slot->address, sight.pc);
    }
    if (sight.address && sight.access.writes)
        witness(thread, slot, &sight, ucontext);
    follow(thread, slot, &sight);
    if (sight.access.reads || !sight.address)
        slot->last_read = sight.time;
    if (is_target && sight.time >= thread->next_stall && prng_next(&thread->prng) % DICE == 0)
        stall(thread, &sight, slot->address, known, ucontext);
}

static unsigned slot_of(const struct thread *thread, uintptr_t address)
{
    unsigned at = 0;
    while (at < WATCHPOINTS && thread->slots[at].address != address)
        at++;
    return at;
}

bool stall_on_trap(const siginfo_t *info, void *ucontext)
{
    const ucontext_t *context = ucontext;
    uintptr_t address = watchpoint_address(info);
    struct thread *thread = self;
    if (!address)
        return false;
    unsigned at = thread && !thread->inside ? slot_of(thread, address) : WATCHPOINTS;
    if (at == WATCHPOINTS)
        return true; /* a trap of an earlier turn */
    int saved = errno;
    thread->inside = true;
    thread->slots[at].trips++;
    trip(thread, at, (uintptr_t)context->uc_mcontext.gregs[REG_RIP], ucontext);
    pause_slot(thread, at);
    thread->known = clock_now();
    thread->inside = false;
    errno = saved;
    return true;
}
