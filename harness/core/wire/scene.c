/* See scene.h for the contract. */
#include "core/wire/scene.h"

#include <string.h>

#define NAME(id, name, place) [SCENE_##id] = #name,
const char *const scene_register_names[SCENE_REGISTERS] = {SCENE_REGISTER_LIST(NAME)};

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
    violation_check(block);
    block->found = FOUND_CRASH;
    block->nbytes = block->nfound = 0;
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
