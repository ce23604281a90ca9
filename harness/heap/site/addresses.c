/* See addresses.h for the contract. The first thread that needs a level maps it and publishes it by compare-and-swap; a
 * thread that loses the race unmaps its own. No published level is unmapped. Bits are set and cleared with relaxed
 * atomics: the allocator orders the passing of a block from one thread to another. */
#include "heap/site/addresses.h"

#include <stdatomic.h>
#include <sys/mman.h>

#define GRANULE_BITS 4
#define LEAF_BITS 16 /* of address space in a leaf */
#define MIDDLE_BITS 32
#define TOP_BITS 47
#define GRANULES (1 << (LEAF_BITS - GRANULE_BITS))
#define WORDS (GRANULES / 64)
#define LEAVES (1 << (MIDDLE_BITS - LEAF_BITS))
#define MIDDLES (1 << (TOP_BITS - MIDDLE_BITS))
/* The mark of a site that is a number of trace_store. */
#define STORED (UINT64_C(1) << 63)

#define EPOCH_BITS 3
_Static_assert(EPOCHS <= 1 << EPOCH_BITS, "an epoch fits");

struct leaf {
    _Atomic uint64_t live[WORDS], epoch[EPOCH_BITS][WORDS]; /* the bits of enum epoch */
    uint32_t sites[GRANULES];                               /* number of the stack, plus 1; 0: not known */
    uint32_t sizes[GRANULES];
};

struct middle {
    void *_Atomic leaves[LEAVES];
};

static void *_Atomic top[MIDDLES]; /* of struct middle */
static _Atomic int current;

void addresses_set_epoch(enum epoch epoch)
{
    atomic_store(&current, (int)epoch);
}

/* Returns the level at this place; maps it if `make`. */
static void *node_at(void *_Atomic *place, size_t size, bool make)
{
    void *there = atomic_load_explicit(place, memory_order_acquire);
    if (there || !make)
        return there;
    void *mine = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mine == MAP_FAILED)
        return NULL;
    if (atomic_compare_exchange_strong(place, &there, mine))
        return mine;
    munmap(mine, size);
    return there;
}

static struct leaf *leaf_of(const void *block, bool make)
{
    uintptr_t at = (uintptr_t)block;
    if (at >> TOP_BITS || at % (1 << GRANULE_BITS))
        return NULL;
    struct middle *middle = node_at(&top[at >> MIDDLE_BITS], sizeof *middle, make);
    if (!middle)
        return NULL;
    return node_at(&middle->leaves[(at >> LEAF_BITS) % LEAVES], sizeof(struct leaf), make);
}

static unsigned granule_of(const void *block)
{
    return (unsigned)((uintptr_t)block >> GRANULE_BITS) % GRANULES;
}

static void set_bit(_Atomic uint64_t *words, unsigned granule, bool on)
{
    uint64_t bit = UINT64_C(1) << granule % 64;
    if (on)
        atomic_fetch_or_explicit(&words[granule / 64], bit, memory_order_relaxed);
    else
        atomic_fetch_and_explicit(&words[granule / 64], ~bit, memory_order_relaxed);
}

static bool has_bit(_Atomic uint64_t *words, unsigned granule)
{
    return atomic_load_explicit(&words[granule / 64], memory_order_relaxed) >> granule % 64 & 1;
}

void addresses_add(const void *block, size_t size, uint64_t site)
{
    struct leaf *leaf = leaf_of(block, true);
    if (!leaf)
        return;
    unsigned granule = granule_of(block);
    int epoch = atomic_load_explicit(&current, memory_order_relaxed);
    for (int bit = 0; bit < EPOCH_BITS; bit++)
        set_bit(leaf->epoch[bit], granule, epoch >> bit & 1);
    if (site || leaf->sites[granule])
        leaf->sites[granule] = site & STORED ? (uint32_t)site + 1 : 0;
    leaf->sizes[granule] = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
    set_bit(leaf->live, granule, true);
}

void addresses_remove(const void *block)
{
    struct leaf *leaf = leaf_of(block, false);
    if (leaf)
        set_bit(leaf->live, granule_of(block), false);
}

size_t addresses_size(const void *block)
{
    struct leaf *leaf = leaf_of(block, false);
    return leaf ? leaf->sizes[granule_of(block)] : 0;
}

uint64_t addresses_site(const void *block)
{
    struct leaf *leaf = leaf_of(block, false);
    uint32_t number = leaf ? leaf->sites[granule_of(block)] : 0;
    return number ? STORED | (number - 1) : 0;
}

static void walk_leaf(struct leaf *leaf, uintptr_t from,
                      void (*visit)(void *context, char *block, enum epoch epoch), void *context)
{
    for (unsigned word = 0; word < WORDS; word++) {
        uint64_t bits = atomic_load_explicit(&leaf->live[word], memory_order_relaxed);
        for (; bits; bits &= bits - 1) {
            unsigned granule = word * 64 + (unsigned)__builtin_ctzll(bits);
            int epoch = 0;
            for (int bit = 0; bit < EPOCH_BITS; bit++)
                epoch |= has_bit(leaf->epoch[bit], granule) << bit;
            /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
            visit(context, (char *)(from + ((uintptr_t)granule << GRANULE_BITS)), (enum epoch)epoch);
        }
    }
}

void addresses_walk(void (*visit)(void *context, char *block, enum epoch epoch), void *context)
{
    for (uintptr_t high = 0; high < MIDDLES; high++) {
        struct middle *middle = atomic_load_explicit(&top[high], memory_order_acquire);
        for (uintptr_t low = 0; middle && low < LEAVES; low++) {
            struct leaf *leaf = atomic_load_explicit(&middle->leaves[low], memory_order_acquire);
            if (leaf)
                walk_leaf(leaf, high << MIDDLE_BITS | low << LEAF_BITS, visit, context);
        }
    }
}
