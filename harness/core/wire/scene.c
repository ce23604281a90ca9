/* See scene.h for the contract. */
#include "core/wire/scene.h"

#include <string.h>

const char *const scene_register_names[SCENE_REGISTERS] = {
    [SCENE_RAX] = "rax", [SCENE_RBX] = "rbx",      [SCENE_RCX] = "rcx", [SCENE_RDX] = "rdx",
    [SCENE_RSI] = "rsi", [SCENE_RDI] = "rdi",      [SCENE_RBP] = "rbp", [SCENE_RSP] = "rsp",
    [SCENE_R8] = "r8",   [SCENE_R9] = "r9",        [SCENE_R10] = "r10", [SCENE_R11] = "r11",
    [SCENE_R12] = "r12", [SCENE_R13] = "r13",      [SCENE_R14] = "r14", [SCENE_R15] = "r15",
    [SCENE_RIP] = "rip", [SCENE_FLAGS] = "eflags",
};

struct scene_page *scene_take(struct scene *scene, int tid)
{
    uint32_t n = atomic_fetch_add(&scene->taken, 1);
    if (n >= SCENE_PAGES)
        return NULL;
    struct scene_page *page = &scene->pages[n];
    page->tid = tid;
    atomic_store_explicit(&page->state, SCENE_TAKEN, memory_order_release);
    return page;
}

unsigned scene_count(const struct scene *scene)
{
    uint32_t n = atomic_load(&scene->taken);
    return n < SCENE_PAGES ? n : SCENE_PAGES;
}

const struct scene_page *scene_find(const struct scene *scene, int tid)
{
    unsigned n = scene_count(scene);
    for (unsigned i = 0; i < n; i++)
        if (atomic_load_explicit(&scene->pages[i].state, memory_order_acquire) && scene->pages[i].tid == tid)
            return &scene->pages[i];
    return NULL;
}

static uint32_t at_most(uint32_t n, uint32_t most)
{
    return n < most ? n : most;
}

static void check_block(struct violation *block)
{
    if ((unsigned)block->kind >= VIOLATION_KINDS)
        block->kind = VIOLATION_AFTER;
    if ((unsigned)block->block >= BLOCK_KINDS)
        block->block = BLOCK_MALLOC;
    block->found = FOUND_CRASH;
    block->nbytes = 0;
    block->nalloc = at_most(block->nalloc, VIOLATION_FRAMES);
    block->nfree = at_most(block->nfree, VIOLATION_FRAMES);
    block->nfound = 0;
}

/* Ends a text of a full array at a whole character of UTF-8. */
static void end_text(char *text, size_t size)
{
    text[size - 1] = '\0';
    size_t n = strlen(text);
    if (n < size - 1)
        return;
    while (n > 0 && ((unsigned char)text[n - 1] & 0xc0) == 0x80)
        n--;
    if (n > 0 && (unsigned char)text[n - 1] >= 0xc0)
        n--;
    text[n] = '\0';
}

void scene_copy(const struct scene_page *page, struct scene_page *ret_copy)
{
    memcpy(ret_copy, page, sizeof *page);
    ret_copy->nnative = at_most(ret_copy->nnative, SCENE_NATIVE);
    ret_copy->npython = at_most(ret_copy->npython, SCENE_PYTHON);
    ret_copy->npointers = (uint8_t)at_most(ret_copy->npointers, SCENE_POINTERS);
    check_block(&ret_copy->block);
    for (unsigned i = 0; i < SCENE_POINTERS; i++) {
        check_block(&ret_copy->pointers[i].block);
        ret_copy->pointers[i].index %= SCENE_REGISTERS;
    }
    for (unsigned i = 0; i < SCENE_PYTHON; i++) {
        end_text(ret_copy->python[i].function, SCENE_FUNCTION);
        end_text(ret_copy->python[i].file, SCENE_FILE);
    }
}
