/* See holder.h for the contract. */
#include "detectors/leak/holder.h"

#include <link.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "detectors/leak/census.h"
#include "detectors/common/pycompat.h"
#include "detectors/memory/pyobject.h"
#include "detectors/memory/readable.h"
#include "heap/memory/region.h"

#define STEPS_MAX 8
#define THREAD_BYTES ((size_t)64 << 10) /* searched below a thread's control block: its static variables */
#define OBJECT_BYTES ((size_t)4 << 10)  /* searched of an object at most */
#define PAGE 4096

/* A search for a pointer into [from, to), and its result. */
struct search {
    uintptr_t from, to;
    const char *where; /* the pointer; NULL: not found */
    const char *module;
    uintptr_t base; /* of the module */
    struct block block;
    PyObject *object;
    const void *seen[STEPS_MAX + 1];
    unsigned nseen;
    bool is_alive;    /* Python has not ended */
    bool interpreter; /* search the interpreter's own data only */
    bool again;       /* a holder that is on the path already refers to it */
};

/* Searches the words in [from, to), without unreadable pages. */
static bool scan(struct search *search, const char *from, const char *to)
{
    for (const char *at = (const char *)(((uintptr_t)from + 7) & ~(uintptr_t)7); at + 8 <= to; at += 8) {
        if ((uintptr_t)at % PAGE < 8 && !readable(at, 8)) {
            at += PAGE - 8 - (uintptr_t)at % PAGE;
            continue;
        }
        uintptr_t word = *(const uintptr_t *)at;
        if (word < search->from || word >= search->to)
            continue;
        search->where = at;
        return true;
    }
    return false;
}

/* Ignores the child's own data: its tables have the addresses of all objects. */
static int scan_module(struct dl_phdr_info *info, size_t size, void *context)
{
    struct search *search = context;
    bool is_interpreter = strstr(info->dlpi_name, "/libpython3") != NULL;
    bool ignored = info->dlpi_name[0] == '\0' || (search->is_alive && is_interpreter != search->interpreter);
    (void)size;
    for (int i = 0; i < info->dlpi_phnum && !ignored; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_W))
            continue;
        /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
        const char *from = (const char *)(info->dlpi_addr + segment->p_vaddr);
        if (!readable(from, 8) || !scan(search, from, from + segment->p_memsz))
            continue;
        search->module = info->dlpi_name;
        search->base = info->dlpi_addr;
        return 1;
    }
    return 0;
}

/* This thread's variables only: the workers have ended, and their variables with them. */
static bool find_thread(struct search *search)
{
    const char *self = (const char *)pthread_self(), *from = self;
    while ((size_t)(self - from) < THREAD_BYTES && readable(from - PAGE, PAGE))
        from -= PAGE;
    return scan(search, from, self);
}

/* Returns true for a holder that is on the path already, and drops it. */
static bool drop_seen(struct search *search, const void *at)
{
    for (unsigned i = 0; i < search->nseen; i++)
        if (search->seen[i] == at) {
            search->where = NULL;
            return search->again = true;
        }
    return false;
}

static int is_target(PyObject *object, void *context)
{
    const struct search *search = context;
    return (uintptr_t)object == search->from;
}

/* Visits the referents of a tracked object. An object that refers to itself is not its own holder. */
static int visit_tracked(PyObject *object, void *context)
{
    struct search *search = context;
    traverseproc traverse = Py_TYPE(object)->tp_traverse;
    if ((uintptr_t)object == search->from || !traverse || !traverse(object, is_target, search))
        return 1;
    search->where = (const char *)object;
    if (drop_seen(search, object))
        return 1;
    search->object = object;
    return 0;
}

static void search_block(void *context, const struct block *block)
{
    struct search *search = context;
    const char *user = block_user(block);
    if (search->where || !scan(search, user, user + block->size))
        return;
    if (!drop_seen(search, user))
        search->block = *block;
}

static size_t size_of(PyObject *object)
{
    const PyTypeObject *type = Py_TYPE(object);
    size_t size = (size_t)type->tp_basicsize;
    if (type->tp_itemsize > 0 && !PyLong_Check(object) && Py_SIZE(object) > 0)
        size += (size_t)type->tp_itemsize * (size_t)Py_SIZE(object);
    return size < OBJECT_BYTES ? size : OBJECT_BYTES;
}

/* Searches an object with its attributes, which lie before it. Its reference to its type does not count. */
static void search_object(void *context, char *start, enum epoch epoch)
{
    struct search *search = context;
    (void)epoch;
    PyObject *object = search->where ? NULL : pyobject_in_block(start);
    if (!object || (uintptr_t)object == search->from ||
        !(scan(search, start, (const char *)object) ||
          scan(search, (const char *)(object + 1), (const char *)object + size_of(object))))
        return;
    if (!drop_seen(search, object))
        search->object = object;
}

/* Finds the next holder of the path. Returns false if there is none, or if it is static: then `module` is set. */
static bool find_next(struct search *search, struct holder_path *path)
{
    search->where = NULL;
    search->object = NULL;
    search->block.start = NULL;
    search->module = NULL;
    search->again = false;
    if (dl_iterate_phdr(scan_module, search)) {
        path->holder = HOLDER_STATIC;
        path->address = (uint64_t)(uintptr_t)search->where;
        return false;
    }
    if (search->is_alive)
        PyUnstable_GC_VisitObjects(visit_tracked, search);
    if (search->where)
        return true;
    if (find_thread(search)) {
        path->holder = HOLDER_THREAD;
        return false;
    }
    region_walk_live(search_block, search);
    if (!search->where)
        addresses_walk(search_object, search);
    if (!search->where && search->again)
        path->holder = HOLDER_CYCLE;
    return search->where != NULL;
}

static void append(struct holder_path *path, const char *text)
{
    text_add(path->text, sizeof path->text, " <- ", "%s", text);
}

static void append_static(struct holder_path *path, const struct search *search)
{
    char text[128];
    const char *slash = strrchr(search->module, '/');
    snprintf(text, sizeof text, "%.80s+%#lx", slash ? slash + 1 : search->module,
             (unsigned long)((uintptr_t)search->where - search->base));
    append(path, text);
}

static void append_name(struct holder_path *path, PyObject *object)
{
    char text[128], type[112];
    if (PyType_Check(object)) {
        census_type_name((PyTypeObject *)object, type, sizeof type);
        snprintf(text, sizeof text, "the class %s", type);
    } else {
        PyObject *name = PyModule_GetNameObject(object);
        snprintf(text, sizeof text, "the module %s", name ? PyUnicode_AsUTF8(name) : "?");
        PyErr_Clear();
        Py_XDECREF(name);
    }
    append(path, text);
    path->holder = HOLDER_MODULE;
}

/* Appends the holder that was found, and makes it the target of the next search. */
static void move_on(struct search *search, struct holder_path *path)
{
    char text[96], type[64];
    Py_ssize_t references;
    if (search->object) {
        pyobject_type_name(search->object, type, sizeof type);
        bool is_immortal = pyobject_references(search->object, &references) == PYOBJECT_IMMORTAL;
        snprintf(text, sizeof text, "%s %s", is_immortal ? "an immortal" : "a", type);
        search->from = (uintptr_t)search->object;
        search->to = search->from + 1;
        search->seen[search->nseen++] = search->object;
        path->holder = HOLDER_OBJECT;
    } else {
        const char *user = block_user(&search->block);
        snprintf(text, sizeof text, "a block of %zu bytes", search->block.size);
        search->from = (uintptr_t)user;
        search->to = search->from + (search->block.size ? search->block.size : 1);
        search->seen[search->nseen++] = user;
        path->holder = HOLDER_HEAP;
        path->site = path->site ? path->site : search->block.alloc_site;
    }
    path->steps++;
    append(path, text);
}

/* For an object to which nothing else refers. */
static void find_in_interpreter(struct search *search, PyObject *object, struct holder_path *path)
{
    Py_ssize_t references = 0;
    search->interpreter = true;
    if (dl_iterate_phdr(scan_module, search) &&
        pyobject_references(object, &references) != PYOBJECT_IMMORTAL && references == 1)
        path->holder = HOLDER_INTERPRETER;
}

void holder_find(PyObject *object, bool is_alive, struct holder_path *path)
{
    struct search search = {.from = (uintptr_t)object,
                            .to = (uintptr_t)object + 1,
                            .seen = {object},
                            .nseen = 1,
                            .is_alive = is_alive};
    *path = (struct holder_path){.holder = HOLDER_NOBODY};
    readable_forget();
    pyobject_forget();
    while (path->steps < STEPS_MAX - 1 && find_next(&search, path)) {
        /* A module or a class ends the path: a reader can find it by its name. */
        if (is_alive && search.object && (PyModule_Check(search.object) || PyType_Check(search.object))) {
            append_name(path, search.object);
            break;
        }
        move_on(&search, path);
    }
    if (search.module)
        append_static(path, &search);
    else if (is_alive && path->steps == 0 && path->holder == HOLDER_NOBODY)
        find_in_interpreter(&search, object, path);
}
