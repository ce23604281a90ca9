#include "core/wire/violation.h"

#include <stdio.h>
#include <string.h>

enum value {
    KIND,
    FOUND,
    ADDRESS,
    SIZE,
    BLOCK,
    ARRAY,
    OFFSET,
    LENGTH,
    SEQUENCE,
    ITERATION,
    STEP,
    WORKER,
    FREE_WORKER,
    ROUND,
    ALLOC_SITE,
    FREE_SITE,
    NALLOC,
    NFREE,
    NFOUND
};
_Static_assert(NFOUND < RECORD_VALUES, "a violation fits a record");
_Static_assert(3 * VIOLATION_FRAMES <= RECORD_FRAMES, "three stacks fit a record");

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
    unsigned n = 0;
    record_begin(record, RECORD_HEAP, violation->worker);
    record->iteration = violation->iteration;
    int64_t *values = record->values;
    uint32_t array;
    memcpy(&array, &violation->array, sizeof array);
    values[KIND] = violation->kind;
    values[FOUND] = violation->found;
    values[ADDRESS] = (int64_t)violation->address;
    values[SIZE] = (int64_t)violation->size;
    values[BLOCK] = violation->block;
    values[ARRAY] = array;
    values[OFFSET] = violation->offset;
    values[LENGTH] = (int64_t)violation->length;
    values[SEQUENCE] = violation->sequence;
    values[ITERATION] = violation->iteration;
    values[STEP] = violation->step;
    values[WORKER] = violation->worker;
    values[FREE_WORKER] = violation->free_worker;
    values[ROUND] = (int64_t)violation->round;
    values[ALLOC_SITE] = (int64_t)violation->alloc_site;
    values[FREE_SITE] = (int64_t)violation->free_site;
    values[NALLOC] = violation->nalloc;
    values[NFREE] = violation->nfree;
    values[NFOUND] = violation->nfound;
    for (unsigned i = 0; i < violation->nalloc; i++)
        frames[n++] = violation->alloc[i];
    for (unsigned i = 0; i < violation->nfree; i++)
        frames[n++] = violation->free[i];
    for (unsigned i = 0; i < violation->nfound; i++)
        frames[n++] = violation->here[i];
    record_add_frames(record, frames, n);
    add_bytes(record, violation->bytes, violation->nbytes);
}

static unsigned digit(char c)
{
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : c >= '0' && c <= '9' ? (unsigned)(c - '0') : 0;
}

static unsigned take_frames(uint64_t *frames, int64_t asked, const struct record *record, unsigned *at)
{
    unsigned n = 0;
    while (n < VIOLATION_FRAMES && (int64_t)n < asked && *at < record->nframes)
        frames[n++] = record->frames[(*at)++];
    return n;
}

void violation_from_record(const struct record *record, struct violation *violation)
{
    const int64_t *values = record->values;
    const char *hex = record_text(record, 0);
    uint32_t array = (uint32_t)values[ARRAY];
    unsigned at = 0;
    *violation = (struct violation){
        .kind =
            (uint64_t)values[KIND] < VIOLATION_KINDS ? (enum violation_kind)values[KIND] : VIOLATION_AFTER,
        .found = (uint64_t)values[FOUND] < FOUND_WAYS ? (enum violation_found)values[FOUND] : FOUND_SCAN,
        .address = (uint64_t)values[ADDRESS],
        .size = (size_t)values[SIZE],
        .block = (uint64_t)values[BLOCK] < BLOCK_KINDS ? (enum block_kind)values[BLOCK] : BLOCK_MALLOC,
        .offset = values[OFFSET],
        .length = (size_t)values[LENGTH],
        .sequence = (uint32_t)values[SEQUENCE],
        .iteration = (uint32_t)values[ITERATION],
        .step = (uint16_t)values[STEP],
        .worker = (uint16_t)values[WORKER],
        .free_worker = (uint16_t)values[FREE_WORKER],
        .round = (uint64_t)values[ROUND],
        .alloc_site = (uint64_t)values[ALLOC_SITE],
        .free_site = (uint64_t)values[FREE_SITE]};
    memcpy(&violation->array, &array, sizeof array);
    violation->nalloc = take_frames(violation->alloc, values[NALLOC], record, &at);
    violation->nfree = take_frames(violation->free, values[NFREE], record, &at);
    violation->nfound = take_frames(violation->here, values[NFOUND], record, &at);
    for (; violation->nbytes < VIOLATION_BYTES && hex[0] && hex[1]; hex += 2)
        violation->bytes[violation->nbytes++] = (unsigned char)(digit(hex[0]) << 4 | digit(hex[1]));
}

static const char *type_name(char type)
{
    switch (type) {
    case 'f':
        return "float";
    case 'i':
        return "int";
    case 'u':
        return "uint";
    case 'c':
        return "complex";
    case 'b':
        return "bool";
    default:
        return NULL;
    }
}

static void say_array(const struct violation *violation, char *text, size_t size)
{
    const struct block_array *array = &violation->array;
    size_t items = violation->size / array->itemsize;
    char type[24];
    const char *name = type_name(array->type);
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

/* "a block of 24 bytes" to "a freed block of 24 bytes". */
static void say_freed(const struct violation *violation, char *text, size_t size)
{
    char block[128];
    violation_say_block(violation, block, sizeof block);
    snprintf(text, size, "a freed%s", block + strcspn(block, " "));
}

static void say_distance(int64_t distance, char *text, size_t size)
{
    text[0] = '\0';
    if (distance > 0)
        snprintf(text, size, "%lld byte%s ", (long long)distance, distance == 1 ? "" : "s");
}

static const char *operator_name(int64_t kind)
{
    return kind == BLOCK_NEW ? "delete" : kind == BLOCK_NEW_ARRAY ? "delete[]" : "free";
}

static const char *origin_name(enum block_kind kind)
{
    return kind == BLOCK_NEW ? "new" : kind == BLOCK_NEW_ARRAY ? "new[]" : "malloc";
}

/* Bytes seen damaged from outside; a trap knows the place alone. */
static void say_write(const struct violation *violation, const char *block, char *text, size_t size)
{
    char count[48] = "", distance[48] = "";
    const char *where = violation->kind == VIOLATION_AFTER    ? "past the end of"
                        : violation->kind == VIOLATION_BEFORE ? "before the start of"
                        : violation->kind == VIOLATION_STRAY  ? "to memory that no block holds"
                                                              : "to";
    if (violation->found != FOUND_TRAP) {
        snprintf(count, sizeof count, "%zu byte%s ", violation->length, violation->length == 1 ? "" : "s");
        /* Unsigned: a corrupt process may have sent anything. */
        uint64_t start = (uint64_t)violation->offset, end = start + violation->length;
        say_distance(violation->kind == VIOLATION_AFTER    ? (int64_t)(start - violation->size)
                     : violation->kind == VIOLATION_BEFORE ? (int64_t)(0 - end)
                                                           : 0,
                     distance, sizeof distance);
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

void violation_say(const struct violation *violation, char *text, size_t size)
{
    char block[128];
    if (violation->kind == VIOLATION_FREED_WRITE || violation->kind == VIOLATION_FREED_READ)
        say_freed(violation, block, sizeof block);
    else
        violation_say_block(violation, block, sizeof block);
    switch (violation->kind) {
    case VIOLATION_READ_AFTER:
        snprintf(text, size, "read past the end of %s", block);
        break;
    case VIOLATION_READ_BEFORE:
        snprintf(text, size, "read before the start of %s", block);
        break;
    case VIOLATION_FREED_READ:
        snprintf(text, size, "read %s", block);
        break;
    case VIOLATION_DOUBLE_FREE:
        snprintf(text, size, "freed %s twice", block);
        break;
    case VIOLATION_INTERIOR_FREE:
        say_interior(violation, block, text, size);
        break;
    case VIOLATION_FOREIGN_FREE:
        snprintf(text, size, "freed a pointer that malloc never returned");
        break;
    case VIOLATION_MISMATCH:
        snprintf(text, size, "released %s from %s with %s", block, origin_name(violation->block),
                 operator_name(violation->offset));
        break;
    default:
        say_write(violation, block, text, size);
    }
}
