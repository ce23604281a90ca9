/* See instruction.h. */
#include "driver/symbol/instruction.h"

#include <Zydis/Zydis.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"

/* A longer function is not decoded from its start. */
#define FUNCTION_MAX (UINT64_C(1) << 20)

/* Code of a mapped file, from an offset to the end of its segment. */
struct code {
    const uint8_t *file, *bytes;
    size_t file_size, size;
};

static int map_open_file(int fd, struct code *code)
{
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if ((size_t)status.st_size < sizeof(Elf64_Ehdr))
        return -ENOENT;
    void *file = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (file == MAP_FAILED)
        return -errno;
    code->file = file;
    code->file_size = (size_t)status.st_size;
    return 0;
}

static int map_file(const char *path, struct code *code)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    return map_open_file(fd, code);
}

static void unmap_file(const struct code *code)
{
    munmap((void *)(uintptr_t)code->file, code->file_size); /* NOLINT(performance-no-int-to-ptr) */
}

static bool contains(const Elf64_Phdr *segment, uint64_t offset, size_t file_size)
{
    return segment->p_type == PT_LOAD && segment->p_flags & PF_X && offset >= segment->p_vaddr &&
           offset - segment->p_vaddr < segment->p_filesz && segment->p_offset <= file_size &&
           segment->p_filesz <= file_size - segment->p_offset;
}

static int find_code(struct code *code, uint64_t offset)
{
    Elf64_Ehdr head;
    if (!code->file)
        return -ENOENT;
    memcpy(&head, code->file, sizeof head);
    if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
        return -ENOENT;
    if (head.e_machine != EM_X86_64 || head.e_phentsize != sizeof(Elf64_Phdr))
        return -ENOTSUP;
    for (unsigned i = 0; i < head.e_phnum; i++) {
        Elf64_Phdr segment;
        uint64_t at = head.e_phoff + i * sizeof segment;
        if (at > code->file_size - sizeof segment)
            return -ENOENT;
        memcpy(&segment, code->file + at, sizeof segment);
        if (!contains(&segment, offset, code->file_size))
            continue;
        code->bytes = code->file + segment.p_offset + (offset - segment.p_vaddr);
        code->size = segment.p_filesz - (offset - segment.p_vaddr);
        return 0;
    }
    return -ENOENT;
}

/* The stack of a call or a return is no operand. */
static bool is_memory(const ZydisDecodedOperand *operand)
{
    bool is_implied = operand->visibility != ZYDIS_OPERAND_VISIBILITY_EXPLICIT;
    return operand->type == ZYDIS_OPERAND_TYPE_MEMORY && operand->mem.type == ZYDIS_MEMOP_TYPE_MEM &&
           !(is_implied && operand->mem.base == ZYDIS_REGISTER_RSP);
}

static const ZydisDecodedOperand *memory_of(const ZydisDecodedInstruction *decoded,
                                            const ZydisDecodedOperand *operands)
{
    for (unsigned i = 0; i < decoded->operand_count; i++)
        if (is_memory(&operands[i]))
            return &operands[i];
    return NULL;
}

static void print(const ZydisDecodedInstruction *decoded, const ZydisDecodedOperand *operands,
                  struct instruction *ret)
{
    ZydisFormatter formatter;
    ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
    ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_FORCE_SIZE, ZYAN_FALSE);
    ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_HEX_UPPERCASE, ZYAN_FALSE);
    ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_DISP_PADDING, ZYDIS_PADDING_DISABLED);
    ZydisFormatterSetProperty(&formatter, ZYDIS_FORMATTER_PROP_IMM_PADDING, ZYDIS_PADDING_DISABLED);
    ZydisFormatterFormatInstruction(&formatter, decoded, operands, decoded->operand_count_visible, ret->text,
                                    sizeof ret->text, ret->offset, NULL);
}

static int decode(const struct code *code, uint64_t offset, struct instruction *ret)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction decoded;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code->bytes, code->size, &decoded, operands)))
        return -EILSEQ;
    const ZydisDecodedOperand *memory = memory_of(&decoded, operands);
    *ret = (struct instruction){.offset = offset, .length = decoded.length};
    if (memory) {
        ret->size = (uint8_t)(memory->size / 8);
        ret->reads = memory->actions & ZYDIS_OPERAND_ACTION_MASK_READ;
        ret->writes = memory->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE;
        ret->locked = decoded.attributes & ZYDIS_ATTRIB_HAS_LOCK || decoded.mnemonic == ZYDIS_MNEMONIC_XCHG;
    }
    print(&decoded, operands, ret);
    return 0;
}

int instruction_read(const char *path, uint64_t offset, struct instruction *ret)
{
    struct code code = {0};
    int result = map_file(path, &code);
    if (result < 0)
        return result;
    result = find_code(&code, offset);
    if (!result)
        result = decode(&code, offset, ret);
    unmap_file(&code);
    return result;
}

int instruction_read_before(const char *path, uint64_t function, uint64_t offset, struct instruction *ret)
{
    struct code code = {0};
    if (function >= offset || offset - function > FUNCTION_MAX)
        return -EILSEQ;
    int result = map_file(path, &code);
    if (result < 0)
        return result;
    result = find_code(&code, function);
    for (uint64_t at = function; !result && at < offset; at += ret->length) {
        result = decode(&code, at, ret);
        code.bytes += ret->length;
        code.size -= ret->length;
    }
    unmap_file(&code);
    return result ? result : ret->offset + ret->length == offset ? 0 : -EILSEQ;
}

const char *instruction_describe(const struct instruction *instruction, char *text, size_t size)
{
    const char *kind = !instruction->writes ? "read" : instruction->reads ? "read and write" : "write";
    if (instruction->size)
        snprintf(text, size, "%s %u-byte %s `%s`", instruction->locked ? "locked" : "plain",
                 instruction->size, kind, instruction->text);
    else
        snprintf(text, size, "`%s`", instruction->text);
    return text;
}
