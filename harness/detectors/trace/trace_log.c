/* See trace_log.h for the contract. */
#include "detectors/trace/trace_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"

#define WORDS (1U << 16)
#define WORDS_MAX (WORDS / 4 * 3)
#define WORD UINT64_C(8)
#define TRIES 64

/* A word that each call writes has a race in each call; one that some calls wrote may be a cache. */
#define WEIGHT_EACH 4000u
#define WEIGHT_SOME 1000u
#define WEIGHT_ONCE 300u
/* A word of one thread, near one that the same instruction wrote in another: an index may bring threads together. */
#define WEIGHT_NEAR 200u
/* All writes are locked: the target means it to be shared. */
#define LOCKED_SHARE 3

struct word {
    uintptr_t number; /* address / WORD; 0: free */
    uintptr_t writer_pc, reader_pc;
    uint16_t readers, writers; /* a bit for each thread */
    uint8_t low, high, flags;
    uint32_t touched_in, written_in; /* the last call that did */
    uint32_t touches, writes;        /* calls that did */
};

static struct word *words;
/* Of the words that are used: a pass over all words would take milliseconds. */
static uint16_t places[WORDS_MAX];
static unsigned used;
static uint32_t call;
static unsigned thread;

/* Words of one pair of instructions, such as a loop over an array: they share one weight. */
#define PAIRS 1024
static uint32_t pairs[PAIRS];

/* The threads in which one instruction wrote words of the same NEAR bytes. */
#define AREAS 1024
#define NEAR 512
static uint16_t areas[AREAS];

int trace_log_start(void)
{
    if (!words)
        words = calloc(WORDS, sizeof *words);
    return words ? 0 : -ENOMEM;
}

void trace_log_clear(void)
{
    for (unsigned i = 0; i < used; i++)
        words[places[i]] = (struct word){0};
    used = 0;
    call = 0;
}

void trace_log_begin_call(unsigned number)
{
    thread = number < TRACE_THREADS ? number : TRACE_THREADS;
    call++;
}

/* Returns NULL if the log is full. */
static struct word *find(uintptr_t number)
{
    uint64_t at = prng_mix(number);
    for (unsigned i = 0; i < TRIES; i++) {
        uint16_t place = (uint16_t)((at + i) % WORDS);
        struct word *word = &words[place];
        if (word->number == number)
            return word;
        if (word->number)
            continue;
        if (used == WORDS_MAX)
            return NULL;
        places[used++] = place;
        *word = (struct word){.number = number, .low = WORD};
        return word;
    }
    return NULL;
}

static uint8_t flags_of(const struct trace_access *access)
{
    unsigned kind = !access->writes ? CANDIDATE_READ : access->reads ? CANDIDATE_RMW : CANDIDATE_WRITE;
    unsigned locked = access->locked ? CANDIDATE_LOCKED : access->writes ? CANDIDATE_PLAIN : 0;
    return (uint8_t)(kind | locked);
}

static void add_to_word(const struct trace_access *access, uintptr_t number, unsigned low, unsigned high)
{
    struct word *word = find(number);
    if (!word)
        return;
    word->low = low < word->low ? (uint8_t)low : word->low;
    word->high = high > word->high ? (uint8_t)high : word->high;
    word->flags |= flags_of(access);
    word->touches += word->touched_in != call;
    word->touched_in = call;
    if (access->reads) {
        word->readers |= (uint16_t)(1U << thread);
        word->reader_pc = access->pc;
    }
    if (!access->writes)
        return;
    word->writes += word->written_in != call;
    word->written_in = call;
    word->writers |= (uint16_t)(1U << thread);
    word->writer_pc = access->pc;
}

/* A prefetch may name any address: the upper half is the kernel's, and its end wraps to 0. */
void trace_log_add(const struct trace_access *access)
{
    if ((intptr_t)access->address < 0)
        return;
    for (uintptr_t at = access->address, end = at + access->size; at < end;) {
        uintptr_t next = (at / WORD + 1) * WORD, stop = next < end ? next : end;
        add_to_word(access, at / WORD, (unsigned)(at % WORD), (unsigned)(stop - at / WORD * WORD));
        at = next;
    }
}

static bool is_candidate(const struct word *word)
{
    unsigned both = word->readers | word->writers;
    return word->number && word->writers && both & (both - 1);
}

static uint16_t *area_of(const struct word *word)
{
    return &areas[prng_mix(word->writer_pc ^ prng_mix(word->number * WORD / NEAR)) % AREAS];
}

/* Did one thread alone write it, and the same instruction a word near it in another? */
static bool is_near(const struct word *word)
{
    unsigned both = word->writers ? *area_of(word) : 0;
    return word->number && both & (both - 1) && !is_candidate(word);
}

static unsigned pair_of(const struct word *word)
{
    return (unsigned)(prng_mix(word->writer_pc ^ prng_mix(word->reader_pc)) % PAIRS);
}

static uint32_t weight_of(const struct word *word)
{
    uint32_t weight = is_near(word)                   ? WEIGHT_NEAR
                      : word->writes == word->touches ? WEIGHT_EACH
                      : word->writes > 1              ? WEIGHT_SOME
                                                      : WEIGHT_ONCE;
    if (!(word->flags & CANDIDATE_PLAIN))
        weight /= LOCKED_SHARE;
    weight /= pairs[pair_of(word)];
    return weight ? weight : 1;
}

static struct candidate candidate_of(const struct word *word)
{
    unsigned size = candidate_size(word->low, word->high);
    bool each = word->writes == word->touches;
    return (struct candidate){.address = word->number * WORD + (uintptr_t)word->low / size * size,
                              .size = (uint8_t)size,
                              .flags = (uint8_t)(word->flags | (each ? CANDIDATE_EACH_CALL : 0)),
                              .weight = weight_of(word),
                              .writer_pc = word->writer_pc,
                              .reader_pc = word->reader_pc};
}

static void find_areas(void)
{
    memset(areas, 0, sizeof areas);
    for (unsigned i = 0; i < used; i++)
        if (words[places[i]].writers)
            *area_of(&words[places[i]]) |= words[places[i]].writers;
}

unsigned trace_log_settle(bool (*skip)(uintptr_t address), void (*add)(struct candidate *candidate))
{
    unsigned n = 0;
    find_areas();
    memset(pairs, 0, sizeof pairs);
    for (unsigned i = 0; i < used; i++) {
        struct word *word = &words[places[i]];
        if (skip && (is_candidate(word) || is_near(word)) && skip(word->number * WORD))
            word->number = 0;
        if (is_candidate(word) || is_near(word))
            pairs[pair_of(word)]++;
    }
    for (unsigned i = 0; i < used; i++) {
        const struct word *word = &words[places[i]];
        if (!is_candidate(word) && !is_near(word))
            continue;
        struct candidate candidate = candidate_of(word);
        add(&candidate);
        n += is_candidate(word);
    }
    return n;
}
