/* References: the images of the results that one thread gets, by lane, sample and step.
 *
 * Contract. Written by one thread, attached, while no worker is inside a round; workers only read.
 */
#pragma once

#include "detectors/result/image.h"

/* Memory of all images together. */
#define REFERENCES_BYTES_MAX (64u << 20)

struct reference {
    struct image image; /* no bytes: this result is not compared */
    unsigned agreed;    /* calls on one thread with this result, in this pass */
    bool without;       /* such a call gave no image: an exception, or an unfit value */
};

/* What one more result on one thread shows. */
enum reference_verdict { REFERENCE_AGREES, REFERENCE_WITHOUT, REFERENCE_CONTRADICTS };

/* Drops all references, and makes room for others. Returns 0 or -ENOMEM. */
int references_begin(unsigned lanes, unsigned samples, unsigned steps);

/* Returns NULL for a place outside of the room. */
struct reference *reference_at(unsigned lane, unsigned sample, unsigned step);

/* Adds a result, NULL for an exception, or compares it with the one that is there. The text is the reason, unless it
 * agrees. */
enum reference_verdict reference_add(struct reference *reference, PyObject *result, char *text, size_t size);
void reference_clear(struct reference *reference);
