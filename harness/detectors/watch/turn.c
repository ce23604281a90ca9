/* See turn.h for the contract. */
#include "detectors/watch/turn.h"

#include <stdatomic.h>
#include <stdbool.h>

#include "base/prng.h"
#include "detectors/watch/candidates.h"
#include "detectors/watch/target_files.h"

/* A turn lasts until all threads have watched its words, on a busy machine at most this multiple of its time. */
#define TURN_TIME UINT64_C(5000000)
#define TURN_TIMES_MOST 6
/* A word that several threads touch stays for this number of turns. */
#define TURNS_MOST 8
#define REWARD 8
#define SIZE_SHIFT 60 /* user addresses end below this bit */

static struct {
    _Atomic uint64_t word; /* its address and the logarithm of its size */
    _Atomic unsigned trips;
    unsigned turns; /* of this word; written by the thread that changes turns */
} slots[WATCHPOINTS];

__thread struct turn_word turn_own __attribute__((tls_model("initial-exec")));

static _Atomic uint64_t turn_ends;
static _Atomic uint64_t nturns; /* that began */
static _Atomic unsigned nseen;  /* threads that watch the words of this turn */
static uint64_t turn_seed;

void turn_start(uint64_t seed)
{
    turn_seed = seed;
}

static uintptr_t address_of(uint64_t word)
{
    return word & ((UINT64_C(1) << SIZE_SHIFT) - 1);
}

static bool is_watched(uintptr_t address)
{
    for (unsigned slot = 0; slot < WATCHPOINTS; slot++)
        if (address_of(atomic_load(&slots[slot].word)) / 8 == address / 8)
            return true;
    return false;
}

/* Returns true for a word that threads touched, and that has not had its time. */
static bool stays(unsigned slot)
{
    uintptr_t address = address_of(atomic_load(&slots[slot].word));
    bool tripped = address && atomic_exchange(&slots[slot].trips, 0) > 1;
    if (tripped)
        candidates_reward(address, REWARD);
    return tripped && ++slots[slot].turns < TURNS_MOST;
}

static void choose(uint64_t number)
{
    struct candidate next[WATCHPOINTS];
    unsigned n = candidates_pick(next, WATCHPOINTS, turn_seed ^ prng_mix(number)), at = 0;
    for (unsigned slot = 0; slot < WATCHPOINTS; slot++) {
        if (stays(slot))
            continue;
        while (at < n && is_watched(next[at].address))
            at++;
        uint64_t word = 0;
        if (at < n) {
            word = next[at].address | (uint64_t)(next[at].size ? __builtin_ctz(next[at].size) : 0)
                                          << SIZE_SHIFT;
            at++;
        }
        slots[slot].turns = 0;
        atomic_store(&slots[slot].word, word);
    }
}

void turn_renew(void)
{
    for (unsigned slot = 0; slot < WATCHPOINTS; slot++)
        if (!target_files_has_data(address_of(atomic_load(&slots[slot].word)))) {
            atomic_store(&slots[slot].word, 0);
            atomic_store(&slots[slot].trips, 0);
        }
    atomic_store(&turn_ends, 0);
}

/* The caller changes turns if this returns true. */
static bool is_over(uint64_t now, unsigned threads)
{
    uint64_t ends = atomic_load_explicit(&turn_ends, memory_order_acquire);
    if (now < ends || (atomic_load(&nseen) < threads && now - ends < (TURN_TIMES_MOST - 1) * TURN_TIME))
        return false;
    return atomic_compare_exchange_strong(&turn_ends, &ends, UINT64_MAX);
}

uint64_t turn_words(uint64_t now, unsigned threads, uint64_t last, struct turn_word ret[WATCHPOINTS])
{
    if (is_over(now, threads)) {
        atomic_store(&nseen, 0);
        choose(atomic_fetch_add(&nturns, 1));
        atomic_store_explicit(&turn_ends, now + TURN_TIME, memory_order_release);
    }
    for (unsigned slot = 0; slot < WATCHPOINTS; slot++) {
        uint64_t word = atomic_load_explicit(&slots[slot].word, memory_order_relaxed);
        ret[slot] = (struct turn_word){address_of(word), 1U << (word >> SIZE_SHIFT)};
    }
    if (turn_own.address)
        ret[0] = turn_own;
    uint64_t number = atomic_load_explicit(&nturns, memory_order_relaxed);
    if (number != last)
        atomic_fetch_add_explicit(&nseen, 1, memory_order_relaxed);
    return number;
}

void turn_tripped(unsigned slot, uintptr_t address)
{
    if (address_of(atomic_load_explicit(&slots[slot].word, memory_order_relaxed)) == address)
        atomic_fetch_add_explicit(&slots[slot].trips, 1, memory_order_relaxed);
}
