/* Violations as sentences. */
#include "heap/arena/arena.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

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

/* Appends the bytes if they have text: text that an overrun wrote often shows its origin; addresses and small numbers
 * do not. */
static void add_bytes(const struct arena_violation *violation, char *text, size_t size)
{
    char printed[ARENA_BYTES + 1] = "";
    unsigned run = 0, longest = 0;
    for (unsigned i = 0; i < violation->nbytes; i++) {
        bool prints = isprint(violation->bytes[i]);
        run = prints ? run + 1 : 0;
        longest = run > longest ? run : longest;
        printed[i] = '.';
        if (prints)
            printed[i] = (char)violation->bytes[i];
    }
    if (longest < TEXT)
        return;
    text_add(text, size, "; ", "the bytes:");
    for (unsigned i = 0; i < violation->nbytes; i++)
        text_add(text, size, " ", "%02x", violation->bytes[i]);
    text_add(text, size, " ", "\"%s\"", printed);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the formats are the table above */
void arena_describe(const struct arena_violation *violation, char *text, size_t size)
{
    snprintf(text, size, faults[violation->fault].sentence, violation->chunk, violation->value);
    if (violation->block)
        text_add(text, size, "", faults[violation->fault].about_block, violation->block, violation->size);
    add_bytes(violation, text, size);
}
#pragma GCC diagnostic pop
