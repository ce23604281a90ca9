/* A faulting address in words. Driver; pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/wire/scene.h"

/* Facts of a fatal signal. */
struct address_facts {
    int signal, code; /* of siginfo */
    uint64_t address;
    uint32_t error;            /* of the processor: enum scene_error; read only where registers are known */
    const uint64_t *registers; /* SCENE_REGISTERS of them, or NULL */
    const struct violation *block; /* what the guard knows of the address, or NULL */
    const char *maps;              /* text of /proc/PID/maps, or NULL */
};

/* "a write to null + 0x18", "a read from an address 8 bytes past the end of an array of 160 bytes", "a write to a
 * read-only mapping of /lib/libm.so.6", "stack overflow: …". Empty where the signal has no address or nothing is known.
 */
void address_explain(const struct address_facts *facts, char *text, size_t size);

/* "16 bytes into a freed block of 64 bytes", of an address that the guard knows. */
void address_say_block(const struct violation *block, char *text, size_t size);
