#include "core/wire/violation.h"

#include <stdio.h>
#include <string.h>

#define HEAD offsetof(struct violation, alloc)
_Static_assert(HEAD <= sizeof((struct record *)0)->values, "what is no stack fits the record's values");
_Static_assert(3 * VIOLATION_FRAMES <= RECORD_FRAMES, "three stacks fit a record");

/* For a child that prints its records. */
static void add_bytes(struct record *record, const unsigned char *bytes, unsigned n)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * VIOLATION_BYTES + 1];
    for (unsigned i = 0; i < n; i++) {
        text[(size_t)2 * i] = digits[bytes[i] >> 4];
        text[(size_t)2 * i + 1] = digits[bytes[i] & 15];
    }
    text[(size_t)2 * n] = '\0';
    record_add_text(record, text);
}

void violation_to_record(const struct violation *violation, struct record *record)
{
    uint64_t frames[RECORD_FRAMES];
    record_begin(record, RECORD_HEAP, violation->worker);
    record->iteration = violation->iteration;
    memcpy(record->values, violation, HEAD);
    uint64_t *end = mempcpy(frames, violation->alloc, violation->nalloc * sizeof *frames);
    end = mempcpy(end, violation->free, violation->nfree * sizeof *frames);
    end = mempcpy(end, violation->here, violation->nfound * sizeof *frames);
    record_add_frames(record, frames, (size_t)(end - frames));
    add_bytes(record, violation->bytes, violation->nbytes);
}

static unsigned at_most(unsigned n, unsigned most)
{
    return n < most ? n : most;
}

void violation_check(struct violation *violation)
{
    if (violation->kind >= VIOLATION_KINDS)
        violation->kind = VIOLATION_AFTER;
    if (violation->found >= FOUND_WAYS)
        violation->found = FOUND_SCAN;
    if (violation->block >= BLOCK_KINDS)
        violation->block = BLOCK_MALLOC;
    violation->nbytes = at_most(violation->nbytes, VIOLATION_BYTES);
    violation->nalloc = at_most(violation->nalloc, VIOLATION_FRAMES);
    violation->nfree = at_most(violation->nfree, VIOLATION_FRAMES);
    violation->nfound = at_most(violation->nfound, VIOLATION_FRAMES);
}

static void take_frames(uint64_t *frames, unsigned *n, const struct record *record, unsigned *at)
{
    *n = at_most(*n, record->nframes - *at);
    memcpy(frames, &record->frames[*at], *n * sizeof *frames);
    *at += *n;
}

void violation_from_record(const struct record *record, struct violation *violation)
{
    unsigned at = 0;
    *violation = (struct violation){0};
    memcpy(violation, record->values, HEAD);
    violation_check(violation);
    take_frames(violation->alloc, &violation->nalloc, record, &at);
    take_frames(violation->free, &violation->nfree, record, &at);
    take_frames(violation->here, &violation->nfound, record, &at);
}

static void say_array(const struct violation *violation, char *text, size_t size)
{
    static const char *const names[UINT8_MAX + 1] = {
        ['b'] = "bool", ['c'] = "complex", ['f'] = "float", ['i'] = "int", ['u'] = "uint"};
    const struct block_array *array = &violation->array;
    size_t items = violation->size / array->itemsize;
    char type[24];
    const char *name = names[(unsigned char)array->type];
    if (!name)
        snprintf(type, sizeof type, "%c%u", array->type, array->itemsize);
    else if (array->type == 'b')
        snprintf(type, sizeof type, "%s", name);
    else
        snprintf(type, sizeof type, "%s%u", name, 8U * array->itemsize);
    const char *article = strchr("aeioMO", type[0]) ? "an" : "a";
    if (array->ndim == 1)
        snprintf(text, size, "%s %s (%zu,)", article, type, items);
    else if (array->ndim == 2 && array->rows > 0)
        snprintf(text, size, "%s %s (%u, %zu)", article, type, array->rows, items / array->rows);
    else
        snprintf(text, size, "%s %s array of %zu elements in %u dimensions", article, type, items,
                 array->ndim);
}

void violation_say_block(const struct violation *violation, char *text, size_t size)
{
    if (violation->array.itemsize > 0)
        say_array(violation, text, size);
    else
        snprintf(text, size, "%s of %zu byte%s", violation->block == BLOCK_ARRAY ? "an array" : "a block",
                 violation->size, violation->size == 1 ? "" : "s");
}

/* A trap stops at the first byte, so only other ways to find a write know its length. */
static void say_write(const struct violation *violation, const char *block, char *text, size_t size)
{
    char count[48] = "", distance[48] = "";
    const char *where = violation->kind == VIOLATION_AFTER    ? "past the end of"
                        : violation->kind == VIOLATION_BEFORE ? "before the start of"
                        : violation->kind == VIOLATION_STRAY  ? "to memory that no block holds"
                                                              : "to";
    if (violation->found != FOUND_TRAP) {
        snprintf(count, sizeof count, "%zu byte%s ", violation->length, violation->length == 1 ? "" : "s");
        /* Unsigned, because a corrupt child may have sent any number. */
        uint64_t start = (uint64_t)violation->offset, end = start + violation->length;
        long long far = violation->kind == VIOLATION_AFTER    ? (long long)(start - violation->size)
                        : violation->kind == VIOLATION_BEFORE ? (long long)(0 - end)
                                                              : 0;
        if (far > 0)
            snprintf(distance, sizeof distance, "%lld byte%s ", far, far == 1 ? "" : "s");
    }
    bool stray = violation->kind == VIOLATION_STRAY;
    snprintf(text, size, "wrote %s%s%s%s%s", count, distance, where, stray ? "" : " ", stray ? "" : block);
}

static void say_interior(const struct violation *violation, const char *block, char *text, size_t size)
{
    long long into = (long long)violation->offset, distance = into < 0 && into > INT64_MIN ? -into : into;
    snprintf(text, size, "freed a pointer %lld byte%s %s %s", distance, distance == 1 ? "" : "s",
             into < 0 ? "before" : "into", block);
}

static void say_mismatch(const struct violation *violation, const char *block, char *text, size_t size)
{
    static const char *const allocators[BLOCK_KINDS] = {[BLOCK_NEW] = "new", [BLOCK_NEW_ARRAY] = "new[]"};
    const char *allocator = allocators[violation->block];
    snprintf(text, size, "released %s from %s with %s", block, allocator ? allocator : "malloc",
             violation->offset == BLOCK_NEW         ? "delete"
             : violation->offset == BLOCK_NEW_ARRAY ? "delete[]"
                                                    : "free");
}

void violation_say(const struct violation *violation, char *text, size_t size)
{
    static const char *const reads[VIOLATION_KINDS] = {
        [VIOLATION_READ_AFTER] = "past the end of ",
        [VIOLATION_READ_BEFORE] = "before the start of ",
        [VIOLATION_FREED_READ] = "",
    };
    enum violation_kind kind = violation->kind;
    char name[128], freed[128];
    violation_say_block(violation, name, sizeof name);
    snprintf(freed, sizeof freed, "a freed%s", name + strcspn(name, " "));
    const char *block = kind == VIOLATION_FREED_WRITE || kind == VIOLATION_FREED_READ ? freed : name;
    if (reads[kind])
        snprintf(text, size, "read %s%s", reads[kind], block);
    else if (kind == VIOLATION_DOUBLE_FREE)
        snprintf(text, size, "freed %s twice", block);
    else if (kind == VIOLATION_FOREIGN_FREE)
        snprintf(text, size, "freed a pointer that malloc never returned");
    else if (kind == VIOLATION_INTERIOR_FREE)
        say_interior(violation, block, text, size);
    else if (kind == VIOLATION_MISMATCH)
        say_mismatch(violation, block, text, size);
    else
        say_write(violation, block, text, size);
}
