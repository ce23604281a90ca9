/* See anchor.h for the contract. */
#include "detectors/trace/anchor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/peek.h"
#include "detectors/common/pycompat.h"
#include "detectors/trace/head.h"
#include "detectors/watch/target_files.h"

#define HOPS 3
#define BLOCKS 1024
/* Pointers that are followed, at about a microsecond each. */
#define LOOKS_MAX 4000
#define PATHS 512
/* Bytes of a block: of an unknown one, and at most of an object. */
#define SPAN 512
/* Bytes of an unknown block that are searched for pointers; the next block may begin behind them. */
#define SEARCHED 128
#define SPAN_OBJECT 2048
#define WORD sizeof(uintptr_t)

/* Memory that a pointer at `from` leads to. */
struct block {
    uintptr_t start;
    unsigned size;
    bool known;
    int parent; /* -1: a root */
    unsigned from, depth;
};

struct path {
    char name[48];   /* of an object; or */
    uintptr_t fixed; /* the address of a pointer in a file */
    unsigned hops;
    unsigned offsets[HOPS + 1]; /* of each pointer in its block, then of the word */
    struct candidate candidate; /* as it was learnt */
};

static struct {
    struct block blocks[BLOCKS];
    char names[BLOCKS][48]; /* of roots that are objects */
    unsigned n, looks;
} * graph;

static struct path paths[PATHS];
static unsigned npaths;

/* Returns the size of the object at this address; 0: there is none. */
static unsigned size_of_object(uintptr_t start)
{
    PyVarObject object;
    PyTypeObject type;
    if (!head_is_at(start) || !peek(0, start, &object, sizeof object) ||
        !peek(0, (uint64_t)Py_TYPE(&object), &type, sizeof type) || type.tp_basicsize < 0)
        return 0;
    Py_ssize_t size = type.tp_basicsize, items = object.ob_size;
    if (type.tp_flags & PYCOMPAT_INLINE_VALUES)
        size += SPAN;
    if (type.tp_itemsize > 0 && items > 0 && items < SPAN_OBJECT)
        size += items * type.tp_itemsize;
    return (unsigned)(size < SPAN_OBJECT ? size : SPAN_OBJECT);
}

static bool has_block(uintptr_t start)
{
    for (unsigned i = 0; i < graph->n; i++)
        if (graph->blocks[i].start == start)
            return true;
    return false;
}

static struct block *add_block(uintptr_t start, unsigned size, int parent, unsigned from)
{
    if (graph->n == BLOCKS)
        return NULL;
    struct block *block = &graph->blocks[graph->n];
    graph->names[graph->n++][0] = '\0';
    *block = (struct block){
        .start = start, .size = size ? size : SPAN, .known = size, .parent = parent, .from = from};
    block->depth = parent < 0 ? 0 : graph->blocks[parent].depth + 1;
    return block;
}

static bool is_pointer(uintptr_t value)
{
    return value % WORD == 0 && value >= 1 << 16 && value < UINT64_C(1) << 47;
}

/* Types lead to the whole interpreter, and a target file's data are roots of their own. */
static bool is_followed(uintptr_t value)
{
    uintptr_t type = 0;
    if (!is_pointer(value) || target_files_has_data(value) || has_block(value) || graph->n == BLOCKS ||
        graph->looks++ >= LOOKS_MAX)
        return false;
    return peek(0, value + offsetof(PyObject, ob_type), &type, sizeof type) &&
           type != (uintptr_t)&PyType_Type;
}

static void follow_block(unsigned number)
{
    struct block block = graph->blocks[number];
    uintptr_t words[(SPAN_OBJECT + PYCOMPAT_PREHEADER) / WORD];
    unsigned size = (block.known ? block.size : SEARCHED) / WORD * WORD;
    if (block.depth == HOPS || !peek(0, block.start, words, size))
        return;
    for (unsigned at = 0; at < size; at += WORD)
        if (is_followed(words[at / WORD]))
            add_block(words[at / WORD], size_of_object(words[at / WORD]), (int)number, at);
}

/* A value without memory that calls may share. */
static bool is_plain(PyObject *object)
{
    return PyModule_Check(object) || PyType_Check(object) || PyCallable_Check(object) ||
           PyUnicode_Check(object) || PyLong_Check(object) || PyFloat_Check(object) ||
           PyBytes_Check(object) || object == Py_None;
}

static unsigned before_object(PyObject *object)
{
    return Py_TYPE(object)->tp_flags & Py_TPFLAGS_PREHEADER ? PYCOMPAT_PREHEADER : 0;
}

static void add_objects(PyObject *names)
{
    PyObject *key, *value;
    for (Py_ssize_t at = 0; names && PyDict_Next(names, &at, &key, &value);) {
        const char *name = PyUnicode_Check(key) ? PyUnicode_AsUTF8(key) : NULL;
        if (!name || is_plain(value) || strlen(name) >= sizeof *graph->names)
            continue;
        unsigned before = before_object(value);
        struct block *root =
            add_block((uintptr_t)value - before, size_of_object((uintptr_t)value) + before, -1, 0);
        if (root)
            snprintf(graph->names[root - graph->blocks], sizeof *graph->names, "%s", name);
    }
}

/* Each word of a file that points to memory outside of files. */
static void add_files(void)
{
    struct target_range range;
    uintptr_t value;
    for (unsigned i = 0; target_files_data(i, &range); i++)
        for (uintptr_t at = (range.start + WORD - 1) & ~(WORD - 1); at + WORD <= range.end; at += WORD) {
            memcpy(&value, (const void *)at, sizeof value); /* NOLINT(performance-no-int-to-ptr) */
            if (graph->n < BLOCKS / 2 && is_followed(value))
                add_block(at, WORD, -1, 0);
        }
}

void anchor_explore(PyObject *names)
{
    if (!graph)
        graph = calloc(1, sizeof *graph);
    if (!graph)
        return;
    graph->n = graph->looks = 0;
    add_objects(names);
    add_files();
    for (unsigned i = 0; i < graph->n; i++)
        follow_block(i);
}

/* The block with the nearest start before the word. */
static const struct block *find_block(uintptr_t address)
{
    const struct block *found = NULL;
    for (unsigned i = 0; i < graph->n; i++) {
        const struct block *block = &graph->blocks[i];
        if (address - block->start < block->size && (!found || block->start > found->start))
            found = block;
    }
    return found;
}

static void fill_path(struct path *path, const struct block *block, uintptr_t address)
{
    path->hops = block->depth;
    path->offsets[block->depth] = (unsigned)(address - block->start);
    for (; block->parent >= 0; block = &graph->blocks[block->parent])
        path->offsets[block->depth - 1] = block->from;
    memcpy(path->name, graph->names[block - graph->blocks], sizeof path->name);
    path->fixed = *path->name ? 0 : block->start;
}

static bool is_same(const struct path *a, const struct path *b)
{
    return strcmp(a->name, b->name) == 0 && a->fixed == b->fixed && a->hops == b->hops &&
           memcmp(a->offsets, b->offsets, (a->hops + 1) * sizeof *a->offsets) == 0;
}

bool anchor_learn(const struct candidate *candidate)
{
    struct path path = {.candidate = *candidate};
    const struct block *block = graph ? find_block(candidate->address) : NULL;
    if (!block)
        return false;
    fill_path(&path, block, candidate->address);
    for (unsigned i = 0; i < npaths; i++)
        if (is_same(&paths[i], &path))
            return true;
    if (npaths < PATHS)
        paths[npaths++] = path;
    return true;
}

static uintptr_t resolve(const struct path *path, PyObject *names)
{
    PyObject *root = *path->name ? PyDict_GetItemString(names, path->name) : NULL;
    uintptr_t at = root ? (uintptr_t)root - before_object(root) : path->fixed;
    if (*path->name && !root)
        return 0;
    for (unsigned i = 0; i < path->hops; i++)
        if (!peek(0, at + path->offsets[i], &at, sizeof at) || !is_pointer(at))
            return 0;
    return at + path->offsets[path->hops];
}

unsigned anchor_resolve(PyObject *names)
{
    unsigned n = 0;
    for (unsigned i = 0; i < npaths; i++) {
        struct candidate candidate = paths[i].candidate, known;
        candidate.address = resolve(&paths[i], names);
        if (!candidate.address || candidate.address % candidate.size ||
            candidates_find(candidate.address, &known))
            continue;
        n += candidates_add(&candidate);
    }
    return n;
}

void anchor_clear(void)
{
    npaths = 0;
}
