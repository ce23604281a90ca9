/* See pointers.h for the contract. */
#include "detectors/leak/pointers.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/peek.h"
#include "detectors/common/pycompat.h"
#include "detectors/leak/mapped.h"
#include "detectors/memory/pyobject.h"
#include "detectors/memory/readable.h"
#include "heap/memory/region.h"
#include "heap/site/addresses.h"

#define PLACES (4 * POINTERS_MAX) /* a power of two */
#define PAGE 4096
#define CHUNK 32 /* pages that are copied at once */
/* Free-threaded Python marks some pointers in their lowest bits. */
#define MARKS ((uintptr_t)7)

struct count {
    const uintptr_t *hidden; /* addresses of objects, or of native blocks: */
    bool blocks;
    int64_t *counts;
    uint16_t places[PLACES]; /* number of an object, plus 1; 0: unused */
};

static unsigned place_of(uintptr_t word)
{
    return (unsigned)((word >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 40) % PLACES;
}

/* A pointer into a native block counts as one to its start. */
static uintptr_t start_of(uintptr_t word)
{
    const void *at = (const void *)word; /* NOLINT(performance-no-int-to-ptr) */
    const struct span *span = region_find(at);
    const struct block *block = span ? span_block(span, at) : NULL;
    return block ? (uintptr_t)block_user(block) : word;
}

static void look_up(const struct count *count, uintptr_t word)
{
    word = count->blocks ? start_of(word) : word;
    for (unsigned place = place_of(word); count->places[place]; place = (place + 1) % PLACES)
        if (~count->hidden[count->places[place] - 1] == word)
            count->counts[count->places[place] - 1]++;
}

static void count_words(const struct count *count, const uintptr_t *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (words[i] & ~MARKS)
            look_up(count, words[i] & ~MARKS);
}

/* Copies the memory first: another thread of the target may unmap it. */
static void count_memory(const struct count *count, uintptr_t from, uintptr_t to)
{
    static uintptr_t words[(size_t)CHUNK * PAGE / sizeof(uintptr_t)];
    from = (from + sizeof *words - 1) & ~(sizeof *words - 1);
    while (from + sizeof *words <= to) {
        size_t size = to - from < sizeof words ? to - from : sizeof words;
        if (peek(0, from, words, size))
            count_words(count, words, size / sizeof *words);
        from += size;
    }
}

/* Pages that were never written are left out: a reservation may be larger than the machine's memory. */
static void count_pages(const struct count *count, uintptr_t from, uintptr_t to)
{
    unsigned char there[CHUNK];
    for (uintptr_t at = from; at < to; at += sizeof there * PAGE) {
        size_t pages = (to - at) / PAGE < CHUNK ? (to - at) / PAGE : CHUNK;
        /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
        if (mincore((void *)at, pages * PAGE, there) < 0)
            continue;
        for (size_t i = 0, end; i < pages; i = end + 1) {
            for (end = i; end < pages && there[end] & 1;)
                end++;
            count_memory(count, at + i * PAGE, at + end * PAGE);
        }
    }
}

/* Without the guard's heap, and its tables before it: they have the addresses of all blocks. */
static void count_mapping(void *context, uintptr_t from, uintptr_t to)
{
    uintptr_t low = (uintptr_t)region.units, high = (uintptr_t)region.heap + region.size;
    count_pages(context, from, to < low ? to : low);
    count_pages(context, from > high ? from : high, to);
}

static void count_block(void *context, const struct block *block)
{
    uintptr_t user = (uintptr_t)block_user(block);
    count_memory(context, user, user + block->size);
}

static int count_referent(PyObject *object, void *context)
{
    look_up(context, (uintptr_t)object);
    return 0;
}

static int count_tracked(PyObject *object, void *context)
{
    traverseproc traverse = Py_TYPE(object)->tp_traverse;
    if (traverse)
        traverse(object, count_referent, context);
    return 1;
}

/* An object that the collector does not track refers to its class. */
static void count_class(void *context, char *block, enum epoch epoch)
{
    PyObject *object = pyobject_in_block(block);
    (void)epoch;
    if (object && !PyObject_IS_GC(object))
        look_up(context, (uintptr_t)Py_TYPE(object));
}

/* Counts in all memory. Returns false where a sandbox forbids to read it. */
static bool count_all(struct count *count, unsigned n)
{
    char byte;
    memset(count->counts, 0, n * sizeof *count->counts);
    if (!peek(0, (uintptr_t)&byte, &byte, 1))
        return false;
    for (unsigned i = 0; i < n; i++) {
        unsigned place = place_of(~count->hidden[i]);
        while (count->places[place])
            place = (place + 1) % PLACES;
        count->places[place] = (uint16_t)(i + 1);
    }
    mapped_writable(count_mapping, count);
    if (region.heap)
        region_walk_live(count_block, count);
    return true;
}

bool pointers_to_blocks(const uintptr_t *blocks, unsigned n, int64_t *counts)
{
    struct count count = {.hidden = blocks, .blocks = true, .counts = counts};
    return region.heap && count_all(&count, n);
}

bool pointers_count(PyObject *const *objects, unsigned n, struct pointers *pointers)
{
    uintptr_t hidden[POINTERS_MAX];
    struct count count = {.hidden = hidden, .counts = pointers->words};
    *pointers = (struct pointers){0};
    for (unsigned i = 0; i < n; i++)
        hidden[i] = pointers_hide(objects[i]);
    if (PYCOMPAT_NO_GC_VISIT || !count_all(&count, n))
        return false;
    count.counts = pointers->tracked;
    PyUnstable_GC_VisitObjects(count_tracked, &count);
    readable_forget();
    pyobject_forget();
    addresses_walk(count_class, &count);
    return true;
}
