/* See candidates.h for the contract. */
#include "detectors/watch/candidates.h"

#include <stdatomic.h>
#include <string.h>

#include "base/prng.h"
#include "detectors/watch/target_files.h"

#define ENTRIES 4096
#define WORD UINT64_C(8)
#define WEIGHT_MAX (UINT32_C(1) << 20)
/* One pick of RANDOM_EVERY is a random word of a file's data, which no thread may have touched while it was stepped. */
#define RANDOM_EVERY 4
/* A pick takes 1/DECAY of the weight, down to 1: words that nothing touches sink, and none is lost for ever. */
#define DECAY 8
#define STREAM 0xca4d1da7e

struct entry {
    _Atomic uintptr_t word; /* its address / WORD; 0: it is being written */
    _Atomic uintptr_t writer_pc, reader_pc;
    _Atomic uint32_t weight;
    _Atomic uint8_t low, high; /* bytes of the word */
    _Atomic uint8_t flags;
};

static struct entry entries[ENTRIES];
static _Atomic unsigned nentries;

void candidates_start(void)
{
    target_files_start();
}

void candidates_read_files(void)
{
    target_files_read();
}

unsigned candidates_count(void)
{
    return atomic_load_explicit(&nentries, memory_order_acquire);
}

static struct entry *find(uintptr_t address)
{
    unsigned n = candidates_count();
    for (unsigned i = 0; i < n; i++)
        if (atomic_load_explicit(&entries[i].word, memory_order_relaxed) == address / WORD)
            return &entries[i];
    return NULL;
}

/* Saturates. */
static void add_weight(struct entry *entry, uint32_t amount)
{
    uint32_t old = atomic_load_explicit(&entry->weight, memory_order_relaxed), sum;
    do {
        sum = amount > WEIGHT_MAX - old ? WEIGHT_MAX : old + amount;
    } while (!atomic_compare_exchange_weak(&entry->weight, &old, sum));
}

static void raise_weight(struct entry *entry, uint32_t least)
{
    uint32_t old = atomic_load_explicit(&entry->weight, memory_order_relaxed);
    while (old < least && !atomic_compare_exchange_weak(&entry->weight, &old, least))
        ;
}

static unsigned high_of(const struct candidate *candidate)
{
    uint64_t high = candidate->address % WORD + candidate->size;
    return (unsigned)(high < WORD ? high : WORD);
}

static struct entry *write_entry(struct entry *entry, const struct candidate *candidate)
{
    atomic_store(&entry->low, (uint8_t)(candidate->address % WORD));
    atomic_store(&entry->high, (uint8_t)high_of(candidate));
    atomic_store(&entry->flags, candidate->flags);
    atomic_store(&entry->writer_pc, candidate->writer_pc);
    atomic_store(&entry->reader_pc, candidate->reader_pc);
    atomic_store(&entry->weight, 0);
    atomic_store(&entry->word, candidate->address / WORD);
    return entry;
}

/* Returns NULL if the table is full. */
static struct entry *new_entry(const struct candidate *candidate)
{
    unsigned n = candidates_count();
    do {
        if (n == ENTRIES)
            return NULL;
    } while (!atomic_compare_exchange_weak(&nentries, &n, n + 1));
    return write_entry(&entries[n], candidate);
}

static void widen_entry(struct entry *entry, const struct candidate *candidate)
{
    uint8_t flags = atomic_load(&entry->flags), both;
    if (candidate->address % WORD < atomic_load(&entry->low))
        atomic_store(&entry->low, (uint8_t)(candidate->address % WORD));
    if (high_of(candidate) > atomic_load(&entry->high))
        atomic_store(&entry->high, (uint8_t)high_of(candidate));
    do {
        both = (uint8_t)((flags | candidate->flags) & ~CANDIDATE_RANDOM) |
               (flags & candidate->flags & CANDIDATE_RANDOM);
    } while (!atomic_compare_exchange_weak(&entry->flags, &flags, both));
    if (candidate->writer_pc)
        atomic_store(&entry->writer_pc, candidate->writer_pc);
    if (candidate->reader_pc)
        atomic_store(&entry->reader_pc, candidate->reader_pc);
}

bool candidates_add(const struct candidate *candidate)
{
    struct entry *entry = find(candidate->address);
    if (entry)
        widen_entry(entry, candidate);
    else
        entry = new_entry(candidate);
    if (entry)
        raise_weight(entry, candidate->weight);
    return entry;
}

static void copy_entry(struct entry *to, struct entry *from)
{
    to->word = from->word;
    to->writer_pc = from->writer_pc;
    to->reader_pc = from->reader_pc;
    to->weight = from->weight;
    to->low = from->low;
    to->high = from->high;
    to->flags = from->flags;
}

void candidates_forget_heap(void)
{
    unsigned n = candidates_count(), kept = 0;
    for (unsigned i = 0; i < n; i++)
        if (target_files_has_data(entries[i].word * WORD))
            copy_entry(&entries[kept++], &entries[i]);
    for (unsigned i = kept; i < n; i++) {
        entries[i].word = 0;
        entries[i].weight = 0;
    }
    atomic_store_explicit(&nentries, kept, memory_order_release);
}

static void read_entry(struct entry *entry, struct candidate *ret)
{
    unsigned low = atomic_load(&entry->low), size = candidate_size(low, atomic_load(&entry->high));
    *ret = (struct candidate){.address = atomic_load(&entry->word) * WORD + (uintptr_t)low / size * size,
                              .size = (uint8_t)size,
                              .flags = atomic_load(&entry->flags),
                              .weight = atomic_load(&entry->weight),
                              .writer_pc = atomic_load(&entry->writer_pc),
                              .reader_pc = atomic_load(&entry->reader_pc)};
}

bool candidates_find(uintptr_t address, struct candidate *ret)
{
    struct entry *entry = find(address);
    if (entry)
        read_entry(entry, ret);
    return entry;
}

unsigned candidates_copy(struct candidate *ret, unsigned n)
{
    unsigned count = candidates_count();
    for (unsigned i = 0; i < n && i < count; i++)
        read_entry(&entries[i], &ret[i]);
    return count < n ? count : n;
}

static bool is_chosen(const struct candidate *chosen, unsigned n, uintptr_t word)
{
    for (unsigned i = 0; i < n; i++)
        if (chosen[i].address / WORD == word)
            return true;
    return false;
}

/* A weighted choice among the entries of words that are not chosen yet. */
static struct entry *choose(const struct candidate *chosen, unsigned nchosen, uint64_t dice)
{
    uint64_t total = 0;
    unsigned n = candidates_count();
    struct entry *last = NULL;
    for (int pass = 0; pass < 2; pass++) {
        uint64_t at = total ? dice % total : 0;
        for (unsigned i = 0; i < n; i++) {
            uint32_t weight = atomic_load_explicit(&entries[i].weight, memory_order_relaxed);
            if (weight == 0 || is_chosen(chosen, nchosen, entries[i].word))
                continue;
            last = &entries[i];
            if (pass && at < weight)
                return last;
            *(pass ? &at : &total) += pass ? -(uint64_t)weight : weight;
        }
    }
    return last; /* another thread has changed weights */
}

static void lighten(struct entry *entry)
{
    uint32_t old = atomic_load_explicit(&entry->weight, memory_order_relaxed);
    while (old > 1 && !atomic_compare_exchange_weak(&entry->weight, &old, old - (old + DECAY - 1) / DECAY))
        ;
}

static bool choose_random(struct candidate *chosen, unsigned n, struct prng *prng)
{
    uintptr_t address = target_files_random_word(prng);
    if (!address || is_chosen(chosen, n, address / WORD))
        return false;
    if (!candidates_find(address, &chosen[n]))
        chosen[n] = (struct candidate){.address = address, .size = WORD, .flags = CANDIDATE_RANDOM};
    return true;
}

unsigned candidates_pick(struct candidate *ret, unsigned n, uint64_t seed)
{
    struct prng prng = prng_stream(seed, STREAM);
    unsigned chosen = 0;
    for (unsigned i = 0; i < n; i++) {
        bool random = prng_next(&prng) % RANDOM_EVERY == 0 && choose_random(ret, chosen, &prng);
        struct entry *entry = random ? NULL : choose(ret, chosen, prng_next(&prng));
        if (entry) {
            read_entry(entry, &ret[chosen]);
            lighten(entry);
        }
        chosen += random || entry || choose_random(ret, chosen, &prng);
    }
    return chosen;
}

void candidates_reward(uintptr_t address, uint32_t amount)
{
    struct entry *entry = find(address);
    if (entry)
        add_weight(entry, amount);
    else if (target_files_has_data(address))
        candidates_add(&(struct candidate){
            .address = address / WORD * WORD, .size = WORD, .flags = CANDIDATE_RANDOM, .weight = amount});
}
