/* Who refers to something that is left: a path of pointers, outwards, through native blocks and left objects to the
 * data of a shared object, to a thread's memory, or to nobody.
 *
 * Contract. After the end of Python, on child main, while no other thread runs. Reads memory as words and takes what
 * looks like a pointer for one: a path may be a coincidence, that there is none cannot. Allocates nothing.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/counted.h"

struct holder_path {
    enum holder holder;
    uint64_t address; /* of the word that holds it, in the static data; 0 elsewhere */
    uint64_t site;    /* of the nearest native block on the path; 0: none */
    unsigned steps;   /* native blocks and objects on the way */
    char text[256];   /* "item <- list <- a block of 64 bytes <- x.so+0x4080" */
};

void holder_find(const void *object, struct holder_path *path);
