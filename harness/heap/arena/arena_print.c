/* Violations as sentences. */
#include "heap/arena/arena.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#define TEXT 7 /* printable characters in a row: one more than an address has bytes that are not 0 */

#define FIELD_HOLDS(field) "the " field " at %#" PRIxPTR " holds %#" PRIx64
#define OVERRUN                                                                                              \
    "; the block before it, at %#" PRIxPTR " with %zu bytes, ends there and was probably written past its end"
#define AFTER_FREE "; the block at %#" PRIxPTR " with %zu bytes was probably written to after it was freed"

/* sentence: chunk and value; about_block: block and size, appended if the block is known. */
static const struct {
    const char *name, *sentence, *about_block;
} faults[ARENA_FAULTS] = {
    [ARENA_SIZE] = {"size field", FIELD_HOLDS("size field of the chunk"), OVERRUN},
    [ARENA_PREV_SIZE] = {"prev_size",
                         "the header of the chunk at %#" PRIxPTR " marks the block before it as free, with "
                         "%#" PRIx64 " bytes",
                         "; that block, at %#" PRIxPTR ", has %zu bytes: it was probably written to after it "
                         "was freed, or past its end"},
    [ARENA_PREV_INUSE] = {"prev_inuse",
                          FIELD_HOLDS(
                              "size field of the chunk") ", which marks the block before it as in use",
                          "; that block, at %#" PRIxPTR " with %zu bytes, is in a list of free blocks"},
    [ARENA_TOP] = {"top chunk",
                   FIELD_HOLDS("size field of the top chunk") ", which is not the rest of its heap", OVERRUN},
    [ARENA_FORWARD] = {"forward link", FIELD_HOLDS("forward link of the free chunk"), AFTER_FREE},
    [ARENA_BACKWARD] = {"backward link", FIELD_HOLDS("backward link of the free chunk"), AFTER_FREE},
    [ARENA_NEXT_SIZE] = {"next-size link", FIELD_HOLDS("next-size link of the free chunk"), AFTER_FREE},
    [ARENA_FASTBIN] = {"fastbin link", FIELD_HOLDS("fastbin link of the free chunk"), AFTER_FREE},
    [ARENA_CACHE_LINK] = {"cache link", FIELD_HOLDS("thread-cache link of the free chunk"), AFTER_FREE},
    [ARENA_CACHE_KEY] = {"cache mark", FIELD_HOLDS("thread-cache mark of the free chunk"), AFTER_FREE},
    [ARENA_CACHE_HEAD] = {"cache head",
                          "a list of the thread cache at %#" PRIxPTR " begins at %#" PRIx64
                          ", which is no block of its size",
                          ""},
    [ARENA_HEAD] = {"arena head",
                    "the head of an arena at %#" PRIxPTR " points to %#" PRIx64
                    ", which is no chunk of glibc's",
                    ""},
};

const char *arena_fault_name(enum arena_fault fault)
{
    return faults[fault].name;
}

/* Text that an overrun wrote often shows its origin; addresses and small numbers do not. */
static bool looks_like_data(const struct arena_violation *violation)
{
    unsigned run = 0;
    for (unsigned i = 0; i < violation->nbytes && run < TEXT; i++)
        run = isprint(violation->bytes[i]) ? run + 1 : 0;
    return run >= TEXT;
}

static size_t print_bytes(const struct arena_violation *violation, char *text, size_t size)
{
    size_t n = (size_t)snprintf(text, size, "; the bytes:");
    for (unsigned i = 0; i < violation->nbytes && n < size; i++)
        n += (size_t)snprintf(text + n, size - n, " %02x", violation->bytes[i]);
    if (n < size)
        n += (size_t)snprintf(text + n, size - n, " \"");
    for (unsigned i = 0; i < violation->nbytes && n < size; i++)
        n += (size_t)snprintf(text + n, size - n, "%c",
                              isprint(violation->bytes[i]) ? violation->bytes[i] : '.');
    if (n < size)
        n += (size_t)snprintf(text + n, size - n, "\"");
    return n;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the formats are the table above */
void arena_describe(const struct arena_violation *violation, char *text, size_t size)
{
    size_t n =
        (size_t)snprintf(text, size, faults[violation->fault].sentence, violation->chunk, violation->value);
    if (violation->block && n < size)
        n += (size_t)snprintf(text + n, size - n, faults[violation->fault].about_block, violation->block,
                              violation->size);
    if (looks_like_data(violation) && n < size)
        print_bytes(violation, text + n, size - n);
}
#pragma GCC diagnostic pop
