/* See pyobject.h for the contract. */
#include "detectors/memory/pyobject.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "detectors/common/pycompat.h"
#include "detectors/memory/readable.h"

#define KNOWN 256
#define METATYPES_MAX 16
/* CPython fills freed memory with it. */
#define DEAD_POINTER ((uintptr_t)UINT64_C(0xdddddddddddddddd))

const char *const pyobject_fault_names[PYOBJECT_FAULTS] = {
    [PYOBJECT_SOUND] = "sound",         [PYOBJECT_NOWHERE] = "dangling", [PYOBJECT_FREED] = "freed",
    [PYOBJECT_TYPE] = "type",           [PYOBJECT_COUNT] = "count",      [PYOBJECT_UNDERRUN] = "underrun",
    [PYOBJECT_SIZE] = "allocator-size", [PYOBJECT_OVERRUN] = "overrun",
};

static struct pyobject_layout layout;
static bool has_layout;

/* Types that were found sound since pyobject_forget. */
static const PyTypeObject *known[KNOWN];

void pyobject_set_layout(const struct pyobject_layout *given)
{
    layout = *given;
    has_layout = true;
}

bool pyobject_has_layout(void)
{
    return has_layout;
}

void pyobject_forget(void)
{
    memset(known, 0, sizeof known);
}

static bool can_be_type(const PyTypeObject *type)
{
    return (uintptr_t)type % sizeof(void *) == 0 && readable(type, sizeof *type);
}

/* The type of a type is `type` or derives from it. Other memory may have the flag of a type by chance. */
static bool can_be_metatype(const PyTypeObject *meta)
{
    for (int depth = 0; depth < METATYPES_MAX && can_be_type(meta); depth++) {
        if (meta == &PyType_Type)
            return true;
        meta = meta->tp_base;
    }
    return false;
}

static bool is_type(const PyTypeObject *type)
{
    const PyTypeObject **place = &known[((uintptr_t)type >> 4) % KNOWN];
    if (!type || *place == type)
        return type != NULL;
    if (!can_be_type(type))
        return false;
    /* Read once: memory that is no type may lie on our own stack, and change. */
    const PyTypeObject *meta = *(PyTypeObject *const volatile *)&type->ob_base.ob_base.ob_type;
    if (!can_be_metatype(meta) || !(meta->tp_flags & Py_TPFLAGS_TYPE_SUBCLASS))
        return false;
    *place = type;
    return true;
}

/* A count of 0 is no fault: another thread may have detached in the middle of a deallocation. */
enum pyobject_fault pyobject_check_head(PyObject *object)
{
    if ((uintptr_t)object % sizeof(void *) != 0 || !readable(object, sizeof *object))
        return PYOBJECT_NOWHERE;
    if ((uintptr_t)Py_TYPE(object) == DEAD_POINTER)
        return PYOBJECT_FREED;
    if (!is_type(Py_TYPE(object)))
        return PYOBJECT_TYPE;
    return Py_REFCNT(object) < 0 ? PYOBJECT_COUNT : PYOBJECT_SOUND;
}

static struct pyobject_look check_block(const void *at, size_t head)
{
    static const enum pyobject_fault faults[] = {
        [DEBUG_BLOCK_WHOLE] = PYOBJECT_SOUND,       [DEBUG_BLOCK_FOREIGN] = PYOBJECT_SOUND,
        [DEBUG_BLOCK_UNDERRUN] = PYOBJECT_UNDERRUN, [DEBUG_BLOCK_SIZE] = PYOBJECT_SIZE,
        [DEBUG_BLOCK_OVERRUN] = PYOBJECT_OVERRUN,
    };
    const void *block = (const char *)at - head;
    enum debug_block_state state = debug_block_check(block);
    return (struct pyobject_look){
        .fault = faults[state], .foreign = state == DEBUG_BLOCK_FOREIGN, .block = block, .head = head};
}

static size_t head_of(const PyTypeObject *type)
{
    size_t head = type->tp_flags & Py_TPFLAGS_HAVE_GC ? layout.gc_head : 0;
    return head + (type->tp_flags & Py_TPFLAGS_PREHEADER ? layout.preheader : 0);
}

enum pyobject_references pyobject_references(PyObject *object, Py_ssize_t *ret_count)
{
    return layout.references(object, ret_count);
}

void pyobject_add_references(PyObject *object, Py_ssize_t n)
{
    layout.add_references(object, n);
}

PyObject *pyobject_in_block(char *block)
{
    const size_t heads[] = {0, layout.gc_head, layout.preheader, layout.gc_head + layout.preheader};
    Py_ssize_t count = 1;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        PyObject *object = (PyObject *)(block + heads[i]);
        if ((i > 0 && heads[i] == heads[i - 1]) || pyobject_check_head(object) != PYOBJECT_SOUND ||
            head_of(Py_TYPE(object)) != heads[i])
            continue;
        return pyobject_references(object, &count) == PYOBJECT_IMMORTAL || count > 0 ? object : NULL;
    }
    return NULL;
}

char *pyobject_block(PyObject *object)
{
    return (char *)object - head_of(Py_TYPE(object));
}

/* Checks the memory that an object of a common type owns. */
static struct pyobject_look check_buffer(PyObject *object)
{
    struct pyobject_look look = {0};
    if (PyList_Check(object) && ((PyListObject *)object)->ob_item)
        look = check_block(((PyListObject *)object)->ob_item, layout.list_head);
    else if (PyByteArray_Check(object) && ((PyByteArrayObject *)object)->ob_bytes)
        look = check_block(((PyByteArrayObject *)object)->ob_bytes, 0);
    look.buffer = true;
    return look;
}

struct pyobject_look pyobject_check_memory(PyObject *object)
{
    struct pyobject_look look = check_block(object, head_of(Py_TYPE(object)));
    if (look.fault != PYOBJECT_SOUND)
        return look;
    struct pyobject_look buffer = check_buffer(object);
    return buffer.fault == PYOBJECT_SOUND ? look : buffer;
}

void pyobject_type_name(PyObject *object, char *text, size_t size)
{
    const char *name = Py_TYPE(object)->tp_name;
    size_t n = 0;
    for (; n + 1 < size && readable(name + n, 1) && name[n]; n++)
        text[n] = (char)(isprint((unsigned char)name[n]) ? name[n] : '?');
    text[n] = '\0';
}

/* "the items of a 'list' object" */
static void name_object(PyObject *object, bool buffer, char *text, size_t size)
{
    char type[64];
    pyobject_type_name(object, type, sizeof type);
    const char *part = !buffer ? "" : PyList_Check(object) ? "the items of " : "the bytes of ";
    snprintf(text, size, "%sa '%s' object", part, type);
}

static void describe_memory(const struct pyobject_look *look, const char *name, char *text, size_t size)
{
    char hex[24];
    if (look->fault == PYOBJECT_SIZE) {
        snprintf(text, size, "the allocator's size field before %s at %p was overwritten", name, look->block);
    } else if (look->fault == PYOBJECT_UNDERRUN) {
        debug_block_hex(look->block, DEBUG_BLOCK_UNDERRUN, hex);
        snprintf(text, size, "wrote before %s: the 8 bytes before its memory at %p hold %s", name,
                 look->block, hex);
    } else {
        unsigned n = debug_block_overrun(look->block);
        debug_block_hex(look->block, DEBUG_BLOCK_OVERRUN, hex);
        snprintf(text, size, "wrote %u byte%s past %s (%zu bytes at %p): the overrun holds %s", n,
                 n == 1  ? ""
                 : n < 8 ? "s"
                         : "s or more",
                 name, debug_block_size(look->block) - look->head,
                 (const void *)((const char *)look->block + look->head), hex);
    }
}

static void describe_head(PyObject *object, enum pyobject_fault fault, const char *holder, char *text,
                          size_t size)
{
    static const char *const what[] = {
        [PYOBJECT_NOWHERE] = "is not in readable memory",
        [PYOBJECT_FREED] = "was freed",
        [PYOBJECT_TYPE] = "has a wrong type",
    };
    snprintf(text, size, "an object at %p that %s refers to %s", (void *)object, holder, what[fault]);
}

void pyobject_describe(PyObject *object, const struct pyobject_look *look, PyObject *holder, char *text,
                       size_t size)
{
    char name[96] = "the garbage collector";
    if (look->fault < PYOBJECT_COUNT) {
        if (holder)
            name_object(holder, false, name, sizeof name);
        describe_head(object, look->fault, name, text, size);
        return;
    }
    name_object(object, look->buffer, name, sizeof name);
    if (look->fault == PYOBJECT_COUNT)
        snprintf(text, size, "%s at %p has %zd references: more were released than taken", name,
                 (void *)object, Py_REFCNT(object));
    else
        describe_memory(look, name, text, size);
}
