/* Candidates: words that two threads touch and at least one writes. Watchpoints are put on them.
 *
 * Contract. Child main calls candidates_start once, before Python starts. Adding, picking, finding and rewarding run on
 * any thread, any number at once, and are async-signal-safe: a new entry is complete before it has a weight, and its
 * members are atomic, so that a pick sees an entry whole or with a range and flags that have just grown. If two threads
 * add the same word at once, it may have two entries; one pick never returns both. Forgetting needs that no thread does
 * any of that: it runs on the main thread between two rounds.
 *
 * A candidate of a target file's data stays valid in all rounds. One of the heap belongs to the objects of a round:
 * forget these candidates when the inputs are made again.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* How the instructions of the target touch a word. */
enum candidate_flags {
    CANDIDATE_READ = 1,       /* by an instruction that only reads */
    CANDIDATE_WRITE = 2,      /* by one that only writes */
    CANDIDATE_RMW = 4,        /* by one that reads and writes */
    CANDIDATE_LOCKED = 8,     /* at least one of them is locked (lock prefix or xchg) */
    CANDIDATE_PLAIN = 16,     /* at least one of them is not locked, and it writes */
    CANDIDATE_EACH_CALL = 32, /* each call that was stepped writes it */
    CANDIDATE_RANDOM = 64,    /* no access was seen: a random word of the data of a target file */
};

/* Aligned to its size, which is 1, 2, 4 or 8. The pcs are those of the instructions themselves; 0: none seen. */
struct candidate {
    uintptr_t address;
    uint8_t size, flags;
    uint32_t weight;
    uintptr_t writer_pc, reader_pc;
};

/* Returns the size of the smallest candidate that holds the bytes from low to high of its 8-byte word. */
static inline unsigned candidate_size(unsigned low, unsigned high)
{
    unsigned size = 1;
    while (size < 8 && low / size != (high - 1) / size)
        size *= 2;
    return size;
}

void candidates_start(void);

/* Reads which files are loaded now, for random words. */
void candidates_read_files(void);

/* Adds a candidate, or adds its flags and range to the one of the same 8-byte word, which becomes at least as heavy.
 * One that crosses a word is cut. Returns false if the table is full. */
bool candidates_add(const struct candidate *candidate);

/* Forgets the candidates outside of target files' data. */
void candidates_forget_heap(void);

/* Chooses up to n candidates of different words, heavy ones more often, and some random words of target files' data.
 * A chosen candidate becomes lighter until a reward comes. The same seed chooses the same from the same table. Returns
 * how many. */
unsigned candidates_pick(struct candidate *ret, unsigned n, uint64_t seed);

/* A thread touched the word at this address while it was watched (small amount), or that did damage (large). A random
 * word of a file's data becomes a candidate. */
void candidates_reward(uintptr_t address, uint32_t amount);

/* Finds the candidate of the word at this address. Returns false if there is none. */
bool candidates_find(uintptr_t address, struct candidate *ret);

unsigned candidates_count(void);

/* Copies up to n candidates. Returns how many. Child main, while no other thread adds any. */
unsigned candidates_copy(struct candidate *ret, unsigned n);
