/* Instructions of a program file, and what they do to memory, for reports. Driver.
 *
 * Offsets are those of struct symbol_frame: addresses in the file as it was linked.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct instruction {
    uint64_t offset;
    uint8_t length;     /* bytes of the instruction */
    uint8_t size;       /* bytes of memory; 0: it has no operand in memory, and what follows is false */
    bool reads, writes; /* that memory */
    bool locked;        /* in one atomic step: lock prefix, or xchg */
    char text[80];      /* Intel syntax */
};

/* Decodes the instruction at an offset of a file. Returns 0; -ENOENT where the file has no code; -EILSEQ for bytes that
 * are no instruction; -ENOTSUP for a file of another processor; or the error of opening the file. */
int instruction_read(const char *path, uint64_t offset, struct instruction *ret);

/* Decodes the instruction that ends at an offset, from the start of its function on. Fails likewise, and with -EILSEQ
 * if none ends there. */
int instruction_read_before(const char *path, uint64_t function, uint64_t offset, struct instruction *ret);

/* "plain 8-byte write `mov [rdi+0x10], rax`"; without an operand in memory the instruction alone. Returns text. */
const char *instruction_describe(const struct instruction *instruction, char *text, size_t size);
