/* See reference.h for the contract. */
#include "detectors/result/reference.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct image_inputs none = {.reads = IMAGE_READS_ALONE};

static struct {
    struct reference *items;
    unsigned lanes, samples, steps;
    size_t bytes;
} room;

int references_begin(unsigned lanes, unsigned samples, unsigned steps)
{
    size_t n = (size_t)room.lanes * room.samples * room.steps;
    for (size_t i = 0; i < n; i++)
        reference_clear(&room.items[i]);
    free(room.items);
    room.items = calloc((size_t)lanes * samples * steps + 1, sizeof *room.items);
    room.lanes = room.items ? lanes : 0;
    room.samples = samples;
    room.steps = steps;
    return room.items ? 0 : -ENOMEM;
}

struct reference *reference_at(unsigned lane, unsigned sample, unsigned step)
{
    if (lane >= room.lanes || sample >= room.samples || step >= room.steps)
        return NULL;
    return &room.items[((size_t)lane * room.samples + sample) * room.steps + step];
}

void reference_clear(struct reference *reference)
{
    room.bytes -= reference->image.size;
    image_clear(&reference->image);
}

static enum reference_verdict new_image(struct reference *reference, PyObject *result, char *text,
                                        size_t size)
{
    snprintf(text, size, "one thread gets an exception");
    int error = result ? image_take(&reference->image, result, &none, text, size) : -ENOTSUP;
    room.bytes += reference->image.size;
    if (!error && room.bytes > REFERENCES_BYTES_MAX) {
        snprintf(text, size, "more than %u MiB of results cannot be compared", REFERENCES_BYTES_MAX >> 20);
        reference_clear(reference);
        error = -ENOTSUP;
    }
    reference->without = error;
    return error ? REFERENCE_WITHOUT : REFERENCE_AGREES;
}

static enum reference_verdict compare(struct reference *reference, PyObject *result, char *text, size_t size)
{
    char sentence[640];
    snprintf(text, size, "one thread gets an exception");
    if (!result)
        return REFERENCE_CONTRADICTS;
    enum image_verdict verdict = image_compare(&reference->image, result, &none, sentence, sizeof sentence);
    if (verdict == IMAGE_SAME || verdict == IMAGE_CLOSE)
        return REFERENCE_AGREES;
    snprintf(text, size, "%s", verdict == IMAGE_UNFIT ? sentence : "one thread gets different results");
    return REFERENCE_CONTRADICTS;
}

enum reference_verdict reference_add(struct reference *reference, PyObject *result, char *text, size_t size)
{
    if (reference->without)
        return REFERENCE_WITHOUT;
    enum reference_verdict verdict = reference->image.bytes ? compare(reference, result, text, size)
                                                            : new_image(reference, result, text, size);
    reference->agreed += verdict == REFERENCE_AGREES;
    return verdict;
}
