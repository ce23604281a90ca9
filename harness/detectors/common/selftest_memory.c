/* Rows about memory: allocators hooked for a moment, and free lists. See selftest.h for the contract. */
#include "detectors/common/selftest.h"

#include "detectors/common/pycompat.h"

/* The hooks record what their domain gave the calling thread. */
enum { MEMORY, OBJECTS, DOMAINS };
#define BLOCKS 64
static struct hook {
    PyMemAllocatorDomain domain;
    PyMemAllocatorEx original;
    struct {
        const void *block;
        size_t size;
    } blocks[BLOCKS]; /* a ring */
    unsigned n;
} hooks[DOMAINS] = {{.domain = PYMEM_DOMAIN_MEM}, {.domain = PYMEM_DOMAIN_OBJ}};

static void *hook_record(struct hook *hook, void *block, size_t size)
{
    hook->blocks[hook->n % BLOCKS].block = block;
    hook->blocks[hook->n++ % BLOCKS].size = size;
    return block;
}

static void *hook_malloc(void *context, size_t size)
{
    struct hook *hook = context;
    return hook_record(hook, hook->original.malloc(hook->original.ctx, size), size);
}

static void *hook_calloc(void *context, size_t n, size_t size)
{
    struct hook *hook = context;
    return hook_record(hook, hook->original.calloc(hook->original.ctx, n, size), n * size);
}

static void *hook_realloc(void *context, void *block, size_t size)
{
    struct hook *hook = context;
    return hook_record(hook, hook->original.realloc(hook->original.ctx, block, size), size);
}

static void hook_free(void *context, void *block)
{
    struct hook *hook = context;
    hook->original.free(hook->original.ctx, block);
}

static void hooks_set(bool on)
{
    for (int i = 0; i < DOMAINS; i++) {
        struct hook *hook = &hooks[i];
        PyMemAllocatorEx ours = {hook, hook_malloc, hook_calloc, hook_realloc, hook_free};
        hook->n = on ? 0 : hook->n;
        if (on)
            PyMem_GetAllocator(hook->domain, &hook->original);
        PyMem_SetAllocator(hook->domain, on ? &ours : &hook->original);
    }
}

static bool hook_has(const struct hook *hook, const void *block)
{
    for (unsigned i = 0; i < BLOCKS && i < hook->n; i++)
        if (hook->blocks[i].block == block)
            return true;
    return false;
}

bool selftest_domains(struct selftest *test)
{
    hooks_set(true);
    void *memory = PyMem_Malloc(40), *object = PyObject_Malloc(40);
    hooks_set(false);
    bool is_memory = hook_has(&hooks[MEMORY], memory), is_object = hook_has(&hooks[OBJECTS], object);
    PyMem_Free(memory);
    PyObject_Free(object);
    return (is_memory && is_object) || selftest_fail(test, "%s does not call the allocator of its domain",
                                                     is_memory ? "PyObject_Malloc" : "PyMem_Malloc");
}

static bool check_head(struct selftest *test, PyObject *object)
{
    const PyTypeObject *type = Py_TYPE(object);
    size_t head = type->tp_flags & Py_TPFLAGS_HAVE_GC ? test->layout->gc_head : 0;
    head += type->tp_flags & Py_TPFLAGS_PREHEADER ? test->layout->preheader : 0;
    return hook_has(&hooks[OBJECTS], (const char *)object - head) ||
           selftest_fail(test, "no block of an object begins %zu bytes before a new %s", head, type->tp_name);
}

static bool check_items(struct selftest *test, PyObject *list)
{
    const char *block = (const char *)((PyListObject *)list)->ob_item - test->layout->list_head;
    return hook_has(&hooks[MEMORY], block) || hook_has(&hooks[OBJECTS], block) ||
           selftest_fail(test, "no block of memory begins %zu bytes before the items of a new list",
                         test->layout->list_head);
}

/* Objects of types without a free list: with and without garbage collection, a dict, slots only. */
static const char source[] = "class Plain: pass\nclass Slots: __slots__ = ()\n"
                             "def make(): return bytes(1000), {1}, Plain(), Slots(), [None] * 1000\n";

static PyObject *make_objects(void)
{
    PyObject *names = PyDict_New();
    PyObject *done = names ? PyRun_String(source, Py_file_input, names, names) : NULL;
    PyObject *make = done ? PyDict_GetItemString(names, "make") : NULL, *objects = NULL;
    if (make) {
        hooks_set(true);
        objects = PyObject_CallNoArgs(make);
        hooks_set(false);
    }
    Py_XDECREF(done);
    Py_XDECREF(names);
    return objects;
}

bool selftest_blocks(struct selftest *test)
{
    PyObject *objects = make_objects();
    if (!objects)
        return selftest_fail(test, "no object could be made");
    Py_ssize_t last = PyTuple_GET_SIZE(objects) - 1;
    bool holds = check_items(test, PyTuple_GET_ITEM(objects, last));
    for (Py_ssize_t i = 0; i < last && holds; i++)
        holds = check_head(test, PyTuple_GET_ITEM(objects, i));
    Py_DECREF(objects);
    return holds;
}
